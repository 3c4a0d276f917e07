"""What each of Apple's answers to a push means for us, as tables.

The reasons are those of Apple's "Handling notification responses from APNs"."""

from datetime import timedelta
from enum import Enum

# Reasons about tokens, in Apple's words: the push token of a phone, and our provider token.
BAD_TOKEN = "BadDeviceToken"  # noqa: S105
FOREIGN_TOKEN = "DeviceTokenNotForTopic"  # noqa: S105
EXPIRED_TOKEN = "ExpiredProviderToken"  # noqa: S105

# What Apple says of a wrong token, and of every token where topic or environment are wrong. Which
# of the two it is, no single answer can tell (`judging`).
DOUBTS = frozenset({BAD_TOKEN, FOREIGN_TOKEN})


class PushVerdict(Enum):
    """What an answer, or the lack of one, means for us."""

    TAKEN = "accepted; not that a person saw it"
    DEAD = "this token will never work again"
    WRONG = "not a token, or the environment is wrong"
    FOREIGN = "a token of another topic, or the topic is wrong"
    BUG = "we sent what Apple does not accept"
    RETRY_SOON = "the answer was lost; a second push does no harm"
    RETRY_LATER = "this one push has to wait"
    UNKNOWN_REASON = "this one push has to wait: Apple says what we have never heard"
    PAUSE = "nothing gets through just now"
    TOO_MANY_TOKENS = (
        "Apple saw too many provider tokens; does another installation use the same key?"
    )
    OPERATOR_NEEDED = (
        "nothing gets through until an operator looks at credentials, topic or environment"
    )


BY_REASON = {
    "Unregistered": PushVerdict.DEAD,
    "ExpiredToken": PushVerdict.DEAD,
    BAD_TOKEN: PushVerdict.WRONG,
    FOREIGN_TOKEN: PushVerdict.FOREIGN,
    "BadTopic": PushVerdict.OPERATOR_NEEDED,
    "MissingTopic": PushVerdict.OPERATOR_NEEDED,
    "TopicDisallowed": PushVerdict.OPERATOR_NEEDED,
    "BadCollapseId": PushVerdict.BUG,
    "BadExpirationDate": PushVerdict.BUG,
    "BadMessageId": PushVerdict.BUG,
    "BadPriority": PushVerdict.BUG,
    "DuplicateHeaders": PushVerdict.BUG,
    "InvalidPushType": PushVerdict.BUG,
    "MissingDeviceToken": PushVerdict.BUG,
    "PayloadEmpty": PushVerdict.BUG,
    "IdleTimeout": PushVerdict.RETRY_SOON,
    "TooManyProviderTokenUpdates": PushVerdict.TOO_MANY_TOKENS,
}
# For statuses whose reasons all mean the same, and for reasons that we do not know yet.
BY_STATUS = {
    200: PushVerdict.TAKEN,
    403: PushVerdict.OPERATOR_NEEDED,
    404: PushVerdict.BUG,
    405: PushVerdict.BUG,
    410: PushVerdict.DEAD,
    413: PushVerdict.BUG,
    429: PushVerdict.RETRY_LATER,
    500: PushVerdict.RETRY_LATER,
    503: PushVerdict.PAUSE,
}

# How long to wait after the first attempt. The caller makes it longer with each attempt and adds
# jitter.
WAIT = {
    PushVerdict.RETRY_SOON: timedelta(seconds=2),
    PushVerdict.PAUSE: timedelta(seconds=5),
    PushVerdict.RETRY_LATER: timedelta(seconds=30),
    PushVerdict.WRONG: timedelta(minutes=15),
    PushVerdict.FOREIGN: timedelta(minutes=15),
    PushVerdict.OPERATOR_NEEDED: timedelta(minutes=15),
    PushVerdict.TOO_MANY_TOKENS: timedelta(minutes=20),
    PushVerdict.UNKNOWN_REASON: timedelta(hours=1),
}
ENDS_THE_BATCH = {PushVerdict.PAUSE, PushVerdict.TOO_MANY_TOKENS, PushVerdict.OPERATOR_NEEDED}
ALARMING = {
    PushVerdict.BUG,
    PushVerdict.UNKNOWN_REASON,
    PushVerdict.TOO_MANY_TOKENS,
    PushVerdict.OPERATOR_NEEDED,
}
# Worth a line, though nobody need do anything about one of them.
NOTED = {PushVerdict.WRONG, PushVerdict.FOREIGN, PushVerdict.PAUSE, PushVerdict.RETRY_SOON}


def meaning_of(status: int, reason: str) -> PushVerdict:
    """What an answer with this HTTP status and reason means. An unknown status from 500 up is tried
    again later; any other unknown answer alarms the operator."""
    unheard_of = PushVerdict.RETRY_LATER if status >= 500 else PushVerdict.UNKNOWN_REASON
    return BY_REASON.get(reason) or BY_STATUS.get(status, unheard_of)
