"""What somebody may do, and where: one question for every kind of actor."""

from collections.abc import Collection
from dataclasses import dataclass

ALL = "*"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who wants something done: an integration with its API key, or a system that posts webhooks.
    `name` keeps the idempotency keys of actors apart. `rights` are scopes of API keys, or `*` for
    all. `programme_id`: the one programme that the actor is for; None for all programmes."""

    name: str
    rights: frozenset[str]
    programme_id: int | None = None


def may_everywhere(actor: Actor, right: str) -> bool:
    """Whether the actor has this right in all programmes, those included that are to come."""
    return actor.programme_id is None and may(actor, right)


def may(actor: Actor, right: str, programme_id: int | None = None) -> bool:
    """Whether the actor has this right in this programme; without a programme, in any at all."""
    is_there = programme_id is None or actor.programme_id in (None, programme_id)
    return is_there and (ALL in actor.rights or right in actor.rights)


def may_give(actors: Collection[Actor], rights: Collection[str], programme_id: int | None) -> bool:
    """Whether somebody with these actors may hand these rights on, in this programme, or without
    one in all: they have each of them there themselves."""

    def has(actor: Actor, right: str) -> bool:
        if programme_id is None:
            return may_everywhere(actor, right)
        return may(actor, right, programme_id)

    return all(any(has(actor, right) for actor in actors) for right in rights)
