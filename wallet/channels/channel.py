"""What a channel is: by whatever way a message goes, who sends it knows no more than this."""

from dataclasses import dataclass
from typing import Literal, Protocol

from ledger.languages import Language

# By what somebody is reached.
AddressKind = Literal["email", "phone"]


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One message to one person. `to` is an address as `ledger.contacts` writes it. `subject` and
    `page` are for channels that have room for them; `text` says all of it. `id`: the same each time
    the same message is sent, and tells nothing of it."""

    id: str
    to: str
    language: Language
    subject: str
    text: str
    page: str


class NotTaken(Exception):
    """A message was not taken. `why` is a word and, if the other side gave one, its number: nothing
    of the message, and nothing that the other side wrote."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


class Channel(Protocol):
    """A way to reach people."""

    def send(self, message: Outgoing) -> None:
        """Hand over a message. Raises `NotTaken`; it may be tried again, and then arrive twice."""
        ...
