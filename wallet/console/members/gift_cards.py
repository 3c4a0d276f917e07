"""Gift cards, in a programme whose cards hold money: sold, found by number, taken, made void."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import uuid4

import orjson
from flask import Blueprint, make_response, request
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from ledger.book import statements
from ledger.contacts import Unfit, readable
from ledger.database import idempotency
from ledger.database.idempotency import Repeatable, StoredAnswer
from ledger.errors import BalanceTooLarge
from ledger.limits import MOST_POINTS, NEVER
from ledger.people import cards
from ledger.people.cards import CardStatus
from ledger.people.members import Member
from ledger.people.persons import Profile
from ledger.points import accruals, redemptions
from ledger.points.accruals import Grant
from ledger.points.causes import Cause
from ledger.points.redemptions import Spend
from ledger.points.resolving import Whom
from ledger.programmes import units
from ledger.programmes.units import Unit
from wallet.console import doing, moments, pages
from wallet.console.errors import error_page
from wallet.console.forms import FormEntries, FormRefused
from wallet.console.members import people
from wallet.console.members.people import HERE
from wallet.console.pages import IN_PROGRAMME, needs
from wallet.installation import current_installation
from wallet.pages.language import gettext as _
from wallet.passes import codes, issued, templates
from wallet.people import deeds, pass_deeds

routes = Blueprint("gift_cards", __name__)

PAGE = "console/members/gift_cards.html"
LOOK, SPEND, SELL, CHANGE = "scans:write", "points:write", "members:write", "passes:write"
LONGEST_RECEIPT = 64
OF_CARD = f"{IN_PROGRAMME}/gift-cards/<member_id>"


@dataclass(frozen=True, slots=True)
class GiftCardLook:
    """A gift card in words. `state` is that of its number; `until`: its last day, or that it has
    none; `link`: the page of the card, for who sells it."""

    id: str
    number: str
    state: CardStatus
    balance: str
    is_empty: bool
    until: str
    link: str
    url: str


@routes.get(f"{IN_PROGRAMME}/gift-cards")
@needs(LOOK)
def show() -> Response | str:
    """The gift card of this number, with what may be done with it; or the field to look one up, and
    the form that sells one."""
    typed = cards.normalise(request.args.get("number", ""))[:400]
    if typed and (member_id := _found(typed)) is None:
        problem = _("There is no gift card with this number.")
        return make_response(_page(None, {"number": typed}, {"number": problem}), 404)
    return _page(member_id if typed else None, {"number": ""}, {})


@routes.post(f"{IN_PROGRAMME}/gift-cards")
@needs(SELL)
def sell() -> Response:
    """Sell a gift card: a new number with this amount on it, in one transaction."""
    unit = _unit()
    if not pages.may(SPEND):
        return error_page(403, pages.frame(HERE))
    entries, house, by = FormEntries(), current_installation(), pages.author()
    amount, receipt = _amount(entries, "amount", unit), _receipt(entries, "sold_receipt")

    def effect(session: Session, now: datetime) -> StoredAnswer:
        programme = pages.programme_row(session)
        member = deeds.add(
            session, programme, Profile(), [], "console", house.pass_type, house.keys, by, now
        )
        cause = Cause(_("Gift card sold"), receipt or None)
        with unit.errors_in_money():
            accruals.grant(session, member, Grant(amount, cause), now)
        return StoredAnswer(201, orjson.dumps(member.public_id))

    sold = _once(entries, ["sell", amount, receipt], effect, "amount")
    if sold is None:
        return make_response(_page(None, entries, entries.problems), 422)
    pages.say(_("The gift card is sold. Hand the number or the link on."))
    return _to(str(sold))


@routes.post(f"{OF_CARD}/spend")
@needs(SPEND)
def spend(member_id: str) -> Response:
    """Take an amount off a gift card, as a payment."""
    unit = _unit()
    entries = FormEntries()
    amount, receipt = _amount(entries, "spent", unit), _receipt(entries, "receipt")
    with current_installation().database.reading() as session:
        number = cards.newest_of(session, people.present(session, member_id).id).number

    def effect(session: Session, now: datetime) -> StoredAnswer:
        whom = Whom(card=number, programme_id=pages.programme().id)
        paid = Spend(amount, Cause(_("Paid with the gift card"), receipt or None))
        with unit.errors_in_money():
            redemptions.redeem(session, whom, paid, now)
        return StoredAnswer(201, orjson.dumps(member_id))

    if _once(entries, ["spend", member_id, amount, receipt], effect, "spent") is None:
        return make_response(_page(member_id, entries, entries.problems), 422)
    pages.say(_("%(amount)s are taken off the card.", amount=people.points(unit, amount)))
    return _to(member_id)


@routes.post(f"{OF_CARD}/void")
@needs(CHANGE)
def make_void(member_id: str) -> Response:
    """Make a gift card void: tills refuse it; what is on it stays."""
    return _decide(member_id, pass_deeds.make_void, _("The gift card is void."))


@routes.post(f"{OF_CARD}/restore")
@needs(CHANGE)
def restore(member_id: str) -> Response:
    """Make a void gift card good again."""
    return _decide(member_id, pass_deeds.restore, _("The gift card is good again."))


def _decide(member_id: str, deed: Any, said: str) -> Response:
    _unit()
    house, by = current_installation(), pages.author()

    def work(session: Session) -> None:
        card = issued.card_of(session, people.present(session, member_id).id)
        deed(session, card, house.make_due, by, house.clock())

    doing.told(work, said)
    return _to(member_id)


def _once(
    entries: FormEntries,
    asked: Sequence[object],
    effect: Any,
    field: str,
) -> object | None:
    """What is made, once for one form, however often it is sent; None if it is refused, which the
    entries then say."""
    house, by = current_installation(), pages.person()
    once = entries["once"][:64] or str(uuid4())
    request_ = Repeatable(
        f"employee:{by.employee_id}:gift card", once, idempotency.digest(orjson.dumps(asked))
    )

    def work(session: Session) -> object:
        if not entries.fit:
            raise FormRefused
        answer = idempotency.key_first(session, request_, effect, house.clock())
        made: object = orjson.loads(answer.body)
        return made

    return doing.made(entries, work, field)


def _unit() -> Unit:
    """The money that the cards of this programme hold; 404 where they hold none."""
    with current_installation().database.reading() as session:
        unit = _of_gift_cards(session)
    if unit is None:
        pages.not_there(HERE)
    return unit


def _of_gift_cards(session: Session) -> Unit | None:
    programme_id = pages.programme().id
    unit = units.named(session, programme_id, None)
    found = templates.find(session, programme_id, "card")
    is_gift = found is not None and templates.design(found).kind == "gift_card"
    return unit if is_gift and unit.currency is not None else None


def _amount(entries: FormEntries, name: str, unit: Unit) -> int:
    """How much somebody typed, in the pieces of the unit; what is wrong is among the problems."""
    found = people.typed_amount(entries, name, unit)
    if found is not None and found < 1:
        entries.refuse(name, _("More than nothing."))
    if found is not None and found > MOST_POINTS:
        entries.refused(BalanceTooLarge(MOST_POINTS), name)
    return found or 0


def _receipt(entries: FormEntries, name: str) -> str:
    typed = entries.text(name, required=False, most=LONGEST_RECEIPT)
    try:
        return readable(typed)
    except Unfit:
        entries.refuse(name, _("This has signs that nobody can read."))
        return ""


def _found(typed: str) -> str | None:
    """The public id of the gift card whose number was typed, or whose barcode was scanned."""
    house = current_installation()
    code = codes.read(typed)
    number = typed if code is None else code.card
    if not cards.is_possible(number):
        return None
    with house.database.reading() as session:
        owner = cards.owners(session, [number], house.clock()).get(number)
        if owner is None or owner.member.programme_id != pages.programme().id:
            return None
        return None if owner.member.erased_at is not None else owner.member.public_id


def _to(member_id: str) -> Response:
    """The page of this gift card."""
    with current_installation().database.reading() as session:
        member = people.present(session, member_id)
        number = cards.newest_of(session, member.id).number
    return pages.go("console.gift_cards.show", number=number)


def _page(member_id: str | None, typed: Any, problems: dict[str, str]) -> str:
    house = current_installation()
    with house.database.reading() as session:
        unit = _of_gift_cards(session)
        gift = None
        if unit is not None and member_id is not None:
            gift = _look(session, people.present(session, member_id), unit, house.clock())
    return pages.show(
        PAGE,
        HERE,
        unit=unit,
        gift=gift,
        typed=typed,
        problems=problems,
        once=str(uuid4()),
        may_sell=pages.may(SELL) and pages.may(SPEND),
        may_make=pages.may_everywhere("company:write"),
    )


def _look(session: Session, member: Member, unit: Unit, now: datetime) -> GiftCardLook:
    house, zone = current_installation(), pages.zone()
    _main, balance = statements.all_balances(session, member, now)[0]
    card = cards.newest(session, [member.id])[member.id]
    lots = statements.lot_lines(session, balance.account_id, None, 1)
    ends = lots[0].expires_at if lots else NEVER
    return GiftCardLook(
        member.public_id,
        people.grouped(card.number),
        cards.state(card, now),
        people.points(unit, balance.available),
        balance.available <= 0,
        _("without end") if ends == NEVER else moments.last_day(ends, zone),
        house.card_link(issued.card_of(session, member.id))
        if pages.may(SELL) and pages.may(people.PERSONAL)
        else "",
        pages.url_if_there("console.member.show", "members:read", member_id=member.public_id),
    )
