"""What tests of the pages about members share."""

import re
from urllib.parse import quote

from visitors import HOME

MEMBERS = f"{HOME}members"
RICH = quote('{"kind":"balance","at_least":500}')
AGREED = quote('{"kind":"consent"}')
LINKS = re.compile(r'href="(/console/programmes/demo/[^"#]+)"')


def give(api, member: dict, points: int, **more: object) -> None:
    """Points for a member, as a till gives them."""
    assert (
        api.post("accruals", {"member": member["id"], "points": points, **more}).status_code < 300
    )
