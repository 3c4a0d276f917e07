"""What came onto a card and went from it, as its owner reads it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from flask import Blueprint, Response, make_response, render_template, request, url_for
from sqlalchemy.orm import Session

from ledger.book import accounts, statements
from ledger.book.statements import Filter, StatementLine
from ledger.people import members, persons
from ledger.points import adjusting, welcoming
from ledger.programmes import programmes, units
from ledger.programmes.programmes import Programme
from ledger.programmes.units import Unit
from wallet.installation import current_installation
from wallet.pages import designs, language, links
from wallet.pages.language import gettext as _
from wallet.passes.issued import Pass

RECENT, A_PAGE = 3, 30  # lines on the card's page, and on a page of their own
LARGEST_ID = 2**63 - 1

routes = Blueprint("history", __name__, url_prefix="/card/<token>/history")
routes.after_request(links.private)


@dataclass(frozen=True, slots=True)
class HistoryLine:
    """One entry in words. `amount` has its sign; `details`: what the till wrote, what was paid."""

    title: str
    amount: str
    is_plus: bool
    day: str
    details: Sequence[str]


@dataclass(frozen=True, slots=True)
class HistoryPage:
    """Some entries, the newest first; `before` is where the next page begins, None at the end."""

    lines: Sequence[HistoryLine]
    before: int | None


@routes.get("")
def show(token: str) -> Response:
    """The entries of a card, page by page."""
    asked = request.args.get("before", "")
    before = int(asked) if asked.isascii() and asked.isdigit() and len(asked) < 19 else None
    with current_installation().database.reading() as session:
        pass_ = links.card(session, token)
        programme = programmes.by_id(session, pass_.programme_id)
        locale = persons.profile_of(session, pass_.member_id).locale
        language.suggest(member=locale, programme=programme.languages)
        page = lines(session, pass_, before, A_PAGE)
        name = programmes.name_in(session, programme, language.current())
        look = designs.look(session, pass_.template_id)
    following = None if page.before is None else url_for(".show", token=token, before=page.before)
    return make_response(
        render_template(
            "pages/history.html",
            programme=name,
            look=look,
            lines=page.lines,
            following=following,
            is_first=before is None,
            first_url=url_for(".show", token=token),
            card_url=url_for("pages.cards.show", token=token),
        )
    )


def lines(session: Session, pass_: Pass, before: int | None, limit: int) -> HistoryPage:
    """The entries of the member's account in the main unit, from before this posting on."""
    member = members.by_id(session, pass_.member_id)
    unit = units.named(session, pass_.programme_id, None)
    programme = programmes.by_id(session, pass_.programme_id)
    account = accounts.account_id_of(session, unit.id, member.holder_id) or 0
    found = statements.statement(session, account, Filter(), before, limit + 1)
    shown = found[:limit]
    return HistoryPage(
        [_line(one, unit, programme) for one in shown],
        shown[-1].posting_id if len(found) > limit else None,
    )


def _line(line: StatementLine, unit: Unit, programme: Programme) -> HistoryLine:
    is_plus = line.points >= 0
    by_hand = line.promotion == adjusting.PROMOTION
    paid = line.purchase
    details = [
        # What the staff wrote about points by hand is not for the member.
        "" if by_hand else line.reason or "",
        "" if paid is None else _("paid %(money)s", money=paid.written(language.current())),
    ]
    amount = language.amount(unit, abs(line.points))
    return HistoryLine(
        title=_title(line, is_plus=is_plus),
        amount=f"{'+' if is_plus else '−'}{amount}",
        is_plus=is_plus,
        day=language.day(line.occurred_at, programme.timezone),
        details=[one for one in details if one],
    )


def _title(line: StatementLine, *, is_plus: bool) -> str:
    if line.kind == "gift" and line.promotion == welcoming.PROMOTION:
        return _("Gift for joining")
    if line.kind == "reversal":
        return _("Returned") if is_plus else _("Undone")
    if line.kind == "transfer":
        return _("A gift from somebody") if is_plus else _("A gift to somebody")
    return _KINDS[line.kind]()


_KINDS: Mapping[str, Callable[[], str]] = {
    "accrual": lambda: _("Earned"),
    "redemption": lambda: _("Spent"),
    "expiry": lambda: _("Expired"),
    "merge": lambda: _("From your other card"),
    "opening": lambda: _("Carried over from before"),
    "repayment": lambda: _("Paid what was owed"),
    "gift": lambda: _("Gift"),
}
