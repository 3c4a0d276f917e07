"""Points by hand: what waits for a second person, and what was given and taken."""

from dataclasses import dataclass

from flask import Blueprint, abort
from markupsafe import Markup
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from ledger.errors import NotFound
from ledger.people import cards, members, persons
from ledger.programmes import units
from ledger.programmes.units import Unit
from wallet.access import adjustments
from wallet.access.adjustments import LONGEST_REASON, Adjustment, AdjustmentState
from wallet.console import doing, listing, moments, pages
from wallet.console.forms import FormEntries
from wallet.console.listing import ROWS
from wallet.console.members import people
from wallet.console.members.people import PERSONAL
from wallet.console.pages import IN_PROGRAMME, needs
from wallet.delivery import programme_changes
from wallet.installation import current_installation
from wallet.pages.language import gettext as _

routes = Blueprint("adjustments", __name__)

HERE = "members"


@dataclass(frozen=True, slots=True)
class AdjustmentRow:
    """One of them in words. `may_decide`: the reader may approve and decline it; `is_own`: they
    asked for it themselves."""

    url: str
    member: str
    member_url: str
    points: str
    reason: str
    asked_by: str
    asked_at: Markup
    until: str
    state: AdjustmentState
    decided_by: str
    answer: str
    may_decide: bool
    is_own: bool


@routes.get(f"{IN_PROGRAMME}/points-by-hand")
@needs("members:read")
def listed() -> str:
    """What waits, then all of it, newest first."""
    house, place = current_installation(), listing.after()
    now = house.clock()
    with house.database.reading() as session:
        programme = pages.programme_row(session)
        unit = units.named(session, programme.id, None)
        zone = programme.timezone
        waiting = [
            _row(session, one, unit, zone)
            for one in adjustments.waiting(session, programme.id, now)
        ]
        before = None if place is None else place[0]
        page = listing.page(
            adjustments.listed(session, programme.id, before, ROWS + 1), lambda one: (one.id,)
        )
        rows = [_row(session, one, unit, zone) for one in page.rows]
        limit = programme.adjust_limit
    return pages.show(
        "console/members/adjustments.html",
        HERE,
        waiting=waiting if place is None else [],
        rows=rows,
        page=page,
        limit=None if limit is None else people.points(unit, limit),
    )


@routes.get(f"{IN_PROGRAMME}/points-by-hand/limit")
@needs("terms:write")
def limit() -> str:
    """The form that sets from which number on a second person is asked."""
    return _on_limit(FormEntries())


def _on_limit(entries: FormEntries) -> str:
    with current_installation().database.reading() as session:
        programme = pages.programme_row(session)
        unit = units.named(session, programme.id, None)
    money = unit.money(programme.adjust_limit or 0)
    written = str(programme.adjust_limit) if money is None else money.amount
    return pages.show(
        "console/members/limit.html",
        HERE,
        entries=entries,
        problems=entries.problems,
        unit=unit,
        written="" if programme.adjust_limit is None else written,
    )


@routes.post(f"{IN_PROGRAMME}/points-by-hand/limit")
@needs("terms:write")
def set_limit() -> Response | tuple[str, int]:
    """Set the limit; nothing typed is no limit."""
    house, by, entries = current_installation(), pages.author(), FormEntries()
    with house.database.reading() as session:
        unit = units.named(session, pages.programme().id, None)
    most = people.typed_amount(entries, "limit", unit) if entries["limit"].strip() else None
    if entries.fit:

        def work(session: Session) -> None:
            programme = pages.programme_row(session)
            programme_changes.limit_adjusting(session, programme, most, by, house.clock())

        if doing.done(entries, work, "limit"):
            pages.say(_("Saved."))
            return pages.go("console.adjustments.listed")
    return _on_limit(entries), 422


@routes.get(f"{IN_PROGRAMME}/points-by-hand/<adjustment_id>")
@needs("members:read")
def show(adjustment_id: str) -> str:
    """One of them, with the buttons of whoever may decide."""
    return _show(adjustment_id, FormEntries())


def _show(adjustment_id: str, entries: FormEntries) -> str:
    with current_installation().database.reading() as session:
        programme = pages.programme_row(session)
        unit = units.named(session, programme.id, None)
        row = _row(session, _find(session, adjustment_id), unit, programme.timezone)
    return pages.show(
        "console/members/adjustment.html",
        HERE,
        row=row,
        adjustment_id=adjustment_id,
        entries=entries,
        problems=entries.problems,
    )


@routes.post(f"{IN_PROGRAMME}/points-by-hand/<adjustment_id>/approve")
@needs("points:approve")
def approve(adjustment_id: str) -> Response | tuple[str, int]:
    """Let a request of somebody else be done."""
    house, by = current_installation(), pages.person()

    def work(session: Session) -> str:
        _find(session, adjustment_id)
        unit = units.named(session, pages.programme().id, None)
        with unit.errors_in_money():
            row = adjustments.approve(session, adjustment_id, by, house.clock())
        return people.signed(unit, row.points)

    entries = FormEntries()
    points = doing.made(entries, work)
    if points is None:
        return _show(adjustment_id, entries), 422
    pages.say(_("%(points)s, approved.", points=points))
    return pages.go("console.adjustments.listed")


@routes.post(f"{IN_PROGRAMME}/points-by-hand/<adjustment_id>/decline")
@needs("members:read")
def decline(adjustment_id: str) -> Response | tuple[str, int]:
    """Decline a request, and say why; who asked takes it back."""
    house, by, entries = current_installation(), pages.person(), FormEntries()
    with house.database.reading() as session:
        is_own = _find(session, adjustment_id).asked_by_id == by.employee_id
    if not is_own and not pages.may("points:approve"):
        abort(403)
    answer = entries.text("answer", required=not is_own, most=LONGEST_REASON)

    def work(session: Session) -> None:
        adjustments.decline(session, adjustment_id, answer, by, house.clock())

    if not entries.fit or not doing.done(entries, work):
        return _show(adjustment_id, entries), 422
    pages.say(_("Taken back.") if is_own else _("Declined."))
    return pages.go("console.adjustments.listed")


def _find(session: Session, adjustment_id: str) -> Adjustment:
    """The request of this page's programme. Ends the request with 404 for any other."""
    try:
        row = adjustments.find(session, adjustment_id)
    except NotFound:
        pages.not_there(HERE)
    if row.programme_id != pages.programme().id:
        pages.not_there(HERE)
    return row


def _row(session: Session, row: Adjustment, unit: Unit, timezone: str) -> AdjustmentRow:
    now = current_installation().clock()
    member = members.by_id(session, row.member_id)
    sees_people = pages.may(PERSONAL)
    name = persons.profile_of(session, member.id).name if sees_people else None
    is_own = row.asked_by_id == pages.person().employee_id
    state = row.state_at(now)
    return AdjustmentRow(
        pages.url("console.adjustments.show", adjustment_id=row.public_id),
        people.called(name, cards.newest_of(session, member.id).number),
        pages.url("console.member.show", member_id=member.public_id),
        people.signed(unit, row.points),
        (row.reason or "") if sees_people else "",
        row.asked_by,
        moments.element(row.asked_at, timezone, now),
        moments.day(row.expires_at, timezone, now),
        state,
        row.decided_by or "",
        row.answer or "",
        state == "waiting" and not is_own and pages.may("points:approve"),
        state == "waiting" and is_own,
    )
