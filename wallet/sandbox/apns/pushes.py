"""One push as Apple looks at it: what it would refuse, and with which reason."""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field

MAX_PAYLOAD_BYTES = 4096

DEVICE_PATH = "/3/device/"
# Apple's tokens are hexadecimal, but Apple says not to rely on it, so a person who tries the
# sandbox by hand may register any word. A token that Apple would not know is a fault that can be
# ordered.
TOKEN = re.compile(r"[A-Za-z0-9._~-]{1,200}")
DECIMAL = re.compile(r"[0-9]+")
UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
PUSH_TYPES = frozenset(
    {"alert", "background", "complication", "controls", "fileprovider", "liveactivity"}
    | {"location", "mdm", "pushtotalk", "voip", "widgets"}
)


@dataclass(frozen=True, slots=True)
class PushAnswer:
    """Apple's answer to one push. The timestamp, in milliseconds, comes with 410 alone."""

    status: int
    reason: str = ""
    timestamp: int | None = None

    def body(self) -> bytes:
        facts = {"reason": self.reason, "timestamp": self.timestamp}
        return json.dumps({name: fact for name, fact in facts.items() if fact is not None}).encode()


@dataclass(slots=True)
class Push:
    """A push as it arrives. `is_garbled`: one of Apple's headers came twice."""

    headers: dict[str, str]
    is_garbled: bool
    body: bytearray = field(default_factory=bytearray)

    @classmethod
    def begin(cls, pairs: Iterable[tuple[bytes, bytes]]) -> "Push":
        names = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in pairs]
        apples = [name for name, _ in names if name.startswith("apns-")]
        return cls(dict(names), len(apples) != len(set(apples)))

    @property
    def token(self) -> str:
        return self.headers.get(":path", "").removeprefix(DEVICE_PATH)

    def objection(self) -> PushAnswer | None:
        """The first thing that Apple would refuse, no matter who pushes."""
        headers = self.headers
        kind, priority = headers.get("apns-push-type", "alert"), headers.get("apns-priority")
        at_once_in_background = (kind, priority) == ("background", "10")
        table = (
            (not headers.get(":path", "").startswith(DEVICE_PATH), 404, "BadPath"),
            (headers.get(":method") != "POST", 405, "MethodNotAllowed"),
            (not self.token, 400, "MissingDeviceToken"),
            (not TOKEN.fullmatch(self.token), 400, "BadDeviceToken"),
            (self.is_garbled, 400, "DuplicateHeaders"),
            (kind not in PUSH_TYPES, 400, "InvalidPushType"),
            (priority not in {None, "1", "5", "10"} or at_once_in_background, 400, "BadPriority"),
            (
                not DECIMAL.fullmatch(headers.get("apns-expiration", "0")),
                400,
                "BadExpirationDate",
            ),
            (len(headers.get("apns-collapse-id", "")) > 64, 400, "BadCollapseId"),
            (
                "apns-id" in headers and not UUID.fullmatch(headers["apns-id"]),
                400,
                "BadMessageId",
            ),
            (len(self.body) > MAX_PAYLOAD_BYTES, 413, "PayloadTooLarge"),
            (not _is_dictionary(self.body), 400, "PayloadEmpty"),
        )
        return next((PushAnswer(status, reason) for wrong, status, reason in table if wrong), None)


def _is_dictionary(body: bytearray) -> bool:
    try:
        return isinstance(json.loads(body), dict)
    except ValueError:
        return False
