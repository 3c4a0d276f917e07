"""What people read before they agree: what happens to their data, the rules of the programme, and
the sentences beside the boxes.

Where the operator has written nothing, there is a plain text that names the operator. What was
agreed to is kept word by word, see `ledger.people.consents`."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

from flask import url_for
from sqlalchemy.orm import Session

from ledger.people import consents
from ledger.people.consents import Decision, Purpose
from ledger.programmes import programmes
from ledger.programmes.programmes import Programme, ProgrammeText
from wallet.outreach import base_programme
from wallet.pages import language
from wallet.pages.language import gettext as _

HEADING = "# "
STANDARD = Path(__file__).parent / "standard_texts"

NoticeKind = Literal["privacy", "rules"]


def _texts(folder: Path) -> Mapping[str, str]:
    return {path.stem: path.read_text(encoding="utf-8") for path in folder.glob("*.txt")}


PRIVACY, RULES = _texts(STANDARD), _texts(STANDARD / "rules")
# Of programmes that keep nothing personal.
PRIVACY_OF_NOTHING = _texts(STANDARD / "nothing")


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


@dataclass(frozen=True, slots=True)
class Acts:
    """What somebody agrees to, and where they read it: each by an act of its own. `personal_data`
    is empty where nothing of it is kept."""

    personal_data: str
    marketing: str
    rules: str
    privacy_url: str
    rules_url: str


@dataclass(frozen=True, slots=True)
class Benefit:
    """What one gets who joins, and the language in which that is written."""

    text: str
    language: str


def notice(session: Session, programme: Programme, kind: NoticeKind) -> Notice:
    """The text in the page's language. A text of the operator's own, even in another language,
    comes before the one that comes with the service: it is truer."""
    own = programmes.said(session, programme.id, kind, language.current())
    if own is not None and own.text:
        return Notice(own.text, own.language, own.created_at)
    return Notice(_standard(session, programme, kind), language.current(), None)


def _standard(session: Session, programme: Programme, kind: NoticeKind) -> str:
    tongue = language.current()
    name = programmes.name_in(session, programme, tongue)
    operator = programmes.said(session, programme.id, "operator", tongue)
    facts = {"programme": name, "operator": operator.text if operator else name}
    if kind == "rules":
        texts, facts["terms"] = RULES, _terms(session, programme)
    else:
        texts = PRIVACY if programme.keeps_personal else PRIVACY_OF_NOTHING
    text = texts[tongue]
    for fact, value in facts.items():
        # By `replace`, since a name may have braces of its own.
        text = text.replace(f"{{{fact}}}", value)
    return text


def _terms(session: Session, programme: Programme) -> str:
    """What the programme gives, with all its terms."""
    base = base_programme.of(session, programme)
    if base is None:
        return _("The till tells what a purchase earns, and what points pay.")
    welcome = base_programme.welcome(session, programme, language.current())
    whole = base_programme.sentence(session, programme, base, language.current())
    return f"{welcome} {whole}".strip()


def benefit(session: Session, programme: Programme) -> Benefit | None:
    """What one gets who joins: the operator's sentence in the page's language, or else what the
    base programme gives, or else the operator's in another language."""
    tongue = language.current()
    if found := base_programme.what_one_gets(session, programme, tongue):
        return Benefit(found, tongue)
    own: ProgrammeText | None = programmes.said(session, programme.id, "benefit", tongue)
    return None if own is None or not own.text else Benefit(own.text, own.language)


def wording(purpose: Purpose, name: str) -> str:
    """The sentence beside the box, or the button: a person agrees to it by ticking the box, or by
    pressing the button."""
    match purpose:
        case "personal_data":
            return _("I agree to the processing of my personal data so that I can have this card")
        case "rules":
            return _("By pressing the button I accept the rules of the programme")
        case "marketing":
            return _(
                "I agree to receive news and offers from %(programme)s as notices of the card in"
                " the wallet of my phone",
                programme=name,
            )


def acts(programme: Programme, name: str) -> Acts:
    """What a page asks of somebody who joins, or whom a cashier made a card. `name`: what it calls
    the programme."""
    return Acts(
        wording("personal_data", name) if programme.keeps_personal else "",
        wording("marketing", name),
        wording("rules", name),
        url_for("pages.privacy.show", code=programme.code),
        url_for("pages.privacy.rules", code=programme.code),
    )


def agreed(
    session: Session, programme: Programme, purposes: Sequence[Purpose], now: datetime
) -> list[Decision]:
    """Consents that were given on this page; the words that were agreed to are kept with them."""
    name = programmes.name_in(session, programme, language.current())
    return [
        Decision(
            purpose,
            given=True,
            text_version=consents.keep_text(
                session, f"{wording(purpose, name)}\n\n{_read(session, programme, purpose)}", now
            ),
        )
        for purpose in purposes
    ]


def _read(session: Session, programme: Programme, purpose: Purpose) -> str:
    """The text to which the sentence leads."""
    return notice(session, programme, "rules" if purpose == "rules" else "privacy").text
