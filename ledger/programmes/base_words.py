"""The base programme in one sentence, as the shop's people and its customers would say it. Pure."""

import re
from dataclasses import dataclass
from decimal import Decimal

from babel import numbers

from ledger import languages, words
from ledger.languages import Language
from ledger.money import WHOLE, Money, decimals
from ledger.programmes.earning import Rates
from ledger.programmes.trades import Called

CONTEXT = "base programme"
NO_PLACES = re.compile(r"[.,]0+(?=\D*$)")
CALLED_CONTEXT = "called"  # what a member is called, as the first word of a sentence
EARNING = {(True, True): "earns_and_pays", (True, False): "earns", (False, True): "pays"}
NEITHER = "neither"
OF = {"points": "", "money": " of money", "stamps": " of stamps"}  # by the kind of the unit
WORTH, LIVES, FOR_EVER = "worth", "lives", "for_ever"
# Codes of the catalogue; those of `COUNTING` agree with the number of days.
CODES = (
    *(f"{code}{of}" for code in (*EARNING.values(), NEITHER) for of in ("", " of money")),
    WORTH,
    *(f"{FOR_EVER}{of}" for of in ("", " of money", " of stamps")),
)
COUNTING = tuple(f"{LIVES}{of}" for of in ("", " of money", " of stamps"))

# The same, said to somebody who thinks of joining.
TO_JOIN_CONTEXT = "base programme to who may join"
WELCOME = "welcome"
TO_JOIN_CODES = (
    *(f"{code}{of}" for code in EARNING.values() for of in ("", " of money")),
    f"{WELCOME} of money",
    WORTH,
)
TO_JOIN_COUNTING = (WELCOME, f"{WELCOME} of stamps")


@dataclass(frozen=True, slots=True)
class PercentOf:
    """So many hundredths of a percent, written as readers of a language write a percent."""

    size: int

    def written(self, language: str) -> str:
        """Such as 5 %, with the space that the language puts there."""
        return numbers.format_percent(
            Decimal(self.size) / WHOLE,
            locale=languages.locale(language),
            decimal_quantization=False,
        )


def sentence(
    rates: Rates, kind: str, live_days: int | None, called: Called, language: Language
) -> str:
    """What a purchase earns, how much points may pay, what one pays, and how long they live.
    `kind`: of the unit; `live_days`: None for ever."""
    catalogue = words.catalogue("ledger")
    of = OF[kind]
    facts = {
        "who": catalogue.text(language, called, CALLED_CONTEXT),
        "back": PercentOf(rates.back),
        "payable": PercentOf(rates.payable),
        "worth": RoundMoney(Money.of(rates.worth, decimals(rates.currency), rates.currency)),
        "days": live_days or 0,
    }
    said = []
    if kind != "stamps":
        earning = EARNING.get((rates.back > 0, rates.payable > 0), NEITHER)
        said.append(catalogue.sentence(language, f"{earning}{of}", facts, CONTEXT))
    if kind == "points" and (rates.back or rates.payable):
        said.append(catalogue.sentence(language, WORTH, facts, CONTEXT))
    lives = FOR_EVER if live_days is None else LIVES
    said.append(catalogue.sentence(language, f"{lives}{of}", facts, CONTEXT, live_days))
    text = ", ".join(said)
    return f"{text[:1].upper()}{text[1:]}."


def welcome(gift: int | Money, kind: str, language: Language) -> str:
    """What a new member is welcomed with, as a sentence: so many points, or money."""
    count = None if isinstance(gift, Money) else gift
    facts = {"gift": RoundMoney(gift) if isinstance(gift, Money) else gift}
    code = f"{WELCOME}{OF[kind]}"
    said = words.catalogue("ledger").sentence(language, code, facts, TO_JOIN_CONTEXT, count)
    return f"{said}."


def to_join(rates: Rates, kind: str, language: Language) -> str:
    """What purchases earn and what that pays, said to somebody who thinks of joining; empty where
    they earn nothing and nothing can be paid."""
    earning = EARNING.get((rates.back > 0, rates.payable > 0))
    if earning is None or kind == "stamps":
        return ""
    facts = {
        "back": PercentOf(rates.back),
        "payable": PercentOf(rates.payable),
        "worth": RoundMoney(Money.of(rates.worth, decimals(rates.currency), rates.currency)),
    }
    codes = [f"{earning}{OF[kind]}", *([WORTH] if kind == "points" else [])]
    catalogue = words.catalogue("ledger")
    said = (catalogue.sentence(language, code, facts, TO_JOIN_CONTEXT) for code in codes)
    return " ".join(f"{one}." for one in said)


@dataclass(frozen=True, slots=True)
class RoundMoney:
    """Money, written without decimals where they say nothing: 1 ₽, but 1,50 ₽."""

    money: Money

    def written(self, language: str) -> str:
        """As readers of that language write it."""
        text, (_, _, places) = self.money.written(language), self.money.amount.partition(".")
        return text if places.strip("0") or not places else NO_PLACES.sub("", text)
