"""What happens to personal data, as the operator of a programme tells it, and the words that people
agree to.

Where the operator has written nothing, there is a plain text that names the operator. What was
agreed to is kept word by word, see `ledger.people.consents`."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from flask import Blueprint, Response, make_response, render_template, url_for
from sqlalchemy.orm import Session

from ledger.people import consents
from ledger.people.consents import Decision, Purpose
from ledger.programmes import programmes
from ledger.programmes.programmes import Programme
from wallet.installation import current_installation
from wallet.pages import designs, language
from wallet.pages.language import gettext as _
from wallet.pages.programme import addressed
from wallet.passes import templates

HEADING = "# "
NOTICES = Path(__file__).parent / "notices"
DEFAULTS = {path.stem: path.read_text(encoding="utf-8") for path in NOTICES.glob("*.txt")}
# Of programmes that keep nothing personal.
OF_NOTHING = {path.stem: path.read_text(encoding="utf-8") for path in NOTICES.glob("nothing/*.txt")}

routes = Blueprint("privacy", __name__, url_prefix="/join/<code>/privacy")


@dataclass(frozen=True, slots=True)
class Notice:
    """The text that holds, the language it is written in, and since when it holds; None for the
    text that comes with the service."""

    text: str
    language: str
    since: datetime | None

    def parts(self) -> Iterator[tuple[bool, str]]:
        """Headings (True) and paragraphs. A line that begins with `# ` is a heading, an empty line
        ends a paragraph; everything else stands as it was written."""
        paragraph: list[str] = []
        for line in [*self.text.splitlines(), ""]:
            if line.strip() and not line.startswith(HEADING):
                paragraph.append(line)
                continue
            if paragraph:
                yield False, "\n".join(paragraph)
                paragraph = []
            if line.strip():
                yield True, line.removeprefix(HEADING).strip()


@routes.get("")
def show(code: str) -> Response:
    """The privacy notice of a programme. 404 if there is no such programme."""
    with current_installation().database.reading() as session:
        programme = addressed(session, code)
        told = notice(session, programme)
        name = programmes.name_in(session, programme, language.current())
        look = designs.look(session, templates.current(session, programme.id).id)
    return make_response(
        render_template(
            "pages/privacy.html",
            programme=name,
            notice=told,
            since=language.day(told.since, programme.timezone) if told.since else "",
            look=look,
            join_url=url_for("pages.join.ask", code=code),
        )
    )


def notice(session: Session, programme: Programme) -> Notice:
    """The text in the page's language. A text of the operator's own, even in another language,
    comes before the one that comes with the service: it is truer."""
    tongue = language.current()
    own = programmes.said(session, programme.id, "privacy", tongue)
    if own is not None:
        return Notice(own.text, own.language, own.created_at)
    name = programmes.name_in(session, programme, tongue)
    operator = programmes.said(session, programme.id, "operator", tongue)
    # By `replace`, since a name may have braces of its own.
    texts = DEFAULTS if programme.keeps_personal else OF_NOTHING
    text = texts[tongue].replace("{operator}", operator.text if operator else name)
    return Notice(text, tongue, None)


def wording(purpose: Purpose, name: str) -> str:
    """The sentence beside the box: a person agrees to it by ticking the box."""
    if purpose == "personal_data":
        return _("I agree to the processing of my personal data so that I can have this card")
    return _(
        "I agree to receive news and offers on my card and as notifications of my phone"
        " (from %(programme)s)",
        programme=name,
    )


def agreed(
    session: Session, programme: Programme, purposes: Sequence[Purpose], now: datetime
) -> list[Decision]:
    """Consents that were given on this page; the words that were agreed to are kept with them."""
    name = programmes.name_in(session, programme, language.current())
    told = notice(session, programme)
    return [
        Decision(
            purpose,
            given=True,
            text_version=consents.keep_text(
                session, f"{wording(purpose, name)}\n\n{told.text}", now
            ),
        )
        for purpose in purposes
    ]
