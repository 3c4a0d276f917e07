"""Coupons: looked up by what a scanner reads, used, made void and made good again; those of one
offer, and who gets one by hand."""

from collections.abc import Generator, Iterator
from datetime import datetime

from flask import Blueprint, make_response, request, stream_with_context
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from ledger.errors import Refusal, UnknownOffer
from ledger.offers import offers
from ledger.offers.offers import Offer
from ledger.people import cards, members
from ledger.people.members import Member
from wallet.access.exports import ExportOrder
from wallet.access.files import AT_ONCE, ExportRun, ExportSource, ListItem, TableRow
from wallet.console import doing, listing, moments, pages
from wallet.console.forms import FormEntries
from wallet.console.members import coupon_words, people
from wallet.console.members import members as list_of
from wallet.console.members.coupon_words import CHANGE, READ, STANDINGS, USE
from wallet.console.messages import told
from wallet.console.messages.told import HERE
from wallet.console.pages import IN_PROGRAMME, needs
from wallet.errors import CouponUsed
from wallet.installation import current_installation
from wallet.pages import language
from wallet.pages.language import gettext as _
from wallet.passes import codes, coupons, issued
from wallet.passes.content import PassState
from wallet.passes.coupons import STANDINGS as EVERY_STANDING
from wallet.passes.coupons import CouponIssuer, Standing
from wallet.passes.issued import Pass
from wallet.people import pass_deeds

routes = Blueprint("coupons", __name__)

LOOK_UP, COUPON = "console/messages/coupon_look_up.html", "console/messages/coupon.html"
VOID, OF_OFFER = "console/messages/coupon_void.html", "console/messages/coupons.html"
OF_COUPON = f"{IN_PROGRAMME}/messages/coupons/<coupon_id>"
COUPONS_OF = f"{IN_PROGRAMME}/messages/offers/<offer_id>/coupons"
EXPORTS = "exports:read"
LONGEST_CODE = 400  # characters: a coupon's barcode with a signed code in it has fewer
FOUND = 8  # members whom a search offers
SERIAL = 32  # hex digits


# --- Looked up ----------------------------------------------------------------------------------


@routes.get(f"{IN_PROGRAMME}/messages/coupons")
@needs(READ)
def look_up() -> Response | str:
    """The coupon that was scanned, or the coupons of the card that was. A scanner types what it
    reads and presses Enter."""
    house = current_installation()
    typed = cards.normalise(request.args.get("code", ""))[:LONGEST_CODE]
    problem, owner, lines = "", None, []
    with house.database.reading() as session:
        if typed:
            meant = _meant(session, typed, house.clock())
            match meant:
                case Pass():
                    return pages.go("console.coupons.show", coupon_id=meant.serial)
                case Member():
                    owner = _name_and_url(session, meant)
                    lines = coupon_words.of_members(
                        session, coupon_words.person(session, meant), pages.zone(), house.clock()
                    )
                case None:
                    problem = _("Nothing here has this code. Scan it once more.")
    page = pages.show(
        LOOK_UP,
        HERE,
        typed=typed,
        problems={"code": problem} if problem else {},
        owner=owner,
        lines=lines,
        tabs=told.tabs("coupons"),
    )
    return make_response(page, 404 if problem else 200)


def _meant(session: Session, typed: str, now: datetime) -> Pass | Member | None:
    """The coupon of this programme whose barcode or id this is, or the member whose card. Whether a
    code is fresh is not asked: nothing is given out here by showing it, a coupon's number cannot be
    guessed, and to read a card's code would use it up."""
    here = pages.programme().id
    serial, card = codes.parted(typed)
    if serial is None and len(typed) == SERIAL:
        serial = typed.lower()
    if serial is not None:
        found = issued.by_serial(session, serial)
        if found is not None and found.offer_id is not None and found.programme_id == here:
            return found
    code = codes.read(card)
    number = card if code is None else code.card
    if not cards.is_possible(number):
        return None
    owner = cards.owners(session, [number], now).get(number)
    if owner is None or owner.member.programme_id != here or owner.member.erased_at is not None:
        return None
    return owner.member


@routes.get(OF_COUPON)
@needs(READ)
def show(coupon_id: str) -> str:
    """One coupon: whose it is, of what, how it stands."""
    house = current_installation()
    now, zone = house.clock(), pages.zone()
    with house.database.reading() as session:
        coupon, offer = _here(session, coupon_id)
        listed = coupons.one(session, offer, coupon, now)
        (line,) = coupon_words.lines(session, offer, [listed], zone, now)
        member = members.by_id(session, listed.member_id)
        return pages.show(
            COUPON,
            HERE,
            typed="",
            problems={},
            coupon=line,
            gives=coupon_words.gives(offer),
            owner=_name_and_url(session, member) if member.erased_at is None else None,
            obstacle=_obstacle(session, listed, now),
            offer_url=pages.url_if_there(
                "console.offers.show", "offers:read", offer_id=offer.public_id
            ),
            phones=line.wallets or _("in no phone"),
        )


def _obstacle(session: Session, listed: coupons.ListedCoupon, now: datetime) -> str:
    """Why tills refuse a good coupon all the same, in words; empty if they do not."""
    if listed.standing != "active":
        return ""
    try:
        cards.require_open(session, listed.pass_.member_id, now)
    except Refusal as refusal:
        return _("Tills refuse it for now: %(why)s", why=refusal.sentence(language.current()))
    return ""


def _here(session: Session, coupon_id: str) -> tuple[Pass, Offer]:
    """The coupon of the page's programme; the request ends with 404 if there is none."""
    found = issued.by_serial(session, coupon_id)
    if found is None or found.offer_id is None or found.programme_id != pages.programme().id:
        pages.not_there(HERE)
    return found, session.get_one(Offer, found.offer_id)


def _name_and_url(session: Session, member: Member) -> tuple[str, str]:
    """What the member is called, and their page for who may see it."""
    url = pages.url_if_there("console.member.show", "members:read", member_id=member.public_id)
    return people.name_of(session, member), url


# --- What is done with one ----------------------------------------------------------------------


@routes.post(f"{OF_COUPON}/use")
@needs(USE)
def use(coupon_id: str) -> Response:
    """Use it up. Of two who do it at once, the second is told when it was, and who was first."""
    house, by = current_installation(), pages.author()

    def work(session: Session) -> None:
        coupon, _offer = _here(session, coupon_id)
        pass_deeds.use(session, coupon, house.make_due, by, house.clock())

    try:
        house.database.run(work)
    except CouponUsed:
        pages.say(_used_before(coupon_id), "bad")
    except Refusal as refusal:
        pages.say(refusal.sentence(language.current()), "bad")
    else:
        pages.say(_("The coupon is used. Give the member what it says."))
    return _back(coupon_id)


@routes.post(f"{OF_COUPON}/unuse")
@needs(CHANGE)
def unuse(coupon_id: str) -> Response:
    """Take a use back: the coupon can be used once more."""
    return _good_again(
        coupon_id, "used", _("The use is taken back: the coupon can be used once more.")
    )


@routes.post(f"{OF_COUPON}/restore")
@needs(CHANGE)
def restore(coupon_id: str) -> Response:
    """Make a void coupon good again."""
    return _good_again(coupon_id, "void", _("The coupon is good again."))


def _good_again(coupon_id: str, only_if: PassState, said: str) -> Response:
    """Make the coupon good again, if it is in this state."""
    house, by = current_installation(), pages.author()

    def work(session: Session) -> None:
        coupon, _offer = _here(session, coupon_id)
        pass_deeds.restore(session, coupon, house.make_due, by, house.clock(), only_if=only_if)

    doing.told(work, said)
    return _back(coupon_id)


@routes.get(f"{OF_COUPON}/void")
@needs(CHANGE)
def ask(coupon_id: str) -> str:
    """What it means to make it void."""
    house = current_installation()
    now = house.clock()
    with house.database.reading() as session:
        coupon, offer = _here(session, coupon_id)
        listed = coupons.one(session, offer, coupon, now)
        (line,) = coupon_words.lines(session, offer, [listed], pages.zone(), now)
        name, _url = _name_and_url(session, members.by_id(session, listed.member_id))
    return pages.show(VOID, HERE, coupon=line, name=name, then=request.args.get("then", ""))


@routes.post(f"{OF_COUPON}/void")
@needs(CHANGE)
def make_void(coupon_id: str) -> Response:
    """Make it void, unless somebody used it meanwhile."""
    house, by = current_installation(), pages.author()

    def work(session: Session) -> None:
        coupon, _offer = _here(session, coupon_id)
        pass_deeds.make_void(session, coupon, house.make_due, by, house.clock(), unless_used=True)

    try:
        house.database.run(work)
    except CouponUsed:
        pages.say(_used_before(coupon_id), "bad")
    except Refusal as refusal:
        pages.say(refusal.sentence(language.current()), "bad")
    else:
        pages.say(_("The coupon is void."))
    return _back(coupon_id)


def _used_before(coupon_id: str) -> str:
    house = current_installation()
    with house.database.reading() as session:
        coupon, _offer = _here(session, coupon_id)
        when = coupon_words.used(coupon, pages.zone(), house.clock())
    if not when:
        return CouponUsed().sentence(language.current())
    return _("It was used already: %(when)s.", when=when)


def _back(coupon_id: str) -> Response:
    """To the page on which the button stands: that of the coupon, or of its member."""
    house = current_installation()
    if request.form.get("then") == "member" and pages.may("members:read"):
        with house.database.reading() as session:
            coupon, offer = _here(session, coupon_id)
            listed = coupons.one(session, offer, coupon, house.clock())
            owner = members.by_id(session, listed.member_id)
        return pages.go("console.member.show", member_id=owner.public_id)
    return pages.go("console.coupons.show", coupon_id=coupon_id)


# --- Those of one offer -------------------------------------------------------------------------


@routes.get(COUPONS_OF)
@needs(READ)
def listed(offer_id: str) -> str:
    """The coupons of an offer: how many, how they stand, whose they are; and who gets one by
    hand."""
    return _page_of(offer_id)


@routes.post(COUPONS_OF)
@needs(CHANGE)
def give(offer_id: str) -> Response:
    """Give one member a coupon. Who has one already gets no second one, and the page says so."""
    house, entries = current_installation(), FormEntries()
    issuer = CouponIssuer(house.pass_type, house.keys.first.id)

    def work(session: Session) -> tuple[bool, str]:
        offer = offers.hold(session, _offer(session, offer_id).public_id)
        member = people.present(session, entries["member"])
        return coupons.hand_out(session, offer, member, issuer, house.clock()), people.name_of(
            session, member
        )

    with house.database.reading() as session:
        _offer(session, offer_id)
    made = doing.told(work)
    if made is not None:
        is_new, name = made
        if is_new:
            pages.say(_("%(name)s has the coupon: it is on the page of the card.", name=name))
        else:
            pages.say(_("%(name)s has a coupon of this already.", name=name), "wait")
    return pages.go("console.coupons.listed", offer_id=offer_id)


@routes.post(f"{COUPONS_OF}/export")
@needs(EXPORTS)
def take(offer_id: str) -> Response:
    """All coupons of the offer, or those of one state, as a table; it is noted who took it."""
    house = current_installation()
    with house.database.reading() as session:
        offer = _offer(session, offer_id)
    which = _standing()
    filters = {"offer": offer.public_id} | ({} if which is None else {"state": which})
    order = ExportOrder(
        offer.programme_id, "coupons", "csv", personal=False, filters=filters, by=pages.author()
    )
    run = ExportRun(house.database, house.clock, order, _source(offer, which, house.clock()))
    answer = Response(stream_with_context(run.pieces()), mimetype="text/csv")
    answer.call_on_close(run.end)
    answer.headers["Content-Disposition"] = 'attachment; filename="coupons.csv"'
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _page_of(offer_id: str) -> str:
    house, after = current_installation(), listing.after()
    now, zone, which = house.clock(), pages.zone(), _standing()
    asked = request.args.get("q", "").strip()
    with house.database.reading() as session:
        offer = _offer(session, offer_id)
        counts = coupons.counted(session, offer, now)
        found = coupons.listed(
            session, offer, which, after[0] if after else None, listing.ROWS + 1, now
        )
        page = listing.page(found, lambda one: (one.pass_.id,), listing.ROWS)
        lines = coupon_words.lines(session, offer, page.rows, zone, now)
        names = _names(session, [one.member_id for one in page.rows])
        may_give = pages.may(CHANGE) and pages.may("members:read") and offer.is_shown(now)
        rows = list_of.found(session, asked, FOUND, now) if asked and may_give else []
    whole = sum(counts.values())
    return pages.show(
        OF_OFFER,
        HERE,
        offer=offer,
        title=coupon_words.title(offer),
        counts=[
            (one, _(STANDINGS[one][0]), language.number(counts[one]), one == which)
            for one in EVERY_STANDING
        ],
        whole=language.number(whole),
        which=which,
        page=page,
        lines=list(zip(lines, names, strict=True)),
        asked=asked,
        found=rows,
        may_give=may_give,
        for_one=offer.member_id is not None,
        begins="" if offer.starts_at <= now else moments.day(offer.starts_at, zone, now),
    )


def _names(session: Session, member_ids: list[int]) -> list[str]:
    """How the members of a page are called."""
    known = {one.id: one for one in members.by_ids(session, member_ids)}
    return [
        people.name_of(session, known[id_]) if known[id_].erased_at is None else _("(erased)")
        for id_ in member_ids
    ]


def _standing() -> Standing | None:
    """Of which state coupons are asked for; None for all."""
    asked = request.args.get("state", "")
    return next((one for one in EVERY_STANDING if one == asked), None)


def _offer(session: Session, offer_id: str) -> Offer:
    """The offer of the page's programme; the request ends with 404 if there is none."""
    try:
        found = offers.by_public_id(session, offer_id)
    except UnknownOffer:
        pages.not_there(HERE)
    if found.programme_id != pages.programme().id:
        pages.not_there(HERE)
    return found


def _source(offer: Offer, which: Standing | None, now: datetime) -> ExportSource:
    def read(session: Session) -> Generator[list[ListItem], None, None]:
        before: int | None = None
        while rows := coupons.listed(session, offer, which, before, AT_ONCE, now):
            ids = [one.member_id for one in rows]
            public = {one.id: one.public_id for one in members.by_ids(session, ids)}
            numbers = cards.numbers_of(session, ids)
            yield [
                {
                    "id": one.pass_.serial,
                    "member": public[one.member_id],
                    "card": numbers.get(one.member_id, ""),
                    "state": _(STANDINGS[one.standing][0]),
                    "issued": one.pass_.created_at,
                    "used_at": one.pass_.used_at,
                    "used_by": coupon_words.taker(one.pass_),
                }
                for one in rows
            ]
            before = rows[-1].pass_.id

    columns = {
        "id": _("Coupon"),
        "member": _("The member"),
        "card": _("Card number"),
        "state": _("State"),
        "issued": _("Issued"),
        "used_at": _("Used"),
        "used_by": _("Who took it"),
    }

    def row(item: ListItem) -> Iterator[TableRow]:
        yield [item[name] for name in columns]

    return ExportSource(read, list(columns.values()), row)
