"""A guest at the counter: found, served, and the next one. Each answer is the panel of the guest,
or a piece of it; the page brings it in.

What was found is sealed into the forms of the panel: whoever serves does not choose whom they
serve, and a phone number that was typed does not become a card that was scanned."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import orjson
import segno
from cryptography.fernet import InvalidToken
from flask import Blueprint, make_response, render_template, request
from sqlalchemy.orm import Session
from uuid_utils.compat import uuid7
from werkzeug.wrappers import Response

from ledger.contacts import Unfit, email_address, phone_number
from ledger.errors import NoPercentBack, Refusal, UnknownCard, UnknownMember
from ledger.money import Money
from ledger.people import cards, members
from ledger.people.persons import Profile
from ledger.points import checkout
from ledger.points.checkout import CheckoutQuote
from ledger.programmes import units
from ledger.programmes.programmes import Programme
from wallet.access import counter_deeds
from wallet.access.counter_deeds import CounterDeed, GuestNamedBy
from wallet.console import pages
from wallet.console.counter import panel, places, refusals
from wallet.console.counter.panel import ServedGuest
from wallet.console.counter.places import COUNTER, SERVES
from wallet.console.forms import FormEntries
from wallet.console.members import people, telling
from wallet.console.members.telling import TELLS
from wallet.console.pages import needs
from wallet.counter import serving, spend_codes
from wallet.counter.serving import LONGEST_TYPED, FoundGuest, SaleWish
from wallet.counter.spend_codes import AskedCode, SpendCodeOver
from wallet.errors import UnknownDeed
from wallet.finding.codes import ToldCode
from wallet.installation import current_installation
from wallet.pages import language
from wallet.pages.language import gettext as _
from wallet.passes import coupons
from wallet.people import deeds

routes = Blueprint("counter_guests", __name__)

EARNS, USES, ENROLS, ADJUSTS = "points:write", "coupons:use", "members:enrol", "points:adjust"
SERVED_FOR = timedelta(hours=1)  # a panel that was left open longer is of nobody
MOST_STAMPS = 100
LONGEST_NAME = 100
LONGEST_CODE = 20


@routes.post(f"{COUNTER}/guest")
@needs(SERVES)
def find() -> Response:
    """The guest whose card was scanned, or whose number was typed. 422 with the reason if there is
    none; a phone number of nobody is a new guest."""
    typed, house = request.form.get("scan", "").strip()[:LONGEST_TYPED], current_installation()
    if not typed:
        return _refused(_("Scan a card, or type its number or a phone number."))

    def work(session: Session) -> FoundGuest | Refusal:
        programme = pages.programme_row(session)
        return serving.find(session, house.keys, programme, typed, house.clock())

    try:
        found = house.database.run(work)
    except UnknownMember:
        return _new_guest(typed)
    except UnknownCard as refusal:
        hint = _("Type the whole number of the card, a phone number or an e-mail.")
        return _refused(refusal, hint=hint)
    except Refusal as refusal:
        return _refused(refusal)
    if isinstance(found, Refusal):
        return _refused(found)
    guest = ServedGuest(found.member.public_id, found.card, found.named_by, typed)
    return _panel(guest, found.coupon)


@routes.post(f"{COUNTER}/deal")
@needs(EARNS)
def price() -> Response | str:
    """What a purchase of this size would bring: the buttons, with their results on them."""
    guest, entries, house = _served(), FormEntries(), current_installation()
    if guest is None:
        return _refused(_("Too much time went by. Scan the card once more."))
    with house.database.reading() as session:
        total = _total(session, entries)
        if total is None:
            return _deal(None, entries.problems.get("amount", ""), 422)
        try:
            member = members.by_public_id(session, guest.member)
            quote = checkout.quote(session, member, total, house.clock())
            why_not = panel.why_not(session, guest, member)
            if request.form.get("spend", "").strip() and not why_not:
                wanted = _whole("spend", 0)
                if wanted is None or not 0 < wanted <= quote.spends:
                    most = people.points(quote.unit, quote.spends)
                    why_not = _("From 1 to %(most)s can be spent here.", most=most)
                else:
                    quote = checkout.quote(session, member, total, house.clock(), wanted)
        except Refusal as refusal:
            return _deal(None, refusals.in_short(refusal)[0], 422)
    return _deal(quote, "", why_not=why_not)


@routes.post(f"{COUNTER}/earn")
@needs(EARNS)
def sell() -> Response:
    """Settle the purchase; `points`: how many pay of it, none with `earn_only`. Where a code is due
    to spend them, it is sent first, and asked for."""
    guest, entries, house = _served(), FormEntries(), current_installation()
    if guest is None:
        return _refused(_("Too much time went by. Scan the card once more."))
    points, typed = _whole("points", 0), request.form.get("code", "").strip()[:LONGEST_CODE]
    if request.form.get("earn_only"):
        points = 0
    with house.database.reading() as session:
        total, rule = _total(session, entries), panel.spend_rule(session, guest)
    if total is None or points is None:
        return _panel(guest, None, entries)
    if points and rule == "code" and (said := _asked_code(guest, points, typed)) is not None:
        return said

    def work(session: Session) -> CounterDeed:
        programme, by = pages.programme_row(session), places.at_counter(session)
        wish = SaleWish(guest.card, guest.named_by, total, points, typed)
        return serving.sell(session, house.keys, programme, _key(), wish, by, house.clock())

    return _done(work)


@routes.post(f"{COUNTER}/stamps")
@needs(EARNS)
def stamp() -> Response:
    """Give stamps, or take them for a reward."""
    guest, house = _served(), current_installation()
    if guest is None:
        return _refused(_("Too much time went by. Scan the card once more."))
    count = _whole("count", 0)
    if not count or not -MOST_STAMPS <= count <= MOST_STAMPS:
        return _refused(_("Type a number of stamps."))

    def work(session: Session) -> CounterDeed:
        programme, by = pages.programme_row(session), places.at_counter(session)
        whom = (guest.card, guest.named_by)
        return serving.stamp(session, programme, _key(), whom, count, by, house.clock())

    return _done(work)


@routes.post(f"{COUNTER}/coupon")
@needs(USES)
def use_coupon() -> Response:
    """Use a coupon up."""
    guest, house, author = _served(), current_installation(), pages.author()
    if guest is None:
        return _refused(_("Too much time went by. Scan the card once more."))
    serial = request.form.get("coupon", "")[:32]

    def work(session: Session) -> CounterDeed:
        by, now = places.at_counter(session), house.clock()
        member = members.by_public_id(session, guest.member)
        coupons.presented(session, serial, member)
        return serving.use_coupon(session, _key(), serial, house.make_due, by, author, now)

    return _done(work, guest)


@routes.post(f"{COUNTER}/join")
@needs(ENROLS)
def enrol() -> Response:
    """Make a new member, and show the code by which they take their card along."""
    entries, house, author = FormEntries(), current_installation(), pages.author()
    contact, name = entries.text("contact"), entries.text("name", required=False, most=LONGEST_NAME)
    with house.database.reading() as session:
        programme = pages.programme_row(session)
        profile = _profile(programme, contact, name)
    if profile is None or not entries.fit:
        return _new_guest(contact, name, entries)

    def work(session: Session) -> CounterDeed:
        by = places.at_counter(session)
        return serving.enrol(
            session,
            pages.programme_row(session),
            _key(),
            profile,
            house.pass_type,
            house.keys,
            by,
            author,
            house.clock(),
        )

    return _done(work, contact=contact)


@routes.post(f"{COUNTER}/deeds/<deed_id>/undo")
@needs(EARNS)
def undo(deed_id: str) -> Response:
    """Undo what was done."""
    house, author = current_installation(), pages.author()

    def work(session: Session) -> CounterDeed:
        deed = counter_deeds.find(session, pages.programme().id, deed_id)
        by, now = places.at_counter(session), house.clock()
        return serving.undo(
            session, deed, house.make_due, by, author, now, any_ones=pages.may(ADJUSTS)
        )

    return _done(work)


# --- Codes to spend -----------------------------------------------------------------------------


def _asked_code(guest: ServedGuest, points: int, typed: str) -> Response | None:
    """The panel that asks for the code: a new one is sent where none was typed. None once the right
    one was typed."""
    house, problem = current_installation(), ""

    def work(session: Session) -> AskedCode | Refusal | None:
        member, now = members.by_public_id(session, guest.member), house.clock()
        if typed:
            return spend_codes.try_code(session, house.keys, member, typed, points, now)
        return spend_codes.ask(
            session,
            house.keys,
            member,
            points,
            language.current(),
            now,
            reaches=house.codes.reaches,
        )

    try:
        outcome = house.database.run(work)
    except Refusal as refusal:
        return _refused(refusal)
    if outcome is None:
        return None
    if isinstance(outcome, Refusal):
        problem, ways = refusals.in_short(outcome)[0], request.form.get("ways", "")
    else:
        ways = f"{outcome.sent_by or ''} {'page' if outcome.on_page else ''}".strip()
    with house.database.reading() as session:
        member = members.by_public_id(session, guest.member)
        seen = panel.seen(session, member, guest, None, house.clock())
        spends = people.points(units.named(session, member.programme_id, None), points)
    page = render_template(
        "console/counter/code.html",
        guest=seen,
        ways=ways.split(),
        problem=problem,
        points=points,
        spends=spends,
        is_over=isinstance(outcome, SpendCodeOver),
        form=request.form,
        key=_key(),
    )
    return make_response(page, 422 if problem else 200)


# --- A code to find the card --------------------------------------------------------------------


@routes.post(f"{COUNTER}/code")
@needs(SERVES, TELLS)
def tell_code() -> Response:
    """Show the code by which the guest finds their card on their own phone. They go on to be
    served."""
    guest, house, author = _served(), current_installation(), pages.author()
    if guest is None:
        return _refused(_("Too much time went by. Scan the card once more."))

    def work(session: Session) -> ToldCode:
        member = members.by_public_id(session, guest.member)
        return deeds.tell_code(session, house.keys, member, author, house.clock())

    try:
        code = telling.to_read(house.database.run(work))
    except Refusal as refusal:
        return _refused(refusal)
    with house.database.reading() as session:
        member = members.by_public_id(session, guest.member)
        seen = panel.seen(session, member, guest, None, house.clock())
    drawing = segno.make(code.page, error="m").svg_data_uri(scale=6, border=2)
    page = render_template(
        "console/counter/told_code.html", guest=seen, code=code, drawing=drawing, **_around_guest()
    )
    return make_response(page)


# --- What forms say -----------------------------------------------------------------------------


def _served() -> ServedGuest | None:
    """Whom the form is about; None where that cannot be said any more."""
    house = current_installation()
    try:
        told = orjson.loads(house.keys.unseal(request.form.get("who", "")))
    except InvalidToken:
        return None
    programme_id, at, *named = told
    is_fresh = house.clock().timestamp() - at < SERVED_FOR.total_seconds()
    if programme_id != pages.programme().id or not is_fresh:
        return None
    return ServedGuest(*named)


def _key() -> str:
    """The key of the deed: the form's, or a new one for a form without."""
    return request.form.get("key", "")[: counter_deeds.LONGEST_KEY] or str(uuid7())


def _whole(name: str, usual: int) -> int | None:
    typed = request.form.get(name, "") or str(usual)
    digits = typed.removeprefix("-")
    if not digits.isascii() or not digits.isdigit() or len(digits) > 15:
        return None
    return int(typed)


def _total(session: Session, entries: FormEntries) -> Money | None:
    """What was typed as the amount of the purchase, in the currency of purchases."""
    unit = units.named(session, pages.programme().id, None)
    rates = checkout.rates_of(session, unit)
    if rates is None:
        entries.refused(NoPercentBack(), "amount")
        return None
    total = entries.money("amount", rates.currency)
    if total is not None and not total.amount.strip("0."):
        entries.refuse("amount", _("An amount of money, such as 100 or 99.90."))
        return None
    return total


def _profile(programme: Programme, contact: str, name: str) -> Profile | None:
    """Who joins, by the phone number or e-mail that was typed; None for what is neither."""
    try:
        if "@" in contact:
            return Profile(name=name or None, email=email_address(contact))
        return Profile(name=name or None, phone=phone_number(contact, programme.country))
    except Unfit:
        return None


# --- What is answered ---------------------------------------------------------------------------


def _refused(refused: Refusal | str, status: int = 422, hint: str = "") -> Response:
    short, whole = (refused, "") if isinstance(refused, str) else refusals.in_short(refused)
    whole = hint or whole
    page = render_template("console/counter/refused.html", sentence=short, whole=whole)
    return make_response(page, status)


def _new_guest(contact: str, name: str = "", entries: FormEntries | None = None) -> Response:
    """A phone number or e-mail of nobody: with the form that makes a card for it."""
    problems = {} if entries is None else dict(entries.problems)
    with current_installation().database.reading() as session:
        programme = pages.programme_row(session)
        if entries is not None and _profile(programme, contact, "x") is None:
            problems.setdefault("contact", _("This is no phone number and no e-mail."))
        keeps = programme.keeps_personal
    page = render_template(
        "console/counter/new_guest.html",
        contact=contact,
        name=name,
        problems=problems,
        key=str(uuid7()),
        may_enrol=keeps and pages.may(ENROLS),
    )
    return make_response(page, 422 if problems else 200)


def _deal(
    quote: CheckoutQuote | None, problem: str, status: int = 200, *, why_not: str = ""
) -> Response:
    page = render_template(
        "console/counter/deal.html",
        quote=quote,
        problem=problem,
        said=people.points,
        why_not=why_not,
    )
    return make_response(page, status)


def _panel(guest: ServedGuest, scanned: str | None, entries: FormEntries | None = None) -> Response:
    house = current_installation()
    with house.database.reading() as session:
        member = members.by_public_id(session, guest.member)
        seen = panel.seen(session, member, guest, scanned, house.clock())
    page = render_template("console/counter/guest.html", guest=seen, **_around_guest(entries))
    return make_response(page, 200 if entries is None else 422)


def _done(
    work: Callable[[Session], CounterDeed],
    guest: ServedGuest | None = None,
    contact: str = "",
) -> Response:
    """Do it, and say what was done; refused, the panel says why, and nothing was done. `guest` goes
    on to be served, as does who has just got a card for this phone number or e-mail, `contact`."""
    house = current_installation()
    try:
        deed = house.database.run(work)
    except UnknownDeed as refusal:
        return _refused(refusal, 404)
    except Refusal as refusal:
        return _refused(refusal)
    if request.form.get("list"):  # of a list: its sums change too
        return Response(headers={"HX-Refresh": "true"})
    with house.database.reading() as session:
        told = panel.told(session, deed, house.clock())
        if contact and deed.member_id is not None:
            member = members.by_id(session, deed.member_id)
            number = cards.newest_of(session, member.id).number
            by: GuestNamedBy = deed.named_by or "phone"
            guest = ServedGuest(member.public_id, number, by, contact)
        after = None
        if guest is not None and deed.state == "done":
            member = members.by_public_id(session, guest.member)
            after = panel.seen(session, member, guest, None, house.clock())
    page = render_template("console/counter/done.html", after=after, **told, **_around_guest())
    return make_response(page)


def _around_guest(entries: FormEntries | None = None) -> dict[str, Any]:
    """What the forms of a guest need."""
    return {
        "key": str(uuid7()),
        "amount": request.form.get("amount", ""),
        "problems": {} if entries is None else entries.problems,
        "may_earn": pages.may(EARNS),
        "may_use": pages.may(USES),
        "may_tell": pages.may(TELLS),
        "sets_url": pages.url_if_there("console.base_programme.show", "terms:write"),
    }
