"""Members in lists, as they are sent: see `wallet.people.listing`."""

from collections.abc import Sequence

import orjson
from flask import Response

from ledger.book.roster import ListedMember
from wallet.access.files import AS_ELSEWHERE, ListItem
from wallet.api import paging
from wallet.api.idempotent import MEDIA_TYPE
from wallet.api.paging import Page


def position(member: ListedMember) -> tuple[int, int]:
    """Where a member stands in a list."""
    return paging.at_moment(*member.place)


def answer(page: Page[ListedMember], listed: Sequence[ListItem]) -> Response:
    """A page of a list as it is sent."""
    body = {"items": listed, "next_cursor": page.next_cursor}
    return Response(orjson.dumps(body, option=AS_ELSEWHERE), mimetype=MEDIA_TYPE)
