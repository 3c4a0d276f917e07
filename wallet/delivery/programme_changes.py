"""Programmes made and changed, by whatever door, with all that follows from it: the first design of
a card, the record of changes, cards that ask anew whose they are."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal, get_args

from sqlalchemy.orm import Session

from ledger.programmes import programmes, stores
from ledger.programmes.programmes import Programme, ProgrammeTextKind, SpendByPhone, Terms
from ledger.programmes.stores import Store, StoreTerms, Till, TillTerms
from ledger.programmes.trades import Called, Trade
from ledger.programmes.units import UnitTerms
from wallet.access import changes
from wallet.access.changes import Author, ChangedThing
from wallet.delivery import waves
from wallet.passes import plain, templates
from wallet.passes.content import Design

# What the cards of a new programme are: they have points, hold money, or say who their holder is.
FirstCards = Literal["points", "gift_cards", "membership"]
FIRST_CARDS: tuple[FirstCards, ...] = get_args(FirstCards)
KOPECKS = 2  # decimal places of a gift card's money


@dataclass(frozen=True, slots=True)
class ProgrammeChange:
    """What is to be different about a programme; None leaves it as it is. See
    `programmes.change_terms`."""

    grace_days: int | None = None
    overdrawn: str | None = None
    languages: tuple[str, ...] | None = None
    country: str | None = None
    timezone: str | None = None
    keeps_personal: bool | None = None
    listed: bool | None = None
    called: Called | None = None
    asks: Mapping[str, str] | None = None
    spend_by_phone: SpendByPhone | None = None


def beginning(terms: Terms, cards: FirstCards, currency: str | None = None) -> tuple[Terms, Design]:
    """The terms and the first design of a new programme with such cards; gift cards hold money of
    this currency, in its smallest pieces of everyday use."""
    match cards:
        case "gift_cards":
            unit = UnitTerms("money", "money", KOPECKS, currency, terms.points_live_days)
            return replace(terms, unit=unit), templates.gift_cards(terms.name, terms.spoken)
        case "membership":
            return terms, templates.membership(terms.name, terms.spoken)
    return terms, templates.standard(terms.name, terms.spoken)


def make(session: Session, terms: Terms, design: Design, by: Author, now: datetime) -> Programme:
    """Make a programme whose cards look like this to begin with. Raises `TermsRefused`,
    `ProgrammeExists`, `PlaceholderNotFilled`."""
    plain.check({terms.locale: terms.name})
    programme = programmes.create(session, terms, now)
    templates.store(session, programme.id, design, {}, now)
    changes.note(session, by, "programme.added", of(programme), now, {}, changes.facts(programme))
    return programme


def change(
    session: Session, programme: Programme, wanted: ProgrammeChange, by: Author, now: datetime
) -> None:
    """Change the terms of a programme. If it keeps personal data from now on, or does not any more,
    cards that ask whose they are begin to ask, or stop. Raises `TermsRefused`."""
    before = changes.held(session, programme)
    asked = programme.keeps_personal
    programmes.change_terms(
        session,
        programme,
        wanted.grace_days,
        wanted.overdrawn,
        wanted.languages,
        wanted.country,
        timezone=wanted.timezone,
        keeps_personal=wanted.keeps_personal,
        listed=wanted.listed,
        called=wanted.called,
        asks=wanted.asks,
        spend_by_phone=wanted.spend_by_phone,
    )
    after = changes.facts(programme)
    changes.note(session, by, "programme.terms_changed", of(programme), now, before, after)
    design = templates.design(templates.current(session, programme.id))
    if programme.keeps_personal != asked and design.enrolment is not None:
        waves.start(session, programme.id, now)


def limit_adjusting(
    session: Session, programme: Programme, limit: int | None, by: Author, now: datetime
) -> None:
    """How much one of the staff may give a member by hand without asking, see
    `programmes.limit_adjusting`. Raises `TermsRefused`."""
    before = changes.held(session, programme)
    programmes.limit_adjusting(session, programme, limit)
    after = changes.facts(programme)
    changes.note(session, by, "programme.terms_changed", of(programme), now, before, after)


def say(
    session: Session,
    programme: Programme,
    kind: ProgrammeTextKind,
    language: str,
    text: str,
    by: Author,
    now: datetime,
) -> None:
    """From now on the programme says this text in this language. What it says already is not said
    again: a text that people agreed to stays the one they were shown. Raises `TermsRefused`,
    `PlaceholderNotFilled`."""
    hold(session, programme)  # of two people one is the later
    said = programmes.said(session, programme.id, kind, language)
    was = said.text if said is not None and said.language == language else None
    if (was or "") == text:
        return
    plain.check({language: text})
    programmes.say(session, programme.id, kind, language, text, now)
    name = f"{kind} in {language}"
    changes.note(
        session, by, "programme.texts_changed", of(programme), now, {name: was}, {name: text}
    )


def begin_trade(
    session: Session, programme: Programme, trade: Trade, by: Author, now: datetime
) -> None:
    """Its people have said what kind of shop it is, and with it what they call a member. Raises
    `TermsRefused`."""
    before = changes.held(session, programme)
    programmes.begin_trade(session, programme, trade)
    after = changes.facts(programme)
    changes.note(session, by, "programme.terms_changed", of(programme), now, before, after)


def skip_step(
    session: Session,
    programme: Programme,
    step: str,
    by: Author,
    now: datetime,
    *,
    is_needed: bool,
) -> None:
    """Note whether its people need this step of their first hour."""
    before = changes.held(session, programme)
    programmes.skip_step(session, programme, step, is_needed=is_needed)
    after = changes.facts(programme)
    changes.note(session, by, "programme.terms_changed", of(programme), now, before, after)


def put_store(
    session: Session,
    programme: Programme,
    wanted: StoreTerms,
    by: Author,
    now: datetime,
    known: int | None = None,
) -> Store:
    """Make or change a store, see `stores.put_store`, which says what it raises."""
    hold(session, programme)
    code = stores.checked_code(wanted.code)
    before = changes.held(session, stores.find_store(session, programme.id, code))
    store = stores.put_store(session, programme.id, wanted, now, known)
    what = "store.changed" if before else "store.added"
    thing = ChangedThing("store", code, programme.id)
    changes.note(session, by, what, thing, now, before, changes.facts(store))
    return store


def put_till(
    session: Session,
    programme: Programme,
    wanted: TillTerms,
    by: Author,
    now: datetime,
    known: int | None = None,
) -> Till:
    """Make or change a till, see `stores.put_till`, which says what it raises."""
    hold(session, programme)
    code = stores.checked_code(wanted.code)
    store = stores.store_named(session, programme.id, wanted.store)
    before = changes.held(session, stores.find_till(session, store.id, code))
    till = stores.put_till(session, programme.id, wanted, now, known)
    what = "till.changed" if before else "till.added"
    thing = ChangedThing("till", f"{store.code}/{code}", programme.id)
    changes.note(session, by, what, thing, now, before, changes.facts(till))
    return till


def hold(session: Session, programme: Programme) -> None:
    """Until the transaction ends nobody else changes the programme, or a store of it."""
    changes.held(session, programme)


def of(programme: Programme) -> ChangedThing:
    """The programme as the record of changes names it."""
    return ChangedThing("programme", programme.code, programme.id)
