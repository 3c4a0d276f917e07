"""What each of Apple's answers to a push asks of us, as tables.

The reasons are those of Apple's "Handling notification responses from APNs"."""

from datetime import timedelta
from enum import Enum

# Apple's words for tokens: a phone's, and ours.
BAD_TOKEN = "BadDeviceToken"  # noqa: S105
EXPIRED_TOKEN = "ExpiredProviderToken"  # noqa: S105


class Meaning(Enum):
    """What an answer, or the lack of one, asks of us."""

    TAKEN = "accepted; not that a person saw it"
    DEAD = "this token will never work again"
    WRONG = "not a token; if none is, the environment is wrong"
    FOREIGN = "a token of another topic; if all are, the topic is wrong"
    BUG = "we sent what Apple does not accept"
    SOON = "the answer was lost; a second push does no harm"
    LATER = "this one push has to wait"
    PUZZLE = "this one push has to wait: Apple says what we have never heard"
    REST = "nothing gets through just now"
    HASTE = "Apple saw too many provider tokens; does another installation use the same key?"
    MEND = "nothing gets through until an operator looks at credentials, topic or environment"


BY_REASON = {
    "Unregistered": Meaning.DEAD,
    "ExpiredToken": Meaning.DEAD,
    BAD_TOKEN: Meaning.WRONG,
    "DeviceTokenNotForTopic": Meaning.FOREIGN,
    "BadTopic": Meaning.MEND,
    "MissingTopic": Meaning.MEND,
    "TopicDisallowed": Meaning.MEND,
    "BadCollapseId": Meaning.BUG,
    "BadExpirationDate": Meaning.BUG,
    "BadMessageId": Meaning.BUG,
    "BadPriority": Meaning.BUG,
    "DuplicateHeaders": Meaning.BUG,
    "InvalidPushType": Meaning.BUG,
    "MissingDeviceToken": Meaning.BUG,
    "PayloadEmpty": Meaning.BUG,
    "IdleTimeout": Meaning.SOON,
    "TooManyProviderTokenUpdates": Meaning.HASTE,
}
# Where all reasons of a status ask the same, and for reasons that Apple has yet to invent.
BY_STATUS = {
    200: Meaning.TAKEN,
    403: Meaning.MEND,
    404: Meaning.BUG,
    405: Meaning.BUG,
    410: Meaning.DEAD,
    413: Meaning.BUG,
    429: Meaning.LATER,
    500: Meaning.LATER,
    503: Meaning.REST,
}

# The first wait. Letting it grow with the attempts, and jitter, are the caller's.
WAIT = {
    Meaning.SOON: timedelta(seconds=2),
    Meaning.REST: timedelta(seconds=5),
    Meaning.LATER: timedelta(seconds=30),
    Meaning.FOREIGN: timedelta(minutes=15),
    Meaning.MEND: timedelta(minutes=15),
    Meaning.HASTE: timedelta(minutes=20),
    Meaning.PUZZLE: timedelta(hours=1),
}
ENDS_THE_BATCH = {Meaning.REST, Meaning.HASTE, Meaning.MEND}
ALARMING = {Meaning.FOREIGN, Meaning.BUG, Meaning.PUZZLE, Meaning.HASTE, Meaning.MEND}


def meaning_of(status: int, reason: str) -> Meaning:
    unheard_of = Meaning.LATER if status >= 500 else Meaning.PUZZLE
    return BY_REASON.get(reason) or BY_STATUS.get(status, unheard_of)
