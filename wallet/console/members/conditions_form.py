"""The form of one condition: what was typed for it, and the tree with it."""

from typing import Any

from pydantic import ValidationError

from ledger import words
from ledger.programmes.units import Unit
from ledger.segments import documents
from ledger.segments.registry import Segment
from wallet.console.forms import FORM, FormEntries
from wallet.console.members import conditions, people
from wallet.console.members.conditions import ConditionKind
from wallet.pages import language
from wallet.pages.language import gettext as _


def added(entries: FormEntries, kind: ConditionKind, unit: Unit, tree: Segment) -> Segment | None:
    """The tree, and the condition that was typed; None if that is none, which the entries then
    say."""
    values = _values(entries, kind, unit)
    if not entries.fit:
        return None
    try:
        one = documents.read(kind.document(values))
        return conditions.of_parts([*conditions.parts(tree), one])
    except ValidationError:
        entries.refuse(FORM, _("This condition does not fit. Check its values."))
        return None


def _values(entries: FormEntries, kind: ConditionKind, unit: Unit) -> dict[str, Any]:
    """What was typed for a condition, by the names of its fields."""
    values: dict[str, Any] = {}
    for name in kind.fields:
        if name == "number":
            values[name] = people.typed_amount(entries, name, unit)
        elif name == "days":
            values[name] = entries.whole(name)
            if values[name] is not None and not 1 <= values[name] <= conditions.MOST_DAYS:
                most = words.number_in(language.current(), conditions.MOST_DAYS)
                entries.refuse(name, _("From 1 to %(most)s days.", most=most))
        elif name == "store":
            values[name] = entries.text(name, required=False, most=100) or None
        elif name == "amount":
            values[name] = entries.text(name, most=20).replace(",", ".").replace(" ", "")
        else:
            values[name] = entries.choice(name, ("any", "apple", "google"))
    return values
