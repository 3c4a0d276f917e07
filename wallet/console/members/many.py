"""What is done with several members at once, who were ticked in the list. Each of them has it done
in a transaction of their own: what somebody's own affairs forbid keeps nobody else from it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from uuid import uuid4

from flask import Blueprint, request
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from ledger.book import roster
from ledger.book.roster import ListedMember
from ledger.database.compiled import within
from ledger.errors import Refusal
from ledger.limits import MOST_POINTS
from ledger.people.members import Member
from ledger.programmes.units import Unit
from wallet.access.adjustments import AdjustmentWish
from wallet.access.exports import ExportOrder
from wallet.console import pages
from wallet.console.forms import FormEntries
from wallet.console.listing import ROWS
from wallet.console.members import files, people
from wallet.console.members import points as by_hand
from wallet.console.members.people import PERSONAL
from wallet.console.pages import IN_PROGRAMME, needs
from wallet.installation import current_installation
from wallet.pages.language import counted
from wallet.pages.language import gettext as _
from wallet.people import deeds
from wallet.people import listing as member_listing

routes = Blueprint("many", __name__)

HERE = "members"
OF_MANY = f"{IN_PROGRAMME}/members-chosen"
TICKED = "m"  # in forms and addresses: the id of a member
ASKED_AND_DONE = ("GET", "POST")
POINTS = "console/members/many_points.html"
NAMED = 10  # of those who were ticked


@dataclass(frozen=True, slots=True)
class ChosenMembers:
    """Those who were ticked, and are members of the programme: as a list has them. `ids` are the
    numbers that the database has for them."""

    unit: Unit
    members: Sequence[ListedMember]
    ids: Sequence[int]

    @property
    def count(self) -> str:
        """How many, in words."""
        return counted("%(count)s member", "%(count)s members", len(self.members))

    @property
    def names(self) -> Sequence[str]:
        """How they are called, as far as a page names them."""
        return [
            people.called(None if one.person is None else one.person.name, one.card)
            for one in self.members[:NAMED]
        ]

    @property
    def others(self) -> int:
        """How many more there are."""
        return max(0, len(self.members) - NAMED)


@routes.route(f"{OF_MANY}/block", methods=ASKED_AND_DONE)
@needs("members:write")
def block() -> Response | str:
    """Block the cards of all who were ticked, until their owners come."""
    house, by, chosen = current_installation(), pages.author(), _chosen()
    if chosen is None:
        return _nobody()

    def act(session: Session, member_id: str) -> None:
        member = people.present(session, member_id)
        deeds.block(session, member, house.make_due, by, house.clock())

    if request.method == "POST":
        done = _each(chosen, lambda one: house.database.run(lambda session: act(session, one)))
        pages.say(counted("%(count)s card is blocked.", "%(count)s cards are blocked.", done))
        return pages.go("console.members.listed")
    owned = sum(one.balance.available for one in chosen.members)
    return pages.show(
        "console/members/many_block.html",
        HERE,
        chosen=chosen,
        balance=people.points(chosen.unit, owned),
    )


@routes.route(f"{OF_MANY}/points", methods=ASKED_AND_DONE)
@needs("points:adjust")
def points() -> Response | str:
    """Give each of them so many points: first the number, then what it makes in all, then it is
    done. The limit of points by hand is for the sum."""
    entries, chosen = FormEntries(), _chosen()
    if chosen is None:
        return _nobody()
    with current_installation().database.reading() as session:
        has_limit = pages.programme_row(session).adjust_limit is not None
    once = entries["once"][:36] or str(uuid4())
    given = {"chosen": chosen, "once": once, "sure": "", "total": "", "limit": has_limit}
    if request.method == "GET":
        return pages.show(POINTS, HERE, entries={}, problems={}, **given)
    each = people.typed_amount(entries, "amount", chosen.unit)
    reason = by_hand.typed_reason(entries)
    if each is not None and not 1 <= each <= MOST_POINTS:
        entries.refuse("amount", _("At least 1."))
    if not entries.fit or each is None:
        return pages.show_again(POINTS, HERE, entries, **given)
    total = each * len(chosen.members)
    if entries["sure"] != str(total):
        given |= {"sure": str(total), "total": people.points(chosen.unit, total)}
        worth = by_hand.worth_in_words(chosen.unit, total)
        each_said = people.points(chosen.unit, each)
        return pages.show_again(POINTS, HERE, entries, each=each_said, worth=worth, **given)
    wish, unit = AdjustmentWish(each, reason, total), chosen.unit
    waiting = 0

    def act(member_id: str) -> None:
        nonlocal waiting
        made = by_hand.post_once(member_id, unit, wish, f"{once}:{total}:{member_id}")
        waiting += made["state"] == "waiting"

    done = _each(chosen, act)
    if waiting:
        said = _("In all this is above the limit: it waits until a second person approves it.")
        pages.say(said, "wait")
        return pages.go("console.adjustments.listed")
    pages.say(
        counted(
            "%(count)s member has got the points.", "%(count)s members have got the points.", done
        )
    )
    return pages.go("console.members.listed")


@routes.route(f"{OF_MANY}/export", methods=ASKED_AND_DONE)
@needs("exports:read")
def export() -> Response | str:
    """Those who were ticked as a file."""
    chosen, entries = _chosen(), FormEntries()
    if chosen is None:
        return _nobody()
    if request.method == "GET":
        sees_people = pages.may(PERSONAL)
        return pages.show(
            "console/members/many_export.html", HERE, chosen=chosen, may_see=sees_people
        )
    here, now = pages.programme(), current_installation().clock()
    with_people = pages.may(PERSONAL) and entries.ticked("people")
    source = member_listing.of_chosen(here.code, chosen.ids, chosen.unit, now, people=with_people)
    filters = {"numbers": str(len(chosen.ids))}
    order = ExportOrder(here.id, "members", "csv", with_people, filters, pages.author())
    return files.taken(order, files.in_words(source))


def _chosen() -> ChosenMembers | None:
    """Those who were ticked; None if there are none."""
    wanted = request.values.getlist(TICKED)[:ROWS]
    here, house = pages.programme(), current_installation()
    with house.database.reading() as session:
        ids = session.scalars(
            select(Member.id).where(
                Member.programme_id == here.id,
                Member.public_id.in_(wanted),
                Member.erased_at.is_(None),
                Member.merged_into_id.is_(None),
            )
        ).all()
        if not ids:
            return None
        page = roster.known(
            within(session), here.code, ids, house.clock(), people=pages.may(PERSONAL)
        )
    return ChosenMembers(page.unit, page.members, ids)


def _each(chosen: ChosenMembers, act: Callable[[str], object]) -> int:
    """Do it with each, and tell how many had it done. Whom their own affairs forbid it (somebody
    erased them meanwhile) is left out."""
    done = 0
    for one in chosen.members:
        try:
            act(one.id)
        except Refusal:
            continue
        done += 1
    return done


def _nobody() -> Response:
    pages.say(_("Tick somebody first."), "wait")
    return pages.go("console.members.listed", pick="1")
