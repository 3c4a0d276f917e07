"""Built-in messages as a programme has them: on or off, in which words, and what their occasion
is."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast, get_args

from sqlalchemy import ForeignKey, String, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from ledger import languages
from ledger.database.engine import wake_after_commit
from ledger.database.tables import Base, Instant, JsonDocument, insert_or
from ledger.programmes import programmes, units
from ledger.programmes.programmes import Programme
from ledger.programmes.units import Unit
from wallet import sentences
from wallet.access import changes
from wallet.access.changes import Author, ChangedThing
from wallet.errors import ConsentNeeded, MessageRefused, NoMessageField
from wallet.outreach import wording
from wallet.outreach.campaigns import NIGHT, PUMP
from wallet.outreach.deliveries import MessageKind
from wallet.outreach.gifts import MessageGift
from wallet.outreach.hours import Span
from wallet.outreach.recipients import ConsentRule
from wallet.passes import templates
from wallet.passes.content import announces_messages

KINDS: tuple[MessageKind, ...] = get_args(MessageKind)
# These have a day and hours; the others answer at once to what a member did.
DAILY: tuple[MessageKind, ...] = ("burning", "birthday", "lapsed")
WITH_DAYS: tuple[MessageKind, ...] = ("burning", "lapsed")
# These may come before their day, and come on it unless the programme says otherwise.
AHEAD: tuple[MessageKind, ...] = ("birthday",)
# The others speak of what is the member's own, or of what they did, and come to everybody unless
# the programme says otherwise.
ADVERTISING: tuple[MessageKind, ...] = ("lapsed",)
DAY = NIGHT[1], NIGHT[0]  # the hours of daily messages

PLACES: dict[MessageKind, tuple[str, ...]] = {
    "accrued": (*wording.PERSONAL, "accrued", "gift"),
    "spent": (*wording.PERSONAL, "spent", "gift"),
    "burning": (*wording.PERSONAL, "burning", "day", "gift"),
    "birthday": (*wording.PERSONAL, "days", "gift"),
    "lapsed": (*wording.PERSONAL, "days", "gift"),
}
# Contexts in which the catalogue has the texts that come with the service, by kind: with and
# without a gift.
WITH_A_GIFT = "{kind} with a gift"
BEFORE = "{kind} to come"
CONTEXT, CONTEXT_OF_MONEY = "message", "message of money"
DAYS: dict[MessageKind, int] = {"burning": 7, "lapsed": 60}


class MessageTerms(Base):
    """`days`: how long before points run out or a birthday, or since the last purchase. `gift`:
    points that come with the message, and live `gift_live_days`, or as their unit has it.
    `consent`: see `recipients.ConsentRule`. Between `from_hour` and `until_hour` of the
    programme's clock a daily message is told. `since`: when it was last switched on;
    what was before is not told. `holdout_percent`: so many of those who would be told are not, to
    compare with."""

    __tablename__ = "outreach_message_terms"

    programme_id: Mapped[int] = mapped_column(ForeignKey("ledger_programme.id"), primary_key=True)
    kind: Mapped[str] = mapped_column(String(12), primary_key=True)
    is_on: Mapped[bool]
    texts: Mapped[dict[str, Any]] = mapped_column(JsonDocument)
    days: Mapped[int | None]
    gift: Mapped[int | None]
    gift_live_days: Mapped[int | None]
    from_hour: Mapped[str] = mapped_column(String(5))
    until_hour: Mapped[str] = mapped_column(String(5))
    since: Mapped[datetime] = mapped_column(Instant)
    consent: Mapped[str] = mapped_column(String(12), server_default="any")
    holdout_percent: Mapped[int] = mapped_column(default=0, server_default="0")

    @property
    def hours(self) -> Span:
        """The hours of the programme's clock in which a daily message may be told."""
        return Span.read(self.from_hour, self.until_hour)

    @property
    def present(self) -> MessageGift | None:
        """What comes with the message."""
        return MessageGift.of(self.gift, self.gift_live_days)


@dataclass(frozen=True, slots=True)
class Wanted:
    """How a programme wants a built-in message."""

    on: bool
    texts: dict[str, str]
    days: int | None = None
    gift: MessageGift | None = None
    from_hour: str = DAY[0]
    until_hour: str = DAY[1]
    consent: ConsentRule = "any"
    holdout_percent: int = 0


def standard(
    kind: MessageKind,
    unit: Unit,
    spoken: Sequence[str],
    *,
    with_gift: bool = False,
    days: int | None = None,
) -> Wanted:
    """The terms of a message that a programme has not set: off, and with our own texts in those of
    the programme's languages that we have texts in. `unit` is what the messages speak of; `days`:
    how long before its day a message comes that need not."""
    name = BEFORE.format(kind=kind) if days and kind in AHEAD else kind
    name = WITH_A_GIFT.format(kind=name) if with_gift else name
    context = CONTEXT if unit.currency is None else CONTEXT_OF_MONEY
    texts = {
        tag: sentences.CATALOGUE.text(language, name, context)
        for tag, language in languages.own_words(spoken).items()
    }
    consent: ConsentRule = "given" if kind in ADVERTISING else "any"
    return Wanted(on=False, texts=texts, days=DAYS.get(kind), consent=consent)


def of_programme(session: Session, programme_id: int) -> dict[MessageKind, Wanted]:
    """Every built-in message as the programme has it; one that it has not set, with the standard
    terms."""
    rows = session.scalars(
        select(MessageTerms).where(MessageTerms.programme_id == programme_id)
    ).all()
    told = {row.kind: _wanted(row) for row in rows}
    unit = units.named(session, programme_id, None)
    spoken = programmes.by_id(session, programme_id).languages
    return {kind: told.get(kind, standard(kind, unit, spoken)) for kind in KINDS}


def put(
    session: Session, programme: Programme, kind: MessageKind, wanted: Wanted, now: datetime
) -> Wanted:
    """Set how the programme has this message from now on. Raises what `wording.check` raises,
    `MessageRefused`, `ConsentNeeded`, `NoMessageField`."""
    check_texts(kind, wanted, programme, units.named(session, programme.id, None))
    if (wanted.days is None) == (kind in WITH_DAYS) and kind not in AHEAD:
        raise MessageRefused("days")
    if wanted.holdout_percent and kind not in ADVERTISING:
        raise MessageRefused("holdout_percent")
    if wanted.consent == "any" and kind in ADVERTISING:
        raise ConsentNeeded
    design = templates.design(templates.current(session, programme.id))
    if wanted.on and not announces_messages(design):
        raise NoMessageField(programme.code)
    before = session.get(MessageTerms, (programme.id, kind), with_for_update=True)
    went_on = wanted.on and (before is None or not before.is_on)
    values = {
        "is_on": wanted.on,
        "texts": wanted.texts,
        "days": wanted.days,
        "gift": wanted.gift.points if wanted.gift is not None else None,
        "gift_live_days": wanted.gift.live_days if wanted.gift is not None else None,
        "from_hour": wanted.from_hour,
        "until_hour": wanted.until_hour,
        "consent": wanted.consent,
        "holdout_percent": wanted.holdout_percent,
        "since": now if went_on or before is None else before.since,
    }
    session.execute(
        insert_or(session, MessageTerms)
        .values(programme_id=programme.id, kind=kind, **values)
        .on_conflict_do_update(index_elements=["programme_id", "kind"], set_=values)
    )
    session.expire_all()
    wake_after_commit(session, PUMP)
    return wanted


def check_texts(kind: MessageKind, wanted: Wanted, programme: Programme, unit: Unit) -> None:
    """Raises what `wording.check` raises."""
    has_gift = wanted.gift is not None
    # Our own texts may stand in for those of a language whose words have other plural forms.
    usual = standard(kind, unit, programme.languages, with_gift=has_gift, days=wanted.days)
    if wanted.texts != usual.texts:
        places = wording.with_gift(PLACES[kind], has_gift=has_gift)
        wording.check(wanted.texts, places, programme.languages)


def decide(
    session: Session,
    programme: Programme,
    kind: MessageKind,
    wanted: Wanted,
    by: Author,
    now: datetime,
) -> Wanted:
    """The same, with a line in the record of changes. Raises what `put` raises."""
    before = changes.held(session, session.get(MessageTerms, (programme.id, kind)))
    decided = put(session, programme, kind, wanted, now)
    after = changes.facts(session.get(MessageTerms, (programme.id, kind)))
    of_message = ChangedThing("message", kind, programme.id)
    changes.note(session, by, "message.changed", of_message, now, before, after)
    return decided


def switched_on(session: Session, kinds: Sequence[str]) -> Sequence[MessageTerms]:
    """All of these kinds that are on, in every programme."""
    return session.scalars(
        select(MessageTerms)
        .where(MessageTerms.is_on, MessageTerms.kind.in_(list(kinds)))
        .order_by(MessageTerms.programme_id, MessageTerms.kind)
    ).all()


def _wanted(row: MessageTerms) -> Wanted:
    return Wanted(
        row.is_on,
        row.texts,
        row.days,
        row.present,
        row.from_hour,
        row.until_hour,
        cast(ConsentRule, row.consent),
        row.holdout_percent,
    )
