"""What a view declares of its call besides its route and its models: how it is refused, whether it
takes an Idempotency-Key, and what its body is where that is no model. `contract` writes it into the
OpenAPI document."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeVar, cast

from ledger.errors import Refusal

JSON = "application/json"

View = TypeVar("View", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Declaration:
    """What is declared of one call. `content`: what a body may be that is no model, by media type,
    as OpenAPI has it. `signed`: headers with a signature stand in place of an API key."""

    refusals: tuple[type[Refusal], ...] = ()
    key: Literal["optional", "required"] | None = None
    content: Mapping[str, Any] | None = None
    signed: bool = False

    @property
    def takes_json(self) -> bool:
        return self.content is None or JSON in self.content


def of(view: Callable[..., Any]) -> Declaration:
    """What a view declares."""
    return cast(Declaration, getattr(view, "declared", Declaration()))


def declare(view: View, **facts: Any) -> View:
    """Add to what a view declares, by the names of `Declaration`. Decorators that are put around
    the view hand it on, as they do its name."""
    vars(view)["declared"] = replace(of(view), **facts)
    return view


def refuses(*refusals: type[Refusal]) -> Callable[[View], View]:
    """A view that may refuse a call like this. Left out is what many calls have: a missing scope, a
    body or query that does not fit, and an Idempotency-Key that answered another request."""
    return lambda view: declare(view, refusals=refusals)


def takes(content: Mapping[str, Any]) -> Callable[[View], View]:
    """A view that reads its body by itself: what that may be, by media type."""
    return lambda view: declare(view, content=content)


def signed(view: View) -> View:
    """A view that asks for a signature by Standard Webhooks in place of an API key."""
    return declare(view, signed=True)
