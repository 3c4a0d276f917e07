"""What was done at the counters: by oneself today, and for those who run the programme, by all,
with what is odd about it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from babel.numbers import get_currency_symbol
from flask import Blueprint, request
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from ledger import languages
from ledger.errors import Refusal, TermsRefused
from ledger.money import Money, decimals
from ledger.offers.offers import Offer
from ledger.people import cards, members
from ledger.points import checkout
from ledger.programmes import programmes, stores, units
from ledger.programmes.programmes import Programme
from ledger.programmes.units import Unit
from wallet.access import changes, counter_deeds, counter_limits, pins
from wallet.access.changes import ChangedThing
from wallet.access.counter_deeds import CounterDeed
from wallet.access.counter_limits import CounterLimits, CounterOddity, UsualAtCounter
from wallet.access.staff import Employee
from wallet.console import doing, listing, moments, pages
from wallet.console.counter import places
from wallet.console.counter.places import COUNTER, SERVES
from wallet.console.forms import FORM, FormEntries, FormRefused
from wallet.console.members import people
from wallet.console.pages import IN_PROGRAMME, needs
from wallet.counter import serving
from wallet.installation import current_installation
from wallet.pages import language
from wallet.pages.language import gettext as _
from wallet.pages.language import ngettext
from wallet.passes import showing
from wallet.passes.issued import Pass

routes = Blueprint("counter_shift", __name__)

HERE = "shop"
WATCHES, SETS = "changes:read", "terms:write"
MOST_OF_SHIFT = 500
MOST_PLACES = 1_000
WATCHED = "console/counter/watched.html"


@dataclass(frozen=True, slots=True)
class DeedLine:
    """A deed in a list. `what`: what was done; `became`: that it was undone, or why it was refused;
    `odd`: what somebody should look at."""

    id: str
    at: str
    what: str
    whom: str
    how: str
    url: str
    by: str
    place: str
    became: str
    odd: Sequence[str]
    can_undo: bool


@dataclass(frozen=True, slots=True)
class ShiftSums:
    """How a shift went: purchases, what they cost, points earned and spent, all in words."""

    purchases: str
    paid: str
    earned: str
    spent: str


@routes.get(f"{COUNTER}/shift")
@needs(SERVES)
def show() -> str:
    """What whoever serves did today, newest first, with a way to undo each."""
    house = current_installation()
    with house.database.reading() as session:
        programme, by = pages.programme_row(session), places.at_counter(session)
        since = serving.start_of_day(programme, house.clock())
        done = counter_deeds.of_shift(session, by, since, MOST_OF_SHIFT)
        lines = _lines(session, programme, done)
        sums = _sums(session, programme, done)
    return pages.show(
        "console/counter/shift.html", "counter", lines=lines, sums=sums, **places.around()
    )


@routes.get(f"{IN_PROGRAMME}/cashiers")
@needs(WATCHES)
def watch() -> str:
    """What all cashiers did, or what is odd of it; with the limits beyond which it is odd."""
    return _watched({}, {})


@routes.post(f"{IN_PROGRAMME}/cashiers/limits")
@needs(SETS)
def limit() -> Response | str:
    """Say how much is usual for one card in a day."""
    entries, house, by = FormEntries(), current_installation(), pages.author()

    def save(session: Session) -> None:
        programme = programmes.by_id(session, pages.programme().id)
        changes.held(session, programme)  # locked: one who decides at once waits
        wanted = UsualAtCounter(
            entries.whole("purchases", required=False),
            entries.whole("same_cashier", required=False),
            _pieces(session, entries),
        )
        if not entries.fit:
            raise FormRefused
        before = changes.facts(session.get(CounterLimits, programme.id))
        row = counter_limits.put(session, programme.id, wanted)
        of = ChangedThing("programme", programme.code, programme.id)
        after = changes.facts(row)
        changes.note(session, by, "programme.counter_limits", of, house.clock(), before, after)

    if not doing.done(entries, save, _field_of):
        return _watched(entries, entries.problems)
    pages.say(_("Saved."))
    return pages.go("console.counter_shift.watch")


def _field_of(refusal: Refusal) -> str:
    return refusal.field if isinstance(refusal, TermsRefused) else FORM


def _watched(typed: Mapping[str, str] | FormEntries, problems: Mapping[str, str]) -> str:
    house, before = current_installation(), listing.after()
    is_odd = request.args.get("only") == "odd"
    with house.database.reading() as session:
        programme = pages.programme_row(session)
        found = counter_deeds.listed(
            session, programme.id, before[0] if before else None, listing.ROWS + 1, odd=is_odd
        )
        page = listing.page(found, lambda deed: (deed.id,))
        lines = _lines(session, programme, page.rows)
        usual, currency = counter_limits.of(session, programme.id), _currency(session, programme.id)
    locale = languages.locale(language.current())
    shown = typed or {
        "purchases": str(usual.purchases or ""),
        "same_cashier": str(usual.same_cashier or ""),
        "amount": "" if usual.amount is None else _money(usual.amount, currency).amount,
    }
    return pages.show(
        WATCHED,
        HERE,
        lines=lines,
        page=page,
        is_odd=is_odd,
        typed=shown,
        problems=problems,
        currency=get_currency_symbol(currency, locale) if currency else "",
        may_set=pages.may(SETS),
    )


def _lines(
    session: Session, programme: Programme, found: Sequence[CounterDeed]
) -> Sequence[DeedLine]:
    now, unit = current_installation().clock(), units.named(session, programme.id, None)
    staff = session.scalars(select(Employee).where(Employee.id.in_({d.employee_id for d in found})))
    names = {one.id: pins.called(one) for one in staff}
    theirs = [one.member_id for one in found if one.member_id is not None]
    people_of = {one.id: one for one in members.by_ids(session, theirs)}
    numbers = cards.newest(session, theirs)
    may_see, mine = pages.may("members:read"), pages.person().employee_id
    called, offered = _places(session, programme.id), _offers(session, found)
    lines = []
    for deed in found:
        member = people_of.get(deed.member_id or 0)
        is_there = member is not None and member.erased_at is None
        number = numbers[member.id].number if member is not None and is_there else ""
        url = ""
        if member is not None and is_there and may_see:
            url = pages.url("console.member.show", member_id=member.public_id)
        lines.append(
            DeedLine(
                deed.public_id,
                moments.at(deed.happened_at, programme.timezone, now),
                _what(programme, deed, unit, offered.get(deed.serial)),
                people.grouped(number),
                _how(deed),
                url,
                names[deed.employee_id],
                called.get((deed.store, deed.till)) or called.get((deed.store, None), ""),
                _became(deed),
                [_oddity(one) for one in deed.odd or ()],
                deed.state == "done" and deed.kind != "joined" and deed.employee_id == mine,
            )
        )
    return lines


def _places(session: Session, programme_id: int) -> Mapping[tuple[str | None, str | None], str]:
    """What stores, and tills in them, are called, by their codes."""
    found: dict[tuple[str | None, str | None], str] = {}
    names = {one.code: one.name for one in stores.listed(session, programme_id, 0, MOST_PLACES)}
    for code, name in names.items():
        found[code, None] = name
    for till, store in stores.tills(session, programme_id, 0, MOST_PLACES):
        found[store, till.code] = f"{names.get(store, store)}, {till.name}"
    return found


def _offers(session: Session, found: Sequence[CounterDeed]) -> Mapping[str | None, Offer]:
    """The announcements whose coupons were used, by the serial numbers of these."""
    serials = [deed.serial for deed in found if deed.serial is not None]
    rows = session.execute(
        select(Pass.serial, Offer)
        .join(Offer, Offer.id == Pass.offer_id)
        .where(Pass.serial.in_(serials))
    )
    return {row[0]: row[1] for row in rows} if serials else {}


def _what(programme: Programme, deed: CounterDeed, unit: Unit, offer: Offer | None) -> str:
    """What was done, with its figures; `offer`: of the coupon that was used."""
    if deed.kind == "joined":
        return _("New member")
    if deed.kind == "coupon":
        title = "" if offer is None else showing.wording(offer, programme, language.current())[0]
        return _("Coupon used: %(title)s", title=title)
    moved = []
    if deed.earned:
        moved.append(people.signed(unit, deed.earned))
    if deed.spent:
        moved.append(people.signed(unit, -deed.spent))
    if deed.total is not None and deed.currency:
        total = _money(deed.total, deed.currency).written(language.current())
        if not moved:
            return _("Purchase of %(amount)s", amount=total)
        return _("Purchase of %(amount)s: %(points)s", amount=total, points=", ".join(moved))
    return ", ".join(moved)


def _how(deed: CounterDeed) -> str:
    """How the guest was named, where it was not by their card."""
    if deed.kind != "sale" or deed.named_by in (None, "card"):
        return ""
    return _("found by phone number") if deed.named_by == "phone" else _("found by e-mail")


def _became(deed: CounterDeed) -> str:
    if deed.state == "undone":
        return _("undone")
    if deed.state == "refused":
        return _("sent late, and refused")
    return _("sent late") if deed.offline else ""


def _oddity(odd: CounterOddity) -> str:
    match odd:
        case "many_purchases":
            return _("many purchases of one card today")
        case "much_money":
            return _("much money with one card today")
    return _("often the same card with this cashier")


def _sums(session: Session, programme: Programme, found: Sequence[CounterDeed]) -> ShiftSums:
    """The sums of a shift, without what was undone or refused."""
    unit = units.named(session, programme.id, None)
    done = [deed for deed in found if deed.state == "done"]
    sales = [deed for deed in done if deed.kind in ("sale", "stamps")]
    currency = next((deed.currency for deed in sales if deed.currency), None)
    total = sum(deed.total or 0 for deed in sales if deed.currency == currency)
    return ShiftSums(
        ngettext("%(num)s purchase", "%(num)s purchases", len(sales)),
        "" if currency is None else _money(total, currency).written(language.current()),
        people.points(unit, sum(deed.earned for deed in done)),
        people.points(unit, sum(deed.spent for deed in done)),
    )


def _currency(session: Session, programme_id: int) -> str:
    rates = checkout.rates_of(session, units.named(session, programme_id, None))
    return "" if rates is None else rates.currency


def _pieces(session: Session, entries: FormEntries) -> int | None:
    """The amount that was typed, in the smallest pieces of its currency."""
    currency = _currency(session, pages.programme().id)
    money = entries.money("amount", currency, required=False) if currency else None
    return None if money is None else money.points(decimals(currency))


def _money(pieces: int, currency: str) -> Money:
    return Money.of(pieces, decimals(currency), currency)
