"""Members in lists and exports. What `members` answers for one of them, without the links: whoever
has a link sees the card, and a list would hand them out by the thousand.

It is written without models, which would take longer than all the rest of such an answer. A test
holds it to the model `MemberInFull`."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import orjson
from flask import Response

from ledger.book.accounts import Balance
from ledger.book.roster import HeldConsent, ListedMember
from ledger.programmes.units import Unit
from wallet.api import paging
from wallet.api.amounts import balance_out
from wallet.api.idempotent import MEDIA_TYPE
from wallet.api.paging import Page

ListItem = dict[str, Any]

AS_ELSEWHERE = orjson.OPT_UTC_Z  # moments as models write them


def position(member: ListedMember) -> tuple[int, int]:
    """Where a member stands in a list."""
    return paging.at_moment(*member.place)


def items(rows: Sequence[ListedMember], programme: str, unit: Unit) -> list[ListItem]:
    """Members as they stand in a list, with as much of the person as the rows have."""
    balance_of = _in_points if unit.currency is None else partial(_in_money, unit)
    return [_item(row, programme, balance_of(row.balance)) for row in rows]


def answer(page: Page[ListedMember], listed: Sequence[ListItem]) -> Response:
    """A page of a list as it is sent."""
    body = {"items": listed, "next_cursor": page.next_cursor}
    return Response(orjson.dumps(body, option=AS_ELSEWHERE), mimetype=MEDIA_TYPE)


def _item(row: ListedMember, programme: str, balance: ListItem) -> ListItem:
    item = {
        "id": row.id,
        "programme": programme,
        "card": {"number": row.card, "barcode": row.card, "state": row.card_state},
        "balance": balance,
        "created_at": row.place[0],
        "state": row.state,
        "merged_into": row.merged_into,
        "household": row.household,
    }
    if (person := row.person) is not None:
        item |= {
            "name": person.name,
            "phone": person.phone,
            "email": person.email,
            "birthday": person.birthday,
            "locale": person.locale,
            "external_id": person.external_id,
            "consents": [_consent(one) for one in person.consents],
        }
    return item


def _in_money(unit: Unit, balance: Balance) -> ListItem:
    return balance_out(balance, unit).model_dump()


def _in_points(balance: Balance) -> ListItem:
    return {
        "available": balance.available,
        "pending": balance.pending,
        "held": balance.held,
        "debt": balance.debt,
    }


def _consent(row: HeldConsent) -> ListItem:
    return {
        "purpose": row.purpose,
        "given": row.given,
        "text_version": row.text_version,
        "source": row.source,
        "origin": row.origin,
        "at": row.happened_at,
    }
