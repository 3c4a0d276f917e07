"""What a cashier reads of a priced receipt, and a customer at its foot: sentences of at most 40
signs. They are made when somebody reads them, in the reader's language, from codes and facts.
Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import cast, get_args

from ledger import languages, words
from ledger.languages import Language
from ledger.money import Money, decimals
from ledger.programmes.base_words import PercentOf, RoundMoney
from ledger.promotions.quotes import (
    EnteredCode,
    LineReason,
    PointsReason,
    PromisedPresent,
    PromotionOutcome,
    Quote,
    ReasonCode,
)
from ledger.promotions.worksheet import Limit

CONTEXT = "at the till"
MOST_SIGNS = 40
SHORTEST_NAME = 4  # of a name that has less room nothing could be read
CUT = "…"

GAVE, CLOSE, LOST = "gave", "close", "lost"
DAY = "day"  # the fact that is a date
APPLIED, APPLIED_OFF = "applied", "applied off"
LIMITED: Mapping[str, str] = {limit: f"limited by {limit}" for limit in get_args(Limit)}
REACHED: Mapping[str, str] = {limit: f"{limit} is reached" for limit in get_args(Limit)}
CODE_APPLIED, CODE_UNUSED, CODE_UNKNOWN = "code applied", "code unused", "code unknown"
PRESENT, BASE = "present", "base programme"
CONFLICTS: Mapping[str, str] = {
    "points": "fewer points were there",
    "rewards": "fewer rewards were bought",
    "gift_cards": "gift cards paid less",
    "card": "the card is not valid",
    "clock": "the clock was wrong",
}
INSTEAD = "instead"  # of a line: which promotion has it in place of another
SAVED, STORED_LEFT = "slip saved", "slip left on gift cards"
# Of points at the foot of a receipt, by the kind of the unit.
OF = {"points": "", "money": " of money", "stamps": " of stamps"}
SPENT, EARNED, LEFT = "slip spent", "slip earned", "slip left"

# Why a condition is not met: the codes of `Unmet`.
UNMET = (
    "costs_too_little",
    "costs_too_much",
    "elsewhere",
    "goods_missing",
    "met_what_excludes",
    "no_birthday",
    "no_code",
    "no_member",
    "not_yet",
    "other_currency",
    "other_hours",
    "other_members",
    "other_purchase",
    "other_weekday",
    "over",
    "paid_otherwise",
    "too_many_units",
)
UNMET_COUNTING = ("for_points", "too_few_points", "too_few_units")
# Where somebody is close, the words tell what is missing.
CLOSE_AS = {
    "costs_too_little": "close by money",
    "for_points": "close by points",
    "too_few_units": "close by units",
}

# Codes of the catalogue; those of `COUNTING` agree with a number.
CODES = tuple(
    dict.fromkeys(
        (
            *(code for code in get_args(ReasonCode) if code not in (GAVE, "limited")),
            *(APPLIED, APPLIED_OFF, LOST, "limit_reached", "not_met", "not_now", "nothing_to_take"),
            *LIMITED.values(),
            *REACHED.values(),
            *UNMET,
            CLOSE_AS["costs_too_little"],
            *CONFLICTS.values(),
            *(
                CODE_APPLIED,
                CODE_UNUSED,
                CODE_UNKNOWN,
                PRESENT,
                BASE,
                INSTEAD,
                SAVED,
                STORED_LEFT,
            ),
            *(f"{code}{of}" for code in (SPENT, EARNED, LEFT) for of in OF.values()),
        )
    )
)
COUNTING = (*UNMET_COUNTING, CLOSE_AS["too_few_units"], CLOSE_AS["for_points"])


@dataclass(frozen=True, slots=True)
class TillReader:
    """Who reads it: in which language and currency. `names`: of the promotions, by code."""

    language: Language
    currency: str
    names: Mapping[str, str | languages.Texts]

    def name(self, promotion: str | None) -> str:
        """What a promotion is called; its code if it has no name here."""
        named = self.names.get(promotion or "", promotion or "")
        return named if isinstance(named, str) else languages.said(named, self.language)


@dataclass(frozen=True, slots=True)
class Purse:
    """What a member has: `left` in the smallest pieces of a unit of this kind, None where it is not
    told. `scale`: decimal places; `currency`: of money."""

    kind: str
    scale: int
    currency: str | None
    left: int | None


def line_reason(reason: LineReason, reader: TillReader) -> str:
    """Why a line costs what it does."""
    name = reader.name(reason.promotion)
    match reason.code:
        case "limited":
            return _limited(LIMITED, str(reason.facts["limit"]), reason.facts, reader)
        case "gave":
            off = f": {_off(reason.amount, reader).written(reader.language)}"
            return f"{_cut(name, MOST_SIGNS - len(off))}{off}"
        case "lost":
            return _instead(name, reader.name(str(reason.facts["to"])), reader)
        case "close":
            return _close(str(reason.facts.get("code")), reason.facts, name, reader)
        case "deviates":
            odd = cast(int, reason.facts["off"])
            return _said(reader, reason.code, {"amount": _off(odd, reader)})
    return _said(reader, reason.code, {}, name)


def slip(quote: Quote, purse: Purse | None, reader: TillReader) -> list[str]:
    """Lines for the foot of the receipt: what was saved, what is left on gift cards; and
    what is spent and earned in points, and left then. Without a purse nothing is said of points."""
    lines: list[str] = []
    if saved := quote.given + quote.discount:
        lines.append(_said(reader, SAVED, {"amount": _off(-saved, reader)}))
    if quote.stored:
        money = sum(one.left for one in quote.stored)
        lines.append(_said(reader, STORED_LEFT, {"amount": _off(-money, reader)}))
    if purse is None:
        return lines
    left = None if purse.left is None else max(0, purse.left - quote.spent)
    for code, pieces in ((SPENT, quote.spent), (EARNED, quote.earned), (LEFT, left)):
        if pieces or (code == LEFT and pieces is not None):
            facts = {"number": _counted(pieces or 0, purse)}
            lines.append(_said(reader, f"{code}{OF[purse.kind]}", facts))
    return lines


def outcome(told: PromotionOutcome, reader: TillReader) -> str:
    """What became of a promotion, and why."""
    name = reader.name(told.promotion)
    match told.outcome:
        case "applied" if told.code in LIMITED:
            return _limited(LIMITED, str(told.code), told.facts, reader)
        case "applied":
            facts = {"amount": _off(told.amount, reader)}
            return _said(reader, APPLIED_OFF if told.amount else APPLIED, facts)
        case "lost":
            return _said(reader, LOST, {}, reader.name(told.lost_to))
        case "nothing_to_take" if told.code in REACHED:
            return _limited(REACHED, str(told.code), told.facts, reader)
        case "limit_reached" | "nothing_to_take":
            return _said(reader, told.outcome, {})
    if told.outcome == CLOSE:
        return _close(told.code or "", told.facts, name, reader)
    # It may be of a kind from an installed package.
    code = told.code if told.code in (*UNMET, *UNMET_COUNTING) else told.outcome
    return _said(reader, code, told.facts, name)


def points_reason(reason: PointsReason, reader: TillReader) -> str:
    """What points are for."""
    if reason.promotion is None:
        return _said(reader, BASE, {})
    return _cut(reader.name(reason.promotion), MOST_SIGNS)


def present(promised: PromisedPresent, reader: TillReader) -> str:
    """What is handed out, for which promotion."""
    return _said(reader, PRESENT, {}, reader.name(promised.promotion))


def entered_code(
    entered: EnteredCode, outcomes: Sequence[PromotionOutcome], reader: TillReader
) -> str:
    """What became of a code that was typed or scanned: for which promotion it counted, or why for
    none."""
    match entered.state:
        case "applied":
            return _said(reader, CODE_APPLIED, {}, reader.name(entered.promotion))
        case "unknown":
            return _said(reader, CODE_UNKNOWN, {})
    why = next((one for one in outcomes if one.promotion == entered.promotion), None)
    return _said(reader, CODE_UNUSED, {}) if why is None else outcome(why, reader)


def conflict(code: str, facts: Mapping[str, object], reader: TillReader) -> str:
    """What could not be as the till told it, of a receipt that was paid."""
    return _said(reader, CONFLICTS[code], facts)


def _close(code: str, facts: Mapping[str, object], name: str, reader: TillReader) -> str:
    """What is missing; that something is, of a code that nobody has words for."""
    said = CLOSE_AS.get(code, code if code in (*UNMET, *UNMET_COUNTING) else CLOSE)
    return _said(reader, said, facts, name)


def _instead(name: str, winner: str, reader: TillReader) -> str:
    """Two names in one sentence: the longer one is cut first."""

    def sentence(loser: str, other: str) -> str:
        facts = {"name": loser, "winner": other}
        return words.catalogue("ledger").sentence(reader.language, INSTEAD, facts, CONTEXT)

    room = MOST_SIGNS - len(sentence("", ""))
    half = room // 2
    of_name = max(half, room - len(winner))
    short = _cut(name, of_name)
    return sentence(short, _cut(winner, room - len(short)))


def _counted(pieces: int, purse: Purse) -> object:
    """So much of a unit, as it is written."""
    if purse.currency is not None:
        return RoundMoney(Money.of(pieces, purse.scale, purse.currency))
    return _Number(Decimal(pieces).scaleb(-purse.scale)) if purse.scale else pieces


@dataclass(frozen=True, slots=True)
class _Number:
    """A number with all its decimal places."""

    value: Decimal

    def written(self, language: str) -> str:
        return words.decimal_in(language, self.value)


def _limited(
    texts: Mapping[str, str], limit: str, facts: Mapping[str, object], reader: TillReader
) -> str:
    percent = facts.get("percent")
    return _said(reader, texts[limit], {"percent": PercentOf(cast(int, percent or 0))})


def _said(reader: TillReader, code: str, facts: Mapping[str, object], name: str = "") -> str:
    """The text of a code, with as much of the name as there is room for."""
    told = {key: _readable(key, value, reader.language) for key, value in facts.items()}
    number = facts.get("number") if code in COUNTING else None

    def sentence(called: str) -> str:
        return words.catalogue("ledger").sentence(
            reader.language, code, {**told, "name": called}, CONTEXT, cast("int | None", number)
        )

    bare = sentence("")
    if bare == sentence("-"):  # it speaks of no name
        return _cut(bare, MOST_SIGNS)
    return _cut(sentence(_cut(name, max(SHORTEST_NAME, MOST_SIGNS - len(bare)))), MOST_SIGNS)


def _readable(name: str, value: object, language: Language) -> object:
    """A fact as it is written: as the engine made it, or as JSON keeps it."""
    match value:
        case Money():
            return RoundMoney(value)
        case {"amount": str(amount), "currency": str(currency)}:
            return RoundMoney(Money(amount, currency))
        case date():
            return words.short_day_in(language, value)
        case str() if name == DAY:
            return words.short_day_in(language, date.fromisoformat(value))
    return value


def _off(amount: int, reader: TillReader) -> RoundMoney:
    places = decimals(reader.currency)
    return RoundMoney(Money.of(-amount, places, reader.currency))


def _cut(text: str, most: int) -> str:
    """At most so many signs: cut behind a word if one ends in the second half, else anywhere."""
    if len(text) <= most:
        return text
    kept = text[: most - len(CUT)]
    before, blank, _ = text[:most].rpartition(" ")
    whole = before if blank and len(before) >= most // 2 else kept
    return whole.rstrip(" ,.:;-–—«“(") + CUT
