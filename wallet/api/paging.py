"""Page marks: `next_cursor` of one page is `cursor` of the next, and nobody else's business."""

import base64
import binascii

from wallet.problems import refuse


def to_cursor(position: int) -> str:
    return base64.urlsafe_b64encode(str(position).encode()).rstrip(b"=").decode()


def from_cursor(cursor: str | None) -> int | None:
    """The position, or None for the first page. 422 for a mark that we did not make."""
    if cursor is None:
        return None
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        position = int(base64.urlsafe_b64decode(padded).decode("ascii"))
    except (binascii.Error, ValueError):
        position = -1
    if not 0 <= position < 2**63:
        refuse(422, "cursor_invalid", "Use next_cursor of the page before, as it is.")
    return position
