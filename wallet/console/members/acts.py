"""What is done with a member on their page. Each act says its consequences in numbers first, and
does what the API does."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from flask import Blueprint, make_response, render_template, request
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from ledger.book import holds, statements
from ledger.book.accounts import Account
from ledger.book.journal import Entry, Posting
from ledger.errors import HoldsOpen, Refusal
from ledger.people import cards
from ledger.people.members import Member
from wallet.access import changes
from wallet.access.adjustments import LONGEST_REASON
from wallet.access.changes import Author
from wallet.console import moments, pages
from wallet.console.forms import FormEntries
from wallet.console.members import members as list_of
from wallet.console.members import people
from wallet.console.members.people import PERSONAL
from wallet.console.pages import IN_PROGRAMME, needs
from wallet.installation import current_installation
from wallet.outreach import results
from wallet.pages import language
from wallet.pages.language import counted
from wallet.pages.language import gettext as _
from wallet.people import deeds, dossier, erasure
from wallet.people.timeline import UNDONE_BY_HAND

routes = Blueprint("member_acts", __name__)

HERE = "members"
OF_MEMBER = f"{IN_PROGRAMME}/members/<member_id>"
FOUND = 8  # members whom a form of merging offers


# --- Acts that are confirmed --------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Confirmation:
    """A page that says what an act brings before it is done: its name, the sentences, and the verb
    of its button. `tick`: a box, by its name and words. `asks_reason`: with a field for one."""

    title: str
    consequences: Sequence[str]
    verb: str
    is_dangerous: bool = True
    tick: tuple[str, str] | None = None
    asks_reason: bool = False
    typed: Mapping[str, str] | None = None


# What asks for confirmation answers GET with what it brings, and POST with what was done.
ASKED_AND_DONE = ("GET", "POST")


def _confirm(
    member_id: str,
    confirmation: Callable[[str], Confirmation],
    act: Callable[[Session, Member, Author, datetime], Any],
    said: str,
) -> Response:
    """The page that asks; once that was confirmed: do it with the member, in a transaction, say so
    on their page, or say on this one why not."""
    house, by = current_installation(), pages.author()

    def do() -> None:
        def work(session: Session) -> None:
            act(session, people.present(session, member_id), by, house.clock())

        house.database.run(work)

    return _ask_or_do(member_id, confirmation, do, said)


def _ask_or_do(
    member_id: str,
    confirmation: Callable[[str], Confirmation],
    do: Callable[[], None],
    said: str,
    *,
    then: str | None = None,
    explained: Callable[[Refusal], str] | None = None,
) -> Response:
    """The same for what has a transaction of its own. `then`: on whose page it is said, if on
    another's; `explained`: what is added to the sentence of a refusal."""
    problem = ""
    if request.method == "POST":
        try:
            do()
        except Refusal as refusal:
            problem = refusal.sentence(language.current())
            if explained is not None:
                problem = f"{problem} {explained(refusal)}".rstrip()
        else:
            pages.say(said)
            return pages.go("console.member.show", member_id=then or member_id)
    with current_installation().database.reading() as session:
        member = people.named(session, member_id)
        name = people.name_of(session, member)
    page = pages.show(
        "console/members/confirm.html",
        HERE,
        member=member,
        name=name,
        confirmation=confirmation(member_id),
        problems={"form": problem} if problem else {},
    )
    return make_response(page, 422 if problem else 200)


@routes.route(f"{OF_MEMBER}/block", methods=ASKED_AND_DONE)
@needs("members:write")
def block(member_id: str) -> Response:
    """Block the card until its owner comes."""
    make_due = current_installation().make_due

    def act(session: Session, member: Member, by: Author, now: datetime) -> None:
        deeds.block(session, member, make_due, by, now)

    return _confirm(member_id, _blocking, act, _("The card is blocked."))


@routes.route(f"{OF_MEMBER}/unblock", methods=ASKED_AND_DONE)
@needs("members:write")
def unblock(member_id: str) -> Response:
    """Make a blocked card good again."""
    make_due = current_installation().make_due

    def act(session: Session, member: Member, by: Author, now: datetime) -> None:
        deeds.unblock(session, member, make_due, by, now)

    return _confirm(member_id, _unblocking, act, _("The card is good again."))


@routes.route(f"{OF_MEMBER}/replace", methods=ASKED_AND_DONE)
@needs("members:write")
def replace(member_id: str) -> Response:
    """Give another card number; everything else stays."""
    keys = current_installation().keys

    def act(session: Session, member: Member, by: Author, now: datetime) -> None:
        deeds.replace_card(session, member, keys, by, now)

    return _confirm(member_id, _replacing, act, _("The member has another card number."))


@routes.route(f"{OF_MEMBER}/lost", methods=ASKED_AND_DONE)
@needs("members:write")
def lost(member_id: str) -> Response:
    """The phone is lost: a new card, and all is kept."""
    house = current_installation()

    def act(session: Session, member: Member, by: Author, now: datetime) -> None:
        deeds.replace_lost_card(session, member, house.keys, house.make_due, by, now)

    said = _("The member has a new card. Hand the link on to put it into the new phone.")
    return _confirm(member_id, _losing, act, said)


@routes.route(f"{OF_MEMBER}/entries/<posting_id>/undo", methods=ASKED_AND_DONE)
@needs("points:adjust")
def undo(member_id: str, posting_id: str) -> Response:
    """Undo what is left of an entry: earned points are taken back, spent ones come back."""
    reason = FormEntries().text("reason", required=False)[:LONGEST_REASON]

    def asked(one: str) -> Confirmation:
        return _undoing(one, posting_id)

    def act(session: Session, member: Member, by: Author, now: datetime) -> None:
        deeds.undo(session, member, _entry(session, member, posting_id), reason, by, now)

    return _confirm(member_id, asked, act, _("The entry is undone."))


# --- What they bring ----------------------------------------------------------------------------


def _entry(session: Session, member: Member, posting_id: str) -> Posting:
    """The entry of this member; none of somebody else's, and none that is undone elsewhere."""
    found = session.scalar(
        select(Posting)
        .join(Entry, Entry.posting_id == Posting.id)
        .join(Account, Account.id == Entry.account_id)
        .where(
            Posting.public_id == posting_id,
            Posting.kind.in_(UNDONE_BY_HAND),
            Account.member_id == member.holder_id,
        )
    )
    if found is None:
        pages.not_there(HERE)
    return found


def _undoing(member_id: str, posting_id: str) -> Confirmation:
    house = current_installation()
    with house.database.reading() as session:
        member = people.present(session, member_id)
        posting = _entry(session, member, posting_id)
        unit, balance = statements.all_balances(session, member, house.clock())[0]
        given = posting.kind == "accrual"
        return Confirmation(
            _("Undo an entry"),
            [
                _("The points of this entry are taken back.")
                if given
                else _("The points of this entry come back, each with the date that it had."),
                _("There are %(points)s now.", points=people.points(unit, balance.available)),
                _("The history keeps both: the entry, and that it was undone."),
            ],
            _("Undo the entry"),
            is_dangerous=given,
            asks_reason=True,
        )


@dataclass(frozen=True, slots=True)
class _Stakes:
    """The numbers of which the consequences speak."""

    card: str
    balance: str
    phones: int
    messages: int


def _stakes(member_id: str) -> _Stakes:
    house = current_installation()
    with house.database.reading() as session:
        member = people.present(session, member_id)
        unit, balance = statements.all_balances(session, member, house.clock())[0]
        state = results.card(session, member.id, house.clock())
        return _Stakes(
            people.grouped(cards.newest_of(session, member.id).number),
            people.points(unit, balance.available),
            state.phones + bool(state.google_saved),
            len(results.of_member(session, member.id, None, 100, house.clock())),
        )


def _in_phones(stakes: _Stakes, said: str) -> list[str]:
    """What happens in `{phones}`, if the card is in any."""
    if not stakes.phones:
        return []
    return [said.format(phones=counted("%(count)s phone", "%(count)s phones", stakes.phones))]


def _blocking(member_id: str) -> Confirmation:
    stakes = _stakes(member_id)
    card, balance = stakes.card, stakes.balance
    return Confirmation(
        _("Block the card"),
        [
            _("Tills refuse the card %(number)s at once.", number=card),
            *_in_phones(
                stakes, _("In %(phones)s it says that it is not valid.", phones="{phones}")
            ),
            _(
                "%(points)s stay, and can be spent again once you unblock it.",
                points=balance,
            ),
        ],
        _("Block"),
    )


def _unblocking(member_id: str) -> Confirmation:
    stakes = _stakes(member_id)
    card, balance = stakes.card, stakes.balance
    return Confirmation(
        _("Unblock the card"),
        [
            _("Tills take the card %(number)s again.", number=card),
            _("%(points)s can be spent.", points=balance),
        ],
        _("Unblock"),
        is_dangerous=False,
    )


def _replacing(member_id: str) -> Confirmation:
    stakes = _stakes(member_id)
    card, balance = stakes.card, stakes.balance
    return Confirmation(
        _("Give another card number"),
        [
            _("Tills refuse the number %(number)s from now on.", number=card),
            *_in_phones(
                stakes,
                _("In %(phones)s the card shows the new number by itself.", phones="{phones}"),
            ),
            _("%(points)s, the history, announcements and consents stay.", points=balance),
        ],
        _("Give another number"),
    )


def _losing(member_id: str) -> Confirmation:
    stakes = _stakes(member_id)
    card, balance = stakes.card, stakes.balance
    return Confirmation(
        _("The phone is lost"),
        [
            _(
                "The card %(number)s, its link and its barcode are refused for good.",
                number=card,
            ),
            *_in_phones(
                stakes, _("In %(phones)s it becomes void and names nobody.", phones="{phones}")
            ),
            _(
                "%(points)s, the history, announcements and coupons go to a new card.",
                points=balance,
            ),
        ],
        _("Replace the card"),
    )


# --- Merging ------------------------------------------------------------------------------------


@routes.route(f"{OF_MEMBER}/merge", methods=ASKED_AND_DONE)
@needs("members:write")
def merge(member_id: str) -> Response | str:
    """Two members are one person. Into whom: found as one types; then what comes of it."""
    into_id = request.values.get("into", "")
    if request.method == "GET" and not into_id:
        return _choose_into(member_id)
    house, by = current_installation(), pages.author()

    def work(session: Session) -> None:
        member, into = people.present(session, member_id), people.present(session, into_id)
        deeds.merge(session, member, into, by, house.clock())

    def explained(refusal: Refusal) -> str:
        return _open_holds(member_id) if isinstance(refusal, HoldsOpen) else ""

    return _ask_or_do(
        member_id,
        lambda one: _merging(one, into_id),
        lambda: house.database.run(work),
        _("They are one member now."),
        then=into_id,
        explained=explained,
    )


def _choose_into(member_id: str) -> str:
    house, asked = current_installation(), request.args.get("q", "")
    with house.database.reading() as session:
        member = people.present(session, member_id)
        rows = list_of.found(session, asked, FOUND, house.clock(), but_id=member.id)
        name = people.name_of(session, member)
    return pages.show(
        "console/members/merge.html", HERE, member=member, name=name, rows=rows, asked=asked
    )


def _merging(member_id: str, into_id: str) -> Confirmation:
    house = current_installation()
    with house.database.reading() as session:
        member, into = people.present(session, member_id), people.present(session, into_id)
        unit, balance = statements.all_balances(session, member, house.clock())[0]
        _unit, other = statements.all_balances(session, into, house.clock())[0]
        name = people.name_of(session, into)
        together = balance.available + other.available
        consequences = [
            _(
                "%(points)s go to %(name)s, who then has %(sum)s.",
                points=people.points(unit, balance.available),
                name=name,
                sum=people.points(unit, together),
            ),
            _("Every card, phone and number of either means %(name)s.", name=name),
            _("This cannot be undone."),
        ]
        if balance.debt:
            owed = people.points(unit, balance.debt)
            consequences.insert(1, _("%(points)s that are owed go as well.", points=owed))
    title = _("Merge into %(name)s", name=name)
    return Confirmation(title, consequences, _("Merge"), typed={"into": into_id})


def _open_holds(member_id: str) -> str:
    """Which open holds stand in the way, in words."""
    house = current_installation()
    with house.database.reading() as session:
        programme = pages.programme_row(session)
        member = people.present(session, member_id)
        unit, balance = statements.all_balances(session, member, house.clock())[0]
        opened = [
            one
            for one in holds.of_account(session, balance.account_id, None, 50)
            if one.state == holds.OPEN
        ]
        return " ".join(
            _(
                "%(points)s are set aside until %(until)s (%(what)s).",
                points=people.points(unit, one.amount),
                until=moments.clock_time(one.expires_at, programme.timezone),
                what=one.receipt or one.reason or one.public_id,
            )
            for one in opened
        )


# --- Gone for good, and handed over -------------------------------------------------------------


@routes.route(f"{OF_MEMBER}/erase", methods=ASKED_AND_DONE)
@needs("members:write")
def erase(member_id: str) -> Response:
    """Erase the person for good."""
    house, by, entries = current_installation(), pages.author(), FormEntries()

    def do() -> None:
        with house.database.reading() as session:
            people.named(session, member_id)
        erasure.carry_out(
            house.database,
            house.settings.data,
            member_id,
            house.make_due,
            house.clock(),
            by=by,
            write_off=entries.ticked("write_off"),
        )

    return _ask_or_do(member_id, _erasing, do, _("The person is erased."))


def _words_deleted(stakes: _Stakes) -> list[str]:
    if not stakes.messages:
        return []
    return [
        counted(
            "The words of %(count)s message are deleted.",
            "The words of %(count)s messages are deleted.",
            stakes.messages,
        )
    ]


def _erasing(member_id: str) -> Confirmation:
    stakes = _stakes(member_id)
    balance = stakes.balance
    return Confirmation(
        _("Erase this person"),
        [
            _("Name, phone, e-mail, birthday and the card number are deleted for good."),
            *_in_phones(
                stakes,
                _("In %(phones)s the card becomes void and names nobody.", phones="{phones}"),
            ),
            *_words_deleted(stakes),
            _("%(points)s stay in the book until they expire.", points=balance),
            _("Backups of before still have the person. This cannot be undone."),
        ],
        _("Erase"),
        tick=("write_off", _("Let the points expire today")),
    )


@routes.get(f"{OF_MEMBER}/file")
@needs(PERSONAL)
def file(member_id: str) -> str:
    """What the file of a person is, and in which form it is wanted."""
    with current_installation().database.reading() as session:
        member = people.present(session, member_id)
        name = people.name_of(session, member)
    return pages.show("console/members/file.html", HERE, member=member, name=name)


@routes.post(f"{OF_MEMBER}/file")
@needs(PERSONAL)
def hand_over(member_id: str) -> Response:
    """All that is known of a person, as a file; it is noted who took it."""
    house, entries, by = current_installation(), FormEntries(), pages.author()

    def work(session: Session) -> dict[str, Any]:
        member = people.present(session, member_id)
        of, now = deeds.changed_member(member), house.clock()
        changes.note(session, by, dossier.TAKEN, of, now)
        return dossier.of(session, member, now)

    told = house.database.run(work)
    if entries["format"] == "json":
        body = orjson.dumps(told, option=orjson.OPT_UTC_Z | orjson.OPT_INDENT_2)
        answer = Response(body, mimetype="application/json")
        kind = "json"
    else:
        page = render_template("pages/dossier.html", told=told)
        answer = Response(page, mimetype="text/html")
        kind = "html"
    answer.headers["Content-Disposition"] = f'attachment; filename="member-{member_id}.{kind}"'
    answer.headers["Cache-Control"] = "no-store"
    return answer
