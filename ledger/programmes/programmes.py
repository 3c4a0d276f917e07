"""Programmes: a loyalty scheme with its languages, its clock and its terms; and what it says of
itself in each language."""

import functools
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from zoneinfo import available_timezones

from babel.core import get_global
from sqlalchemy import ForeignKey, Index, String, Text, false, select, true
from sqlalchemy.orm import Mapped, Session, mapped_column

from ledger import languages
from ledger.contacts import Unfit, is_country, readable
from ledger.database.tables import Base, Identifier, Instant, JsonDocument, insert_or
from ledger.errors import ProgrammeExists, TermsRefused, UnknownProgramme
from ledger.languages import LANGUAGES, LONGEST_TAG, TAG
from ledger.limits import MOST_POINTS
from ledger.programmes import asking, units
from ledger.programmes.asking import USUAL_ASKS, Asks
from ledger.programmes.trades import CALLED, TRADES, USUAL, Called, Trade
from ledger.programmes.units import UnitTerms

LOCALE = "ru"
TIMEZONE = "Europe/Moscow"
COUNTRY = "RU"
MOST_LANGUAGES = 20
CODE = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
LONGEST_NAME = 100  # characters
MOST_GRACE_DAYS = 3_650
OVERDRAWN = ("debt", "refuse")
# Who shows no card, but names a phone number, spends with a code that reaches them; as one who
# shows a card; or not at all.
SpendByPhone = Literal["code", "allowed", "never"]
SPEND_BY_PHONE: tuple[SpendByPhone, ...] = ("code", "allowed", "never")

# name: what pages in this language call the programme. operator: who runs it and is responsible for
# people's data, with an address to write to. privacy: what happens to that data.
# poster: what stands above the code on the poster in the shop. benefit: what one gets who joins, in
# a sentence. rules: on which conditions.
ProgrammeTextKind = Literal["name", "operator", "privacy", "poster", "benefit", "rules"]
LONGEST: dict[ProgrammeTextKind, int] = {
    "name": LONGEST_NAME,
    "operator": 500,
    "privacy": 100_000,
    "poster": 120,
    "benefit": 200,
    "rules": 100_000,
}
# Where nothing is said of these, something is found to say from the terms.
LEFT_OUT: tuple[ProgrammeTextKind, ...] = ("benefit", "rules")


class Programme(Base):
    """One loyalty scheme. `code` stands in addresses and never changes; `locale` is its first
    language; `timezone` is an IANA name, by whose calendar points live and days are closed."""

    __tablename__ = "ledger_programme"

    id: Mapped[int] = mapped_column(Identifier, primary_key=True)
    code: Mapped[str] = mapped_column(String(40), unique=True)
    name: Mapped[str] = mapped_column(String(100))
    locale: Mapped[str] = mapped_column(String(10), default=LOCALE)
    # In which texts are written for its members; the first is for those who understand no other.
    languages: Mapped[list[str]] = mapped_column(JsonDocument, server_default="[]")
    timezone: Mapped[str] = mapped_column(String(60), default=TIMEZONE)
    # Where its members live (ISO 3166): phone numbers are read as people write them there.
    country: Mapped[str] = mapped_column(String(2), default=COUNTRY, server_default=COUNTRY)
    # Points that come back after their time live so many days more; 0: they keep their old dates.
    grace_days: Mapped[int] = mapped_column(default=0, server_default="0")
    # When points that a reversal takes back were spent meanwhile: "debt" lets the member owe them,
    # "refuse" refuses the reversal.
    overdrawn: Mapped[str] = mapped_column(String(10), default="debt", server_default="debt")
    # How a member spends who is found by a phone number or an address: see `SPEND_BY_PHONE`.
    spend_by_phone: Mapped[SpendByPhone] = mapped_column(
        String(10), default="code", server_default="code"
    )
    # Whether everybody is told of it who comes to the service without a link.
    listed: Mapped[bool] = mapped_column(default=False, server_default=false())
    # Whether names, phone numbers, addresses and birthdays of its members are stored.
    keeps_personal: Mapped[bool] = mapped_column(default=True, server_default=true())
    # What its form asks of who joins, by field.
    asks: Mapped[Asks] = mapped_column(
        JsonDocument, default=lambda: dict(USUAL_ASKS), server_default=json.dumps(USUAL_ASKS)
    )
    # What kind of shop it is; null until its people have said so, in their first hour.
    trade: Mapped[Trade | None] = mapped_column(String(12))
    # What the staff calls a member.
    called: Mapped[Called] = mapped_column(String(12), default=CALLED[0], server_default=CALLED[0])
    # Steps of the first hour that its people do not need.
    skipped: Mapped[list[str]] = mapped_column(JsonDocument, default=list, server_default="[]")
    # How many pieces of the main unit one of the staff may give a member, or take, within a day;
    # for more a second person is asked. Null: any number.
    adjust_limit: Mapped[int | None]
    created_at: Mapped[datetime] = mapped_column(Instant)


class ProgrammeText(Base):
    """What a programme says of itself, in one language. Rows are never changed: the newest
    holds."""

    __tablename__ = "ledger_programme_text"
    __table_args__ = (Index("ix_ledger_programme_text_newest", "programme_id", "kind"),)

    id: Mapped[int] = mapped_column(Identifier, primary_key=True)
    programme_id: Mapped[int] = mapped_column(ForeignKey("ledger_programme.id"))
    kind: Mapped[str] = mapped_column(String(10))
    language: Mapped[str] = mapped_column(String(10))
    text: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(Instant)


@dataclass(frozen=True, slots=True)
class Terms:
    """What a new programme is made of. Its main unit is `unit`, or points that live
    `points_live_days`. Its `languages` are those in which texts are written for its members:
    `locale` and whatever else is named; by default, all others that our own words are in. Its
    `country` is by default that of the time zone."""

    code: str
    name: str
    locale: str = LOCALE
    timezone: str = TIMEZONE
    points_live_days: int | None = None
    unit: UnitTerms | None = None
    grace_days: int = 0
    overdrawn: str = "debt"
    languages: tuple[str, ...] = ()
    country: str = ""

    @property
    def home(self) -> str:
        """The country, as two letters."""
        return self.country.upper() or get_global("zone_territories").get(self.timezone, COUNTRY)

    @property
    def spoken(self) -> tuple[str, ...]:
        """All of its languages, the one first that members understand who understand no other."""
        return with_others(self.locale, self.languages)


def with_others(locale: str, named: Sequence[str] = ()) -> tuple[str, ...]:
    """A language and the others: those that are named, in their order, or those that our own words
    are in."""
    own = languages.best(LANGUAGES, locale)
    listed = list(named) or [locale, *(one for one in LANGUAGES if one != own)]
    return tuple(listed if locale in listed else [locale, *listed])


def create(session: Session, terms: Terms, now: datetime) -> Programme:
    """Make a programme with its main unit. Raises `TermsRefused`, `ProgrammeExists`."""
    _check(terms)
    programme_id = session.execute(
        insert_or(session, Programme)
        .values(
            code=terms.code,
            name=terms.name,
            locale=terms.locale,
            languages=list(terms.spoken),
            timezone=terms.timezone,
            country=terms.home,
            grace_days=terms.grace_days,
            overdrawn=terms.overdrawn,
            created_at=now,
        )
        .on_conflict_do_nothing()
        .returning(Programme.id)
    ).scalar_one_or_none()
    if programme_id is None:
        raise ProgrammeExists(terms.code)
    main = terms.unit or UnitTerms(live_days=terms.points_live_days)
    units.add(session, programme_id, main, main=True)
    return by_id(session, programme_id)


def is_timezone(name: str) -> bool:
    """Whether there is a time zone of this IANA name."""
    return name in timezones()


@functools.cache
def timezones() -> frozenset[str]:
    """All time zones. Kept, since to find them a thousand files are read."""
    return frozenset(available_timezones())


def change_terms(
    session: Session,
    programme: Programme,
    grace_days: int | None = None,
    overdrawn: str | None = None,
    spoken: Sequence[str] | None = None,
    country: str | None = None,
    *,
    keeps_personal: bool | None = None,
    timezone: str | None = None,
    listed: bool | None = None,
    called: Called | None = None,
    asks: Mapping[str, str] | None = None,
    spend_by_phone: SpendByPhone | None = None,
) -> None:
    """What holds for returns from now on and for spending without a card, the languages that texts
    are written in, the country whose phone numbers come without a code, whether personal data is
    kept, by whose clock its days go, who is told of it, what its staff calls a member, and what its
    form asks (of the fields that are named); None leaves a term as it is. Texts that there are in a
    language that is no more stay, and so do numbers that were read before, dates of points that
    were given before, and personal data that was stored. Raises `TermsRefused`."""
    terms = Terms(
        programme.code,
        programme.name,
        programme.locale,
        programme.timezone if timezone is None else timezone,
        grace_days=programme.grace_days if grace_days is None else grace_days,
        overdrawn=overdrawn or programme.overdrawn,
        languages=tuple(programme.languages if spoken is None else spoken),
        country=programme.country if country is None else country,
    )
    _check(terms)
    if called is not None and called not in CALLED:
        raise TermsRefused("called", "one of {known}.", known=", ".join(CALLED))
    if spend_by_phone is not None and spend_by_phone not in SPEND_BY_PHONE:
        raise TermsRefused("spend_by_phone", "one of {known}.", known=", ".join(SPEND_BY_PHONE))
    asked = programme.asks if asks is None else asking.changed(programme.asks, asks)
    programme.grace_days, programme.overdrawn = terms.grace_days, terms.overdrawn
    programme.languages = list(terms.spoken)
    programme.country, programme.timezone = terms.home, terms.timezone
    if keeps_personal is not None:
        programme.keeps_personal = keeps_personal
    if listed is not None:
        programme.listed = listed
    if called is not None:
        programme.called = called
    if spend_by_phone is not None:
        programme.spend_by_phone = spend_by_phone
    programme.asks = asked
    session.flush()


def begin_trade(session: Session, programme: Programme, trade: Trade) -> None:
    """Its people have said what kind of shop it is, and with it what they call a member. Raises
    `TermsRefused`."""
    if trade not in TRADES:
        raise TermsRefused("trade", "one of {known}.", known=", ".join(TRADES))
    programme.trade, programme.called = trade, USUAL[trade].called
    session.flush()


def skip_step(session: Session, programme: Programme, step: str, *, is_needed: bool) -> None:
    """Note whether its people need this step of their first hour. The caller has locked the row."""
    others = [one for one in programme.skipped if one != step]
    programme.skipped = others if is_needed else sorted([*others, step])
    session.flush()


def limit_adjusting(session: Session, programme: Programme, limit: int | None) -> None:
    """How much one of the staff may give a member, or take, within a day without asking a second
    person: pieces of the main unit, 0 for nothing, None for any number. Raises `TermsRefused`."""
    if limit is not None and not 0 <= limit <= MOST_POINTS:
        raise TermsRefused("adjust_limit", "from 0 to {most}.", most=MOST_POINTS)
    programme.adjust_limit = limit
    session.flush()


def _check(terms: Terms) -> None:
    if not CODE.fullmatch(terms.code):
        raise TermsRefused(
            "code", "it stands in addresses: small Latin letters, digits and dashes, up to 40."
        )
    if not 0 < len(terms.name.strip()) <= LONGEST_NAME:
        raise TermsRefused("name", "from 1 to {most} characters.", most=LONGEST_NAME)
    if not is_timezone(terms.timezone):
        raise TermsRefused(
            "timezone", "'{zone}' is not one, such as Europe/Moscow.", zone=terms.timezone
        )
    if not is_country(terms.home):
        raise TermsRefused(
            "country", "'{country}' is not one as two letters, such as RU.", country=terms.country
        )
    if not 0 <= terms.grace_days <= MOST_GRACE_DAYS:
        raise TermsRefused("grace_days", "from 0 to {most}.", most=MOST_GRACE_DAYS)
    if terms.overdrawn not in OVERDRAWN:
        raise TermsRefused("overdrawn", "debt or refuse.")
    _check_languages(terms)


def _check_languages(terms: Terms) -> None:
    for tag in terms.spoken:
        if not TAG.fullmatch(tag) or len(tag) > LONGEST_TAG:
            raise TermsRefused(
                "languages", "'{tag}' is not a language such as ru, kk or de-AT.", tag=tag
            )
    if len({tag.casefold() for tag in terms.spoken}) < len(terms.spoken):
        raise TermsRefused("languages", "a language is named twice.")
    if len(terms.spoken) > MOST_LANGUAGES:
        raise TermsRefused("languages", "at most {most}.", most=MOST_LANGUAGES)


def keeps_personal(session: Session, programme_id: int) -> bool:
    """Whether personal data of its members is stored. Until the transaction ends nobody changes
    this term."""
    return session.scalars(
        select(Programme.keeps_personal)
        .where(Programme.id == programme_id)
        .with_for_update(read=True)
    ).one()


def hold(session: Session, programme_id: int) -> None:
    """Until the transaction ends nobody else changes the programme, or what is decided under its
    lock: its stores, its catalogue. Members are served meanwhile."""
    session.execute(
        select(Programme.id).where(Programme.id == programme_id).with_for_update(key_share=True)
    )


def by_code(session: Session, code: str) -> Programme:
    """The programme with this code. Raises `UnknownProgramme`."""
    programme = session.scalar(select(Programme).where(Programme.code == code))
    if programme is None:
        raise UnknownProgramme(code)
    return programme


def exists(session: Session, code: str) -> bool:
    """Whether there is a programme with this code."""
    return session.scalar(select(Programme.id).where(Programme.code == code)) is not None


def by_id(session: Session, programme_id: int) -> Programme:
    """The programme with this id, which must exist."""
    return session.get_one(Programme, programme_id)


def listed(
    session: Session, after_id: int, limit: int, only_id: int | None = None
) -> Sequence[Programme]:
    """Programmes in the order in which they were made, from behind programme `after_id`; with
    `only_id`, none but this one."""
    query = select(Programme).where(Programme.id > after_id).order_by(Programme.id).limit(limit)
    if only_id is not None:
        query = query.where(Programme.id == only_id)
    return session.scalars(query).all()


def say(
    session: Session,
    programme_id: int,
    kind: ProgrammeTextKind,
    language: str,
    text: str,
    now: datetime,
) -> None:
    """From now on the programme says this text in this language, which must be one of its own.
    Raises `TermsRefused`."""
    spoken = by_id(session, programme_id).languages
    if languages.best(spoken, language) is None:
        raise TermsRefused(
            "language", "texts of this programme are in {known}.", known=", ".join(spoken)
        )
    fit = fit_text(kind, text)
    session.add(
        ProgrammeText(
            programme_id=programme_id, kind=kind, language=language, text=fit, created_at=now
        )
    )
    session.flush()


def fit_text(kind: ProgrammeTextKind, text: str) -> str:
    """The text as a programme may say it. One that may be left out is taken back by an empty one.
    Raises `TermsRefused`."""
    try:
        text = readable(text)
    except Unfit:
        raise TermsRefused(kind, "must not contain control characters.") from None
    if not text and kind in LEFT_OUT:
        return text
    if not 0 < len(text) <= LONGEST[kind]:
        raise TermsRefused(kind, "from 1 to {most} characters.", most=LONGEST[kind])
    return text


def said(
    session: Session, programme_id: int, kind: ProgrammeTextKind, language: str
) -> ProgrammeText | None:
    """The newest text in this language; if there is none, the newest in any language."""
    return session.scalar(
        select(ProgrammeText)
        .where(ProgrammeText.programme_id == programme_id, ProgrammeText.kind == kind)
        .order_by((ProgrammeText.language == language).desc(), ProgrammeText.id.desc())
        .limit(1)
    )


def texts(session: Session, programme_id: int, kind: ProgrammeTextKind) -> dict[str, str]:
    """What the programme says now of this kind, by language; what was taken back is left out."""
    rows = session.execute(
        select(ProgrammeText.language, ProgrammeText.text)
        .where(ProgrammeText.programme_id == programme_id, ProgrammeText.kind == kind)
        .order_by(ProgrammeText.id)
    )
    newest = {row.language: row.text for row in rows}
    return {language: text for language, text in newest.items() if text}


def name_in(session: Session, programme: Programme, language: str) -> str:
    """What pages in this language call the programme: the text for it, or else its own name."""
    text = said(session, programme.id, "name", language)
    return text.text if text is not None and text.language == language else programme.name


def names(session: Session, programme: Programme) -> dict[str, str]:
    """What the programme is called, by language: in its own as it was made, unless it was named
    anew; in others, if it has a name there."""
    rows = session.execute(
        select(ProgrammeText.language, ProgrammeText.text)
        .where(ProgrammeText.programme_id == programme.id, ProgrammeText.kind == "name")
        .order_by(ProgrammeText.id)
    )
    return {programme.locale: programme.name, **{row.language: row.text for row in rows}}


def former_names(session: Session, programme: Programme) -> set[str]:
    """All that the programme is and was called, in whatever language."""
    said = session.scalars(
        select(ProgrammeText.text).where(
            ProgrammeText.programme_id == programme.id, ProgrammeText.kind == "name"
        )
    )
    return {programme.name, *said}


def countries(session: Session, only_id: int | None = None) -> list[str]:
    """The countries of all programmes, or of one."""
    query = select(Programme.country).distinct()
    if only_id is not None:
        query = query.where(Programme.id == only_id)
    return sorted(session.scalars(query))


def listed_for_all(session: Session) -> Sequence[Programme]:
    """The programmes that everybody is told of, the oldest first."""
    return session.scalars(select(Programme).where(Programme.listed).order_by(Programme.id)).all()


def every(session: Session) -> Sequence[Programme]:
    """All programmes, the oldest first."""
    return session.scalars(select(Programme).order_by(Programme.id)).all()
