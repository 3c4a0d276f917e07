"""Examples in the API's document: how a model shows them, and what they are all about.

A model that a call takes or answers says with `model_config = shows(...)` what it looks like. Where
a view has something else to show, it names the example itself (`example=` of input and output)."""

from typing import Any

from pydantic import ConfigDict

Example = dict[str, Any]

# The same member, card and posting in all of them, so that they read as one story.
CARD = "7167993484019286"
MEMBER_ID = "01a20f22-e6c7-77b8-8c9e-bf842686aa7e"
OTHER_MEMBER_ID = "01a20f22-ef01-7d20-8b11-6a2f9d4e5c40"
POSTING_ID = "01a20f22-e854-7493-982b-a92daf507b36"
OFFER_ID = "01a20f22-e8b2-70f7-803f-f892725756e7"


def shows(example: Example, in_money: Example | None = None) -> ConfigDict:
    """The settings that give a model its example; `in_money` is one more, for programmes that count
    money."""
    examples: list[Any] = [example] if in_money is None else [example, in_money]
    return ConfigDict(json_schema_extra={"examples": examples})


def page_of(item: Example) -> Example:
    """The example of a list with this one item."""
    return {"items": [item], "next_cursor": None}


def in_points_and_money(points: Example, money: Example) -> dict[str, Any]:
    """Two examples under the names `points` and `money`, as OpenAPI writes several of them."""
    return {"points": {"value": points}, "money": {"value": money}}


def rub(amount: str) -> Example:
    """An amount of roubles, such as `199.90`, as an answer has it."""
    return {"amount": amount, "currency": "RUB"}


def balance_in_rub(**amounts: str) -> Example:
    """The example of a balance in a programme that counts money: in kopecks, and beside them as
    money. Parts that are not named are zero."""
    roubles = {name: amounts.get(name, "0.00") for name in ("available", "pending", "held", "debt")}
    return {
        **{name: int(amount.replace(".", "")) for name, amount in roubles.items()},
        **{f"{name}_money": rub(amount) for name, amount in roubles.items()},
    }
