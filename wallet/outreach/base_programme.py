"""The base programme as its people set it in one piece: what purchases earn, what points pay, how
long they live, and gifts. Each part is kept where it belongs: gifts that come with words are
built-in messages, and how long points live is a term of their unit."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy.orm import Session

from ledger import languages
from ledger.languages import LANGUAGES, Language
from ledger.money import Money, decimals, percent
from ledger.programmes import base_terms, base_words, programmes, units
from ledger.programmes.base_terms import BaseProgramme, BaseTerms
from ledger.programmes.earning import Rates
from ledger.programmes.programmes import Programme
from ledger.programmes.trades import Called
from ledger.programmes.units import Unit
from wallet.access import changes
from wallet.access.changes import Author, ChangedThing, RecordedFacts
from wallet.outreach import terms, wording
from wallet.outreach.deliveries import MessageKind
from wallet.outreach.gifts import MessageGift
from wallet.outreach.terms import Wanted

# How much a gift for having been away waits, where nobody has said.
AWAY_DAYS = terms.DAYS["lapsed"]


@dataclass(frozen=True, slots=True)
class BaseChoice:
    """The base programme. `live_days`: how long points live that come from now on; None for ever.
    `birthday` comes `birthday_days` before the day, `lapsed` after `lapsed_days` without a
    purchase; both come with the words of a built-in message."""

    terms: BaseTerms
    live_days: int | None
    birthday: MessageGift | None = None
    birthday_days: int = 0
    lapsed: MessageGift | None = None
    lapsed_days: int = AWAY_DAYS


def of(session: Session, programme: Programme) -> BaseChoice | None:
    """The base programme as it is; None while nobody has set it."""
    row = base_terms.of(session, programme.id)
    if row is None:
        return None
    unit = units.named(session, programme.id, None)
    known = terms.of_programme(session, programme.id)
    birthday, lapsed = known["birthday"], known["lapsed"]
    return BaseChoice(
        BaseTerms(
            row.back,
            row.payable,
            Money.of(row.worth, decimals(row.currency), row.currency),
            row.welcome_gift,
            row.welcome_live_days,
        ),
        unit.live_days,
        birthday.gift if birthday.on else None,
        birthday.days or 0,
        lapsed.gift if lapsed.on else None,
        lapsed.days or AWAY_DAYS,
    )


def put(
    session: Session, programme: Programme, wanted: BaseChoice, by: Author, now: datetime
) -> None:
    """Set the base programme, and note what differs. It holds for what happens from now on. Raises
    `TermsRefused`, `NoMessageField`, `TooManyDecimals`, `AmountTooLarge`."""
    changes.held(session, programme)  # who sets it in parts, by other doors, waits as well
    before = _told(base_terms.of(session, programme.id))
    after = _told(base_terms.put(session, programme.id, wanted.terms))
    of_programme = ChangedThing("programme", programme.code, programme.id)
    changes.note(session, by, "programme.base_changed", of_programme, now, before, after)
    unit = units.named(session, programme.id, None)
    if unit.live_days != wanted.live_days:
        was = changes.held(session, session.get(Unit, unit.id))
        changed = units.change_terms(session, programme.id, unit.code, wanted.live_days)
        of_unit = ChangedThing("unit", unit.code, programme.id)
        changes.note(session, by, "unit.changed", of_unit, now, was, changes.facts(changed))
    _put_gift(session, programme, "birthday", wanted.birthday, wanted.birthday_days, by, now)
    _put_gift(session, programme, "lapsed", wanted.lapsed, wanted.lapsed_days, by, now)


def _told(row: BaseProgramme | None) -> RecordedFacts:
    """What the record of changes tells of it, as people write it."""
    if row is None:
        return {}
    return {
        "back": f"{percent(row.back)} %",
        "payable": f"{percent(row.payable)} %",
        "worth": str(Money.of(row.worth, decimals(row.currency), row.currency)),
        "welcome_gift": row.welcome_gift,
        "welcome_live_days": row.welcome_live_days,
    }


def _put_gift(
    session: Session,
    programme: Programme,
    kind: MessageKind,
    gift: MessageGift | None,
    days: int,
    by: Author,
    now: datetime,
) -> None:
    """Have the built-in message come with this gift, or with none. Words that the programme wrote
    itself stay as they are, unless they speak of a gift that there is not any more."""
    present = terms.of_programme(session, programme.id)[kind]
    if gift is None and (present.gift is None or not present.on):
        return
    unit = units.named(session, programme.id, None)
    days_ = days or None
    wanted = replace(present, gift=gift, days=days_, on=True)
    if gift is None:
        wanted = replace(wanted, days=present.days)
    wanted = replace(wanted, texts=_texts(programme.languages, unit, kind, present, wanted))
    if wanted == present:
        return
    terms.decide(session, programme, kind, wanted, by, now)


def _texts(
    spoken: Sequence[str], unit: Unit, kind: MessageKind, present: Wanted, wanted: Wanted
) -> dict[str, str]:
    def usual(one: Wanted) -> dict[str, str]:
        has_gift = one.gift is not None
        return terms.standard(kind, unit, spoken, with_gift=has_gift, days=one.days).texts

    is_own = present.texts != usual(present)
    if is_own and (wanted.gift is not None or not wording.mentions(present.texts, wording.GIFT)):
        return present.texts
    return usual(wanted)


def sentences(session: Session, programme: Programme, wanted: BaseChoice) -> dict[str, str]:
    """The base programme in one sentence, in each language of the programme that our own words are
    in."""
    spoken = languages.own_words(programme.languages)
    return {tag: sentence(session, programme, wanted, one) for tag, one in spoken.items()}


def sentence(
    session: Session,
    programme: Programme,
    wanted: BaseChoice,
    language: Language,
    called: Called | None = None,
) -> str:
    """The base programme in one sentence. `called`: what a member would be called, if that is to
    change. Raises what `rates` raises."""
    unit = units.named(session, programme.id, None)
    known = rates(unit, wanted.terms)
    who = called or programme.called
    return base_words.sentence(known, unit.kind, wanted.live_days, who, language)


def welcome(session: Session, programme: Programme, language: Language) -> str:
    """What a new member is welcomed with, as a sentence; empty for nothing."""
    base = base_terms.of(session, programme.id)
    if base is None or base.welcome_gift is None:
        return ""
    unit = units.named(session, programme.id, None)
    return base_words.welcome(unit.amount(base.welcome_gift), unit.kind, language)


def what_one_gets(session: Session, programme: Programme, language: str) -> str:
    """What makes people join, in one of the programme's languages: the operator's own sentence, or
    else what the base programme gives; empty where there is neither in this language."""
    own = programmes.said(session, programme.id, "benefit", language)
    if own is not None and own.text and own.language == language:
        return own.text
    if languages.best(LANGUAGES, language) is None:
        return ""
    return to_join(session, programme, languages.ours(language))


def to_join(session: Session, programme: Programme, language: Language) -> str:
    """What one gets who joins, as the base programme has it; empty where nobody has set one, or it
    gives nothing."""
    base = of(session, programme)
    if base is None:
        return ""
    unit = units.named(session, programme.id, None)
    earned = base_words.to_join(rates(unit, base.terms), unit.kind, language)
    return f"{welcome(session, programme, language)} {earned}".strip()


def gives_for_birthday(session: Session, programme: Programme) -> bool:
    """Whether members are given something for their birthday."""
    message = terms.of_programme(session, programme.id)["birthday"]
    return message.on and message.gift is not None


def rates(unit: Unit, chosen: BaseTerms) -> Rates:
    """By what purchases would earn with these terms. Raises `TooManyDecimals`, `AmountTooLarge`."""
    worth = chosen.worth or Money("1", unit.currency or "RUB")
    places = decimals(worth.currency)
    return Rates(
        chosen.back, chosen.payable, worth.points(places), worth.currency, scale=unit.scale
    )
