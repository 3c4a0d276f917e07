"""Lines of the record of changes as pages show them: sentences in the reader's language, things by
the names that people know them by."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from ledger import languages
from ledger.offers.offers import Offer
from ledger.people.members import Member
from ledger.people.persons import Person
from wallet.access import change_words, changes
from wallet.access.change_words import ToldField
from wallet.access.changes import Author, ChangeFilter, ListedChange
from wallet.console import choices, moments, pages
from wallet.installation import current_installation
from wallet.outreach.campaigns import Campaign
from wallet.pages import language
from wallet.pages.language import gettext as _
from wallet.receivers.receivers import Receiver

PERSONAL = "personal:read"
SHORT = 6  # of an id that nobody knows by heart, its last signs
ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@dataclass(frozen=True, slots=True)
class ChangeLine:
    """One line in words. `member_id` is the public id of the member whom it is about."""

    id: int
    at: datetime
    sentence: str
    author: str
    author_name: str
    programme: str | None
    fields: Sequence[ToldField]
    member_id: str | None
    number: int | None


def lines(
    session: Session,
    wanted: ChangeFilter,
    before: tuple[datetime, int] | None,
    limit: int,
) -> Sequence[ChangeLine]:
    """The changes that fit, newest first, from before this moment and id. What they say of people
    is for those who may see it."""
    found = changes.listed(session, wanted, before, limit)
    names = _names(session, found)
    return [_line(one, names) for one in found]


def _line(row: ListedChange, names: Mapping[tuple[str, str], str]) -> ChangeLine:
    change, tongue = row.change, language.current()
    people = pages.person().may(PERSONAL, change.programme_id)
    fields = {**change.fields, **((row.personal or {}) if people else {})}
    by = Author(change.author_kind, change.author_name)
    return ChangeLine(
        change.id,
        change.at,
        change_words.sentence(
            change, tongue, names.get((change.of_kind, change.of_id), short(change.of_id))
        ),
        change_words.author(by, tongue),
        change.author_name,
        row.programme,
        change_words.fields(fields, tongue, moment),
        change.of_id if change.of_kind == "member" else None,
        change.number,
    )


def moment(at: datetime) -> str:
    """A moment in plain words, by the clock of the page's programme."""
    now = current_installation().clock()
    return moments.at(at, pages.zone(), now)


def short(id_: str) -> str:
    """What nobody knows by heart, by its last signs; codes and names as they are."""
    return f"…{id_[-SHORT:]}" if ID.fullmatch(id_) else id_


def _said_by_ids(ids: Mapping[str, set[str]]) -> dict[tuple[str, str], str]:
    """What things are called whose ids are made of words of the code."""
    named = (("design", _design), ("badge", _badge))
    return {(kind, id_): name(id_) for kind, name in named for id_ in ids.get(kind, ())}


def _design(id_: str) -> str:
    """What a design is of; the id says the programme and the purpose."""
    return _("coupons") if id_.endswith(" offer") else _("cards")


def _badge(id_: str) -> str:
    """Of which wallet a badge is, and in which language."""
    wallet, _space, tag = id_.partition(" ")
    return f"{wallet.capitalize()} Wallet, {choices.language_name(tag)}"


def _names(session: Session, found: Sequence[ListedChange]) -> Mapping[tuple[str, str], str]:
    """What things are called now, by their kinds and ids; of those that are gone, nothing."""
    ids: dict[str, set[str]] = {}
    for row in found:
        ids.setdefault(row.change.of_kind, set()).add(row.change.of_id)
    names = _said_by_ids(ids)
    for kind, table in (("receiver", Receiver), ("campaign", Campaign)):
        if kind in ids:
            query = select(table.public_id, table.name).where(table.public_id.in_(ids[kind]))
            names |= {(kind, id_): name for id_, name in session.execute(query)}
    if "offer" in ids:
        # What is offered to one member alone says something of them.
        titles = select(Offer.public_id, Offer.titles).where(
            Offer.public_id.in_(ids["offer"]), Offer.member_id.is_(None)
        )
        for id_, title in session.execute(titles):
            names["offer", id_] = languages.said(title, *language.wanted())
    if "member" in ids:
        people = (
            select(Member.public_id, Person.name, Member.programme_id)
            .join(Person, Person.member_id == Member.id)
            .where(Member.public_id.in_(ids["member"]), Person.name.is_not(None))
        )
        for id_, name, programme_id in session.execute(people):
            if name is not None and pages.person().may(PERSONAL, programme_id):
                names["member", id_] = name
    return names
