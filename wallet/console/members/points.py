"""Points that people of the shop give or take by hand, with a reason."""

from typing import Any
from uuid import uuid4

import orjson
from flask import Blueprint, request
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from ledger.book import statements
from ledger.contacts import Unfit, readable
from ledger.database import idempotency
from ledger.database.idempotency import Repeatable, StoredAnswer
from ledger.errors import BalanceTooLarge, Refusal
from ledger.limits import MOST_POINTS
from ledger.money import Money, decimals
from ledger.programmes import units
from ledger.programmes.base_words import RoundMoney
from ledger.programmes.units import Unit
from wallet.access import adjustments
from wallet.access.adjustments import LONGEST_REASON, AdjustmentWish
from wallet.console import moments, pages
from wallet.console.forms import FormEntries
from wallet.console.members import people
from wallet.console.pages import IN_PROGRAMME, needs
from wallet.installation import current_installation
from wallet.outreach import base_programme
from wallet.pages import language
from wallet.pages.language import gettext as _

routes = Blueprint("member_points", __name__)

HERE = "members"
OF_POINTS = f"{IN_PROGRAMME}/members/<member_id>/points"


@routes.get(OF_POINTS)
@needs("points:adjust")
def points(member_id: str) -> str:
    """The form that gives points, or takes them away."""
    return pages.show("console/members/points.html", HERE, **_on_points(member_id, FormEntries()))


@routes.post(OF_POINTS)
@needs("points:adjust")
def adjust(member_id: str) -> Response:
    """Give points or take them away, or ask a second person where it is above the limit."""
    entries, house = FormEntries(), current_installation()
    with house.database.reading() as session:
        people.present(session, member_id)
        unit = units.named(session, pages.programme().id, None)
    wish = _wish(entries, unit)
    if wish is None:
        return _points_again(member_id, entries)
    if entries["sure"] != _as_sure(wish) and (doubt := _doubt(unit, wish)):
        return _points_again(
            member_id, entries, doubt=doubt, sure=_as_sure(wish), verb=_verb(unit, wish)
        )

    try:
        done = post_once(member_id, unit, wish, _once(entries))
    except Refusal as refusal:
        entries.refused(refusal, "amount")
        return _points_again(member_id, entries)
    if done["state"] == "posted":
        pages.say(_("%(points)s, done.", points=people.signed(unit, wish.points)))
        return pages.go("console.member.show", member_id=member_id)
    pages.say(_("This is above the limit: it waits until a second person approves it."), "wait")
    return pages.go("console.adjustments.show", adjustment_id=done["adjustment"])


def post_once(member_id: str, unit: Unit, wish: AdjustmentWish, once: str) -> dict[str, str]:
    """Do what is wished, or ask a second person, in a transaction of its own; what is sent twice
    with the same `once` is done once. What was made, by its id (`adjustment`) and `state`. Raises
    what `adjustments.adjust` raises."""
    house, by = current_installation(), pages.person()

    def effect(session: Session, _now: Any) -> StoredAnswer:
        member = people.present(session, member_id)
        with unit.errors_in_money():
            row = adjustments.adjust(session, member, wish, by, house.clock())
        return StoredAnswer(200, orjson.dumps({"adjustment": row.public_id, "state": row.state}))

    asked = orjson.dumps([member_id, wish.points, wish.reason])
    repeatable = Repeatable(f"employee:{by.employee_id}", once, idempotency.digest(asked))
    answer = house.database.run(
        lambda session: idempotency.key_first(session, repeatable, effect, house.clock()),
        idempotent=True,
    )
    done: dict[str, str] = orjson.loads(answer.body)
    return done


@routes.get(f"{OF_POINTS}/outcome")
@needs("points:adjust")
def outcome(member_id: str) -> str:
    """What would come of what is typed so far, in one sentence."""
    house = current_installation()
    with house.database.reading() as session:
        member = people.present(session, member_id)
        unit, balance = statements.all_balances(session, member, house.clock())[0]
        left = adjustments.left_of_limit(session, member, pages.person().employee_id, house.clock())
    typed = request.args.get("amount", "").replace(" ", "").replace("\u00a0", "")
    if not typed.isascii() or not typed.isdigit() or len(typed) > 15:
        return ""
    count = int(typed) * 10**unit.scale
    after = balance.available + (-count if request.args.get("direction") == "take" else count)
    if after < 0:
        return _("There are only %(points)s.", points=people.points(unit, balance.available))
    said = f"{language.amount(unit, balance.available)} → {people.points(unit, after)}"
    if left is not None and count > left:
        return f"{said}. " + _("A second person has to approve this.")
    return said


def _wish(entries: FormEntries, unit: Unit) -> AdjustmentWish | None:
    direction = entries.choice("direction", ("give", "take"))
    count = people.typed_amount(entries, "amount", unit)
    reason = typed_reason(entries)
    if count is not None and count < 1:
        entries.refuse("amount", _("At least 1."))
    if count is not None and count > MOST_POINTS:
        entries.refused(BalanceTooLarge(MOST_POINTS), "amount")
    if not entries.fit or count is None:
        return None
    return AdjustmentWish(-count if direction == "take" else count, reason)


def typed_reason(entries: FormEntries) -> str:
    """Why points are given or taken; what is wrong with it is among the problems."""
    reason = entries.text("reason", most=LONGEST_REASON)
    try:
        return readable(reason)
    except Unfit:
        entries.refuse("reason", _("This has signs that nobody can read."))
        return reason


def _as_sure(wish: AdjustmentWish) -> str:
    """What a form says that was confirmed: another number is asked about anew."""
    return str(wish.points)


def _verb(unit: Unit, wish: AdjustmentWish) -> str:
    points = people.points(unit, abs(wish.points))
    if wish.points < 0:
        return _("Take away %(points)s", points=points)
    return _("Give %(points)s", points=points)


def _doubt(unit: Unit, wish: AdjustmentWish) -> list[str]:
    """What is said before a number is taken that is far from what is usual; nothing for others."""
    house = current_installation()
    count, now = abs(wish.points), house.clock()
    with house.database.reading() as session:
        if not adjustments.is_far_out(session, unit, count, now):
            return []
        usual = adjustments.usual_most(session, unit, now)
    said = [_("That is a lot at once.")]
    if usual > adjustments.little(unit):
        said = [
            _(
                "That is far more than usual: as a rule, up to %(usual)s are given or taken by"
                " hand.",
                usual=people.points(unit, usual),
            )
        ]
    if worth := worth_in_words(unit, count):
        said.insert(0, worth)
    return said


def worth_in_words(unit: Unit, count: int) -> str:
    """What so many points pay at the till, as a sentence; empty where a point has no worth yet, and
    for money, which says so itself."""
    with current_installation().database.reading() as session:
        base = base_programme.of(session, pages.programme_row(session))
    if base is None or (worth := base.terms.worth) is None:
        return ""
    places = decimals(worth.currency)
    money = Money.of(worth.points(places) * count, places, worth.currency)
    return _(
        "%(points)s are worth %(money)s.",
        points=people.points(unit, count),
        money=RoundMoney(money).written(language.current()),
    )


def _once(entries: FormEntries) -> str:
    """What recognises this form if it is sent twice."""
    return entries["once"][:64] or str(uuid4())


def _points_again(member_id: str, entries: FormEntries, **more: Any) -> Response:
    given = {**_on_points(member_id, entries), **more}
    del given["entries"]
    return pages.show_again("console/members/points.html", HERE, entries, **given)


def _on_points(member_id: str, entries: FormEntries) -> dict[str, Any]:
    house = current_installation()
    now = house.clock()
    with house.database.reading() as session:
        programme = pages.programme_row(session)
        member = people.present(session, member_id)
        unit, balance = statements.all_balances(session, member, now)[0]
        left = adjustments.left_of_limit(session, member, pages.person().employee_id, now)
        lives = unit.live_days
        until = unit.expiry(now, programme.timezone)
        return {
            "entries": entries,
            "member": member,
            "name": people.name_of(session, member),
            "unit": unit,
            "balance": people.points(unit, balance.available),
            "debt": people.points(unit, balance.debt) if balance.debt else "",
            "left": None if left is None else people.points(unit, left),
            "until": "" if lives is None else moments.last_day(until, programme.timezone),
            "once": entries["once"] or str(uuid4()),
            "doubt": [],
            "sure": "",
            "verb": _("Post"),
        }
