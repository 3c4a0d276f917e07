"""Conditions that say which members are meant, as people read and choose them: a tree in words, its
parts as chips, and a form for each kind of part."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

import orjson
from pydantic import ValidationError

from ledger.money import Money
from ledger.programmes.units import Unit
from ledger.segments import documents
from ledger.segments.kinds.activity import Activity
from ledger.segments.kinds.all_of import All
from ledger.segments.kinds.any_of import AnyOf
from ledger.segments.kinds.balance import Points
from ledger.segments.kinds.everyone import Everyone
from ledger.segments.kinds.joined import JoinedSince
from ledger.segments.kinds.negation import Not
from ledger.segments.kinds.purchase import Purchase
from ledger.segments.registry import Segment
from wallet.outreach.in_phone import InPhone
from wallet.pages import language
from wallet.pages.language import counted
from wallet.pages.language import gettext as _

LONGEST_TREE = 4_000  # characters, in an address
MOST_DAYS = 3_650

FieldName = Literal["number", "days", "store", "amount", "wallet"]


@dataclass(frozen=True, slots=True)
class Reading:
    """For whom a tree is said: in which unit points are, and by which clock moments."""

    unit: Unit
    timezone: str


@dataclass(frozen=True, slots=True)
class ConditionChip:
    """A part of a tree that all have to fulfil, in words; `without` is the tree without it."""

    words: str
    without: Segment


@dataclass(frozen=True, slots=True)
class ConditionKind:
    """One kind of condition as a person chooses it: its name, which fields its form has, and the
    document that they make."""

    name: str
    words: str
    fields: tuple[FieldName, ...]
    document: Callable[[Mapping[str, Any]], dict[str, Any]] = field(repr=False)


def _not(document: dict[str, Any]) -> dict[str, Any]:
    return {"kind": "not", "of": document}


def _bought(values: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "kind": "purchase",
        **{name: values[name] for name in ("days", "store") if values.get(name)},
    }


def kinds(unit: Unit) -> Sequence[ConditionKind]:
    """The kinds in the order in which a form offers them."""
    paid = {"currency": unit.currency or "RUB"}
    return (
        ConditionKind(
            "balance_from",
            _("Balance from"),
            ("number",),
            lambda v: {"kind": "balance", "at_least": v["number"]},
        ),
        ConditionKind(
            "balance_to",
            _("Balance up to"),
            ("number",),
            lambda v: {"kind": "balance", "at_most": v["number"]},
        ),
        ConditionKind("bought", _("Bought within"), ("days", "store"), _bought),
        ConditionKind(
            "not_bought",
            _("Did not buy within"),
            ("days", "store"),
            lambda v: _not(_bought(v)),
        ),
        ConditionKind(
            "paid",
            _("Paid in all at least"),
            ("amount", "days"),
            lambda v: {**_bought(v), "at_least": {"amount": v["amount"], **paid}},
        ),
        ConditionKind(
            "active",
            _("Earned or spent points within"),
            ("days",),
            lambda v: {"kind": "activity", "days": v["days"]},
        ),
        ConditionKind(
            "not_active",
            _("Neither earned nor spent within"),
            ("days",),
            lambda v: _not({"kind": "activity", "days": v["days"]}),
        ),
        ConditionKind(
            "card",
            _("Card in a phone"),
            ("wallet",),
            lambda v: {"kind": "card", "wallet": v["wallet"]},
        ),
        ConditionKind("no_card", _("No card in a phone"), (), lambda _v: _not({"kind": "card"})),
        ConditionKind(
            "joined",
            _("Joined within"),
            ("days",),
            lambda v: {"kind": "joined", "days": v["days"]},
        ),
        ConditionKind("agreed", _("Agreed to messages"), (), lambda _v: {"kind": "consent"}),
        ConditionKind(
            "not_agreed",
            _("Did not agree to messages"),
            (),
            lambda _v: _not({"kind": "consent"}),
        ),
    )


def read(text: str) -> Segment | None:
    """The tree that an address holds; None if it holds none, or none of ours."""
    if not text or len(text) > LONGEST_TREE:
        return None
    try:
        return documents.read(orjson.loads(text))
    except (orjson.JSONDecodeError, ValidationError):
        return None


def written(tree: Segment) -> str:
    """The tree as an address holds it."""
    return orjson.dumps(documents.stored(tree)).decode()


def parts(tree: Segment) -> Sequence[Segment]:
    """The conditions that all members of the tree have to fulfil."""
    match tree:
        case Everyone():
            return []
        case All():
            return tree.of
    return [tree]


def of_parts(conditions: Sequence[Segment]) -> Segment:
    """The tree of all of these."""
    if not conditions:
        return documents.EVERYONE
    if len(conditions) == 1:
        return conditions[0]
    return documents.read({"kind": "all", "of": [documents.stored(one) for one in conditions]})


def chips(tree: Segment, reading: Reading) -> list[ConditionChip]:
    """The parts of a tree, each with its words and the tree without it."""
    every = parts(tree)
    return [
        ConditionChip(in_words(one, reading), of_parts([*every[:at], *every[at + 1 :]]))
        for at, one in enumerate(every)
    ]


def sentence(tree: Segment, reading: Reading) -> str:
    """All of a tree in one line, such as "balance from 500 points · no card in a phone"."""
    return " · ".join(in_words(one, reading) for one in parts(tree)) or _("everyone")


def in_words(tree: Segment, reading: Reading) -> str:
    """One condition in words."""
    return _SAID[tree.kind](tree, reading)


def _joined(of: Sequence[Segment], between: str, reading: Reading) -> str:
    return f" {between} ".join(
        f"({words})" if isinstance(one, All | AnyOf) else words
        for one in of
        for words in [in_words(one, reading)]
    )


def _denied(tree: Not, reading: Reading) -> str:
    """The opposite of a condition, where it has words of its own."""
    said = _DENIED.get(tree.of.kind)
    return _other(tree.of, reading) if said is None else said(tree.of, reading)


def _other(tree: Segment, reading: Reading) -> str:
    return _("not: %(words)s", words=in_words(tree, reading))


def _no_card(tree: InPhone, _reading: Reading) -> str:
    if tree.wallet == "apple":
        return _("no card in Apple Wallet")
    if tree.wallet == "google":
        return _("no card in Google Wallet")
    return _("no card in a phone")


def _joined_before(tree: JoinedSince, reading: Reading) -> str:
    if tree.days is not None:
        return _("joined more than %(days)s ago", days=_days(tree.days))
    if tree.since is not None:
        return _("joined before %(day)s", day=_day(tree.since, reading))
    return _("nobody")


def _balance(tree: Points, reading: Reading) -> str:
    unit = reading.unit
    least, most = tree.at_least, tree.at_most
    if least is not None and most is not None:
        return _(
            "balance from %(least)s to %(most)s",
            least=language.amount(unit, least),
            most=language.amount(unit, most),
        )
    if least is not None:
        return _("balance from %(points)s", points=language.amount(unit, least))
    if most is not None:
        return _("balance up to %(points)s", points=language.amount(unit, most))
    return _("any balance")


def _purchase(tree: Purchase, reading: Reading) -> str:
    if tree.at_least is not None:
        paid = Money(tree.at_least.amount, tree.at_least.currency).written(language.current())
        if tree.days is not None:
            said = _("paid %(money)s or more in %(days)s", money=paid, days=_days(tree.days))
        elif tree.since is not None:
            day = _day(tree.since, reading)
            said = _("paid %(money)s or more since %(day)s", money=paid, day=day)
        else:
            said = _("paid %(money)s or more in all", money=paid)
    elif tree.days is not None:
        said = _("bought within %(days)s", days=_days(tree.days))
    elif tree.since is not None:
        said = _("bought since %(day)s", day=_day(tree.since, reading))
    else:
        said = _("bought something")
    return _in_store(said, tree.store)


def _no_purchase(tree: Purchase, reading: Reading) -> str:
    if tree.at_least is not None:
        return _("not: %(words)s", words=_purchase(tree, reading))
    if tree.days is not None:
        said = _("no purchase within %(days)s", days=_days(tree.days))
    elif tree.since is not None:
        said = _("no purchase since %(day)s", day=_day(tree.since, reading))
    else:
        said = _("never bought anything")
    return _in_store(said, tree.store)


def _in_store(said: str, store: str | None) -> str:
    return said if store is None else _("%(words)s in store %(store)s", words=said, store=store)


def _activity(tree: Activity, reading: Reading) -> str:
    if tree.days is not None:
        return _("earned or spent points within %(days)s", days=_days(tree.days))
    if tree.since is not None:
        return _("earned or spent points since %(day)s", day=_day(tree.since, reading))
    return _("earned or spent points")


def _no_activity(tree: Activity, reading: Reading) -> str:
    if tree.days is not None:
        return _("no points earned or spent within %(days)s", days=_days(tree.days))
    if tree.since is not None:
        return _("no points earned or spent since %(day)s", day=_day(tree.since, reading))
    return _("never earned or spent points")


def _in_phone(tree: InPhone, _reading: Reading) -> str:
    if tree.wallet == "apple":
        return _("card in Apple Wallet")
    if tree.wallet == "google":
        return _("card in Google Wallet")
    return _("card in a phone")


def _since(tree: JoinedSince, reading: Reading) -> str:
    if tree.days is not None:
        return _("joined within %(days)s", days=_days(tree.days))
    if tree.since is not None:
        return _("joined since %(day)s", day=_day(tree.since, reading))
    return _("joined at any time")


def _days(count: int) -> str:
    return counted("%(count)s day", "%(count)s days", count)


def _day(moment: datetime, reading: Reading) -> str:
    return language.day(moment, reading.timezone)


_SAID: Mapping[str, Callable[[Any, Reading], str]] = {
    "everyone": lambda _tree, _reading: _("everyone"),
    "all": lambda tree, reading: _joined(tree.of, _("and"), reading),
    "any": lambda tree, reading: _joined(tree.of, _("or"), reading),
    "not": _denied,
    "balance": _balance,
    "purchase": _purchase,
    "activity": _activity,
    "card": _in_phone,
    "joined": _since,
    "consent": lambda _tree, _reading: _("agreed to messages"),
    "listed": lambda tree, _reading: _("on the list “%(name)s”", name=tree.list),
}
_DENIED: Mapping[str, Callable[[Any, Reading], str]] = {
    "everyone": lambda _tree, _reading: _("nobody"),
    "not": lambda tree, reading: in_words(tree.of, reading),
    "purchase": _no_purchase,
    "activity": _no_activity,
    "card": _no_card,
    "joined": _joined_before,
    "consent": lambda _tree, _reading: _("did not agree to messages"),
    "listed": lambda tree, _reading: _("not on the list “%(name)s”", name=tree.list),
}
