"""By which words people are found while somebody types: those of their name, the last digits of
their phone number, and the mailbox of their address. They are kept by whoever writes `Person`, in
the same transaction, and are personal data as that is."""

import re
import unicodedata
from collections.abc import Mapping
from typing import Protocol

from sqlalchemy import ForeignKey, Index, String, delete, insert, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from ledger.database.tables import Base, batched, insert_or

LONGEST_WORD = 40  # characters; of longer words the beginning
MOST_WORDS = 12  # of one name; it may have 300 characters
LAST_DIGITS = 4  # of a phone number, as people say it at a counter
MAILBOX = "@"  # stands before the word of an address, so that no name is found by it
_END = "\U0010fffd"  # sorts behind every word that begins alike
_WORD = re.compile(r"[^\W_]+")

# Sorted byte by byte: the index then finds what begins with some letters, whatever the language of
# the database. SQLite sorts so anyway.
Sorted = String(LONGEST_WORD).with_variant(String(LONGEST_WORD, collation="C"), "postgresql")


class SearchWord(Base):
    """One word by which a member is found, as `plain` writes it."""

    __tablename__ = "ledger_search_word"
    __table_args__ = (Index("ix_ledger_search_word_found", "programme_id", "word", "member_id"),)

    member_id: Mapped[int] = mapped_column(
        ForeignKey("ledger_member.id"), primary_key=True, autoincrement=False
    )
    word: Mapped[str] = mapped_column(Sorted, primary_key=True)
    programme_id: Mapped[int]  # the member's


class Told(Protocol):
    """What words are made of: a profile, or a row of `Person`."""

    @property
    def name(self) -> str | None: ...
    @property
    def phone(self) -> str | None: ...
    @property
    def email(self) -> str | None: ...


def plain(text: str) -> str:
    """Text as words are compared: without capitals and accents, and ё is е. The й stays: it is a
    letter of its own."""
    return "".join(map(_bare, unicodedata.normalize("NFKC", text).casefold()))


def _bare(letter: str) -> str:
    if letter.isascii() or letter == "й":
        return letter
    apart = unicodedata.normalize("NFD", letter)
    return apart[0] if all(map(unicodedata.combining, apart[1:])) else letter


def in_text(text: str) -> list[str]:
    """The words of a text, each once, in their order."""
    found = dict.fromkeys(word[:LONGEST_WORD] for word in _WORD.findall(plain(text)))
    return list(found)[:MOST_WORDS]


def mailbox(email: str) -> str:
    """What an address is found by in another spelling: its mailbox without dots and without what
    stands behind a plus, since most hosts deliver all of these to one."""
    name, _, _ = plain(email).partition("@")
    return f"{MAILBOX}{name.partition('+')[0].replace('.', '')}"[:LONGEST_WORD]


def words_of(told: Told) -> set[str]:
    """The words by which a person is found of whom this is known."""
    found = set(in_text(told.name or ""))
    if told.phone is not None:
        found.add(told.phone[-LAST_DIGITS:])
    if told.email is not None:
        found.add(mailbox(told.email))
    return found


def add_all(session: Session, programme_id: int, told: Mapping[int, Told]) -> None:
    """Keep the words of new members, by their ids."""
    rows = [
        {"member_id": member_id, "word": word, "programme_id": programme_id}
        for member_id, one in told.items()
        for word in sorted(words_of(one))
    ]
    for part in batched(rows):
        session.execute(insert(SearchWord), part)


def renew(session: Session, programme_id: int, member_id: int, told: Told) -> None:
    """Bring the words of a member to what is known of them now. The caller has locked the
    person."""
    wanted = words_of(told)
    kept = set(session.scalars(select(SearchWord.word).where(SearchWord.member_id == member_id)))
    if gone := kept - wanted:
        session.execute(
            delete(SearchWord).where(
                SearchWord.member_id == member_id, SearchWord.word.in_(sorted(gone))
            )
        )
    if fresh := sorted(wanted - kept):
        session.execute(
            insert_or(session, SearchWord)
            .values(
                [
                    {"member_id": member_id, "word": word, "programme_id": programme_id}
                    for word in fresh
                ]
            )
            .on_conflict_do_nothing()
        )


def behind(word: str) -> str:
    """What is sorted behind all words that begin with these letters, and before all others."""
    return word + _END
