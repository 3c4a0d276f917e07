"""Categories of products."""

from datetime import datetime

from ledger.fields import Body, Code
from wallet.api.bodies.answers import AnswerBody
from wallet.api.bodies.examples import page_of, shows
from wallet.api.bodies.paging import PageIn
from wallet.api.bodies.products import CategoryCode, GoodsNames

CATEGORY = {
    "code": "shoes",
    "programme": "demo",
    "name": "Shoes",
    "names": {"ru": "Обувь", "en": "Shoes"},
    "parent": None,
    "revision": 1,
    "created_at": "2026-12-01T12:00:00Z",
    "changed_at": "2026-12-01T12:00:00Z",
}


class CategoryIn(Body):
    """A category as it is to be, whole, in the category `parent` or at the top. Without a `name` it
    is called by its code."""

    model_config = shows({"programme": "demo", "name": {"ru": "Обувь", "en": "Shoes"}})

    programme: Code
    name: GoodsNames | None = None
    parent: CategoryCode | None = None


class CategoryAsked(Body):
    """Of which programme."""

    programme: Code


class CategoriesIn(PageIn):
    """The list of one programme."""

    programme: Code


class CategoryOut(AnswerBody):
    """A category. `revision` counts its changes: `If-Match` with it changes the category only if
    nobody else did meanwhile."""

    model_config = shows(CATEGORY)

    code: str
    programme: str
    name: str
    names: dict[str, str]
    parent: str | None
    revision: int
    created_at: datetime
    changed_at: datetime


class CategoriesOut(AnswerBody):
    """Categories in the order in which they were made."""

    model_config = shows(page_of(CATEGORY))

    items: list[CategoryOut]
    next_cursor: str | None
