"""Rights that are given on: nobody gives more than they have, be it to a colleague or to a key.
What is given and taken is noted in the record of changes."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from wallet.access import apikeys, changes, staff_sessions
from wallet.access.apikeys import ApiKey
from wallet.access.changes import Author, ChangedThing
from wallet.access.rights import ALL, Actor, may, may_everywhere, may_give
from wallet.access.staff import Employee
from wallet.errors import BeyondOwnRights, UnknownApiKey

KEYS = "keys:write"


@dataclass(frozen=True, slots=True)
class Doer:
    """Who does something: as the record of changes names them, and what they may do.
    `employee_id`: which person of the staff it is; None for keys, and for the operator at the
    command line."""

    author: Author
    actors: tuple[Actor, ...]
    employee_id: int | None = None

    def may(self, right: str, programme_id: int | None) -> bool:
        """Whether they have this right there; without a programme, in all."""
        if programme_id is None:
            return any(may_everywhere(actor, right) for actor in self.actors)
        return any(may(actor, right, programme_id) for actor in self.actors)

    def require(self, rights: Collection[str], programme_id: int | None) -> None:
        """Raises `BeyondOwnRights` for rights that are not theirs to give there."""
        if not may_give(self.actors, rights, programme_id):
            raise BeyondOwnRights


def operator(author: Author) -> Doer:
    """Who has the command line has everything."""
    return Doer(author, (Actor("operator", frozenset({ALL})),))


def as_now(session: Session, doer: Doer) -> Doer:
    """The same with the rights that they have at this moment, which stay theirs until the end of
    the transaction: a colleague may have taken them since the request began."""
    if doer.employee_id is None:
        return doer
    lock = select(Employee.id).where(Employee.id == doer.employee_id)
    session.execute(lock.with_for_update(read=True))
    return replace(doer, actors=staff_sessions.actors(session, doer.employee_id))


def within_reach(actors: Collection[Actor], right: str) -> frozenset[int] | None:
    """In which programmes somebody with these actors has this right; None: in all of them."""
    if any(may_everywhere(actor, right) for actor in actors):
        return None
    return frozenset(
        actor.programme_id
        for actor in actors
        if actor.programme_id is not None and may(actor, right)
    )


@dataclass(frozen=True, slots=True)
class KeyTerms:
    """What a new key is to have; see `ApiKey`."""

    name: str
    scopes: Sequence[str]
    programme_id: int | None = None
    expires_at: datetime | None = None


def issue_key(session: Session, by: Doer, terms: KeyTerms, now: datetime) -> str:
    """Make a key and return it; it cannot be read again. Raises `ApiKeyRefused`, and
    `BeyondOwnRights` for scopes, or a programme, that the doer lacks."""
    by = as_now(session, by)
    by.require({KEYS, *terms.scopes}, terms.programme_id)
    key = apikeys.issue(
        session, terms.name, terms.scopes, now, terms.programme_id, terms.expires_at
    )
    made = changes.facts(apikeys.named(session, terms.name))
    of = ChangedThing("key", terms.name, terms.programme_id)
    changes.note(session, by.author, "key.added", of, now, {}, made)
    return key


def revoke_key(session: Session, by: Doer, name: str, now: datetime) -> None:
    """Refuse this key from now on. Raises `ApiKeyRefused` for one that is not live, and
    `UnknownApiKey` for one of a programme that the doer does not care for."""
    by = as_now(session, by)
    key = apikeys.named(session, name)
    if not by.may(KEYS, key.programme_id):
        raise UnknownApiKey
    apikeys.revoke(session, name, now)
    of = ChangedThing("key", name, key.programme_id)
    changes.note(session, by.author, "key.revoked", of, now)


def keys_of(session: Session, actors: Collection[Actor]) -> Sequence[ApiKey]:
    """The keys that somebody with these actors may see, live or not, the newest first."""
    programme_ids = within_reach(actors, KEYS)
    query = select(ApiKey).order_by(ApiKey.id.desc())
    if programme_ids is not None:
        query = query.where(ApiKey.programme_id.in_(programme_ids))
    return session.scalars(query).all()


def key_of(session: Session, actors: Collection[Actor], key_id: int) -> ApiKey:
    """One of `keys_of`. Raises `UnknownApiKey`."""
    programme_ids = within_reach(actors, KEYS)
    key = session.get(ApiKey, key_id)
    if key is None or (programme_ids is not None and key.programme_id not in programme_ids):
        raise UnknownApiKey
    return key
