"""What a view declares of its call besides its route and its models: how it is refused, whether it
takes an Idempotency-Key, and what its body is where that is no model. `contract` writes it into the
OpenAPI document."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeVar, cast

from pydantic import BaseModel

from ledger.errors import Refusal

JSON = "application/json"

View = TypeVar("View", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Declaration:
    """What a view declares of its call. `content`: what a body may be that is no pydantic model, by
    media type, as OpenAPI writes it; `answer`: the same of an answer; `optional`: a body may be
    left out. `signed`: the call has a signature in its headers instead of an API key. `prefer`:
    what the header Prefer may ask for (RFC 7240). `scope`: what its key must be allowed;
    `more_with`: a scope that shows more, or allows more, in this call. `codes`: of refusals that
    have a code and no class. `models`: of what `content` leads to. `most_bytes`: the
    largest body, where it is not that of all calls. `revised`: the header If-Match may say which
    revision the caller read."""

    refusals: tuple[type[Refusal], ...] = ()
    key: Literal["optional", "required"] | None = None
    content: Mapping[str, Any] | None = None
    answer: Mapping[str, Any] | None = None
    optional: bool = False
    signed: bool = False
    prefer: str | None = None
    scope: str | None = None
    more_with: str | None = None
    codes: tuple[str, ...] = ()
    models: tuple[type[BaseModel], ...] = ()
    most_bytes: int | None = None
    revised: bool = False

    @property
    def takes_json(self) -> bool:
        """Whether a body of this call must be JSON."""
        return self.content is None or JSON in self.content


def of(view: Callable[..., Any]) -> Declaration:
    """What a view declares; an empty declaration if it declares nothing."""
    return cast(Declaration, getattr(view, "declared", Declaration()))


def declare(view: View, **facts: Any) -> View:
    """Add to what a view declares, by the names of `Declaration`. Decorators around the view copy
    it with `functools.wraps`, as they copy its name."""
    vars(view)["declared"] = replace(of(view), **facts)
    return view


def refuses(*refusals: type[Refusal]) -> Callable[[View], View]:
    """Decorate a view with the refusals that its call may have. Those that many calls share are
    left out: a missing scope, a body or query that does not fit, and an Idempotency-Key that
    answered another request."""
    return lambda view: declare(view, refusals=refusals)


def answers_codes(*codes: str) -> Callable[[View], View]:
    """Decorate a view with the codes of refusals that it makes without a class (`refuse`)."""
    return lambda view: declare(view, codes=codes)


def takes(
    content: Mapping[str, Any], *models: type[BaseModel], optional: bool = False
) -> Callable[[View], View]:
    """Decorate a view that reads its body by itself. `content`: what the body may be, by media
    type; `models`: what it leads to; `optional`: it may be left out."""
    return lambda view: declare(view, content=content, models=models, optional=optional)


def answers_with(content: Mapping[str, Any]) -> Callable[[View], View]:
    """Decorate a view whose answer is no JSON document. `content`: what it is, by media type; it
    leads to schemas of other calls alone."""
    return lambda view: declare(view, answer=content)


def optional_body(view: View) -> View:
    """Decorate a view whose body may be left out: then it is an empty one."""
    return declare(view, optional=True)


def takes_no_body(view: Callable[..., Any]) -> bool:
    """Whether a view has no use for a body."""
    return of(view).content is None and "body" not in getattr(view, "_spec", {})


def up_to(most_bytes: int) -> Callable[[View], View]:
    """Decorate a view that takes larger bodies than others."""
    return lambda view: declare(view, most_bytes=most_bytes)


def shows_more(scope: str) -> Callable[[View], View]:
    """Decorate a view that shows or allows more to keys that have this scope besides."""
    return lambda view: declare(view, more_with=scope)


def prefers(meaning: str) -> Callable[[View], View]:
    """Decorate a view that honours the header Prefer; `meaning` says what it may ask for."""
    return lambda view: declare(view, prefer=meaning)


def revised(view: View) -> View:
    """Decorate a view that honours the header If-Match, with the revision that the caller read."""
    return declare(view, revised=True)


def signed(view: View) -> View:
    """Decorate a view that asks for a signature (Standard Webhooks) instead of an API key."""
    return declare(view, signed=True)
