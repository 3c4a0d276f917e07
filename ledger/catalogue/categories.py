"""Categories: a tree in which products lie, each by a code of the shop's own."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ForeignKey, String, UniqueConstraint, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from ledger.catalogue import texts
from ledger.catalogue.texts import LONGEST_CODE
from ledger.database.tables import Base, Identifier, Instant, JsonDocument, batched
from ledger.errors import CategoryCycle, CategoryRefused, ChangedMeanwhile, UnknownCategory
from ledger.languages import Texts
from ledger.programmes import programmes
from ledger.programmes.programmes import Programme

DEEPEST = 10  # categories from the top of the tree to its lowest leaf


class Category(Base):
    """Where products lie. `code` never changes. `names`: what it is called, by language.
    `revision` counts its changes."""

    __tablename__ = "ledger_category"
    __table_args__ = (UniqueConstraint("programme_id", "code"),)

    id: Mapped[int] = mapped_column(Identifier, primary_key=True)
    programme_id: Mapped[int] = mapped_column(ForeignKey("ledger_programme.id"))
    code: Mapped[str] = mapped_column(String(LONGEST_CODE))
    names: Mapped[dict[str, str]] = mapped_column(JsonDocument)
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("ledger_category.id"), index=True)
    revision: Mapped[int]
    created_at: Mapped[datetime] = mapped_column(Instant)
    changed_at: Mapped[datetime] = mapped_column(Instant)


@dataclass(frozen=True, slots=True)
class CategoryTerms:
    """A category as it is wanted, in the category with the code `parent`, or at the top. Without
    names it is called by its code."""

    code: str
    names: Texts
    parent: str | None = None


@dataclass(frozen=True, slots=True)
class CategoryTree:
    """All categories of a programme, by id."""

    by_id: Mapping[int, Category]

    def path(self, category_id: int | None) -> tuple[Category, ...]:
        """From the top down to this one."""
        found: list[Category] = []
        while category_id is not None:
            found.append(self.by_id[category_id])
            category_id = found[-1].parent_id
        return tuple(reversed(found))

    def under(self, category_id: int) -> tuple[Category, ...]:
        """This one, and all that lie in it, however deep."""
        return tuple(
            one
            for one in self.by_id.values()
            if any(above.id == category_id for above in self.path(one.id))
        )


def put(
    session: Session,
    programme: Programme,
    terms: CategoryTerms,
    now: datetime,
    known: int | None = None,
) -> Category:
    """Make this category, or change it to be so; the same again changes nothing. `known`: the
    revision that the caller read, 0 for none. Raises `CategoryRefused`, `CategoryCycle`,
    `UnknownCategory`, `LanguageNotSpoken`, `ChangedMeanwhile`."""
    programmes.hold(session, programme.id)
    code = texts.code("code", terms.code, CategoryRefused)
    names = texts.names(terms.names, programme.languages, CategoryRefused)
    row = find(session, programme.id, code)
    revision = 0 if row is None else row.revision
    if known is not None and revision != known:
        raise ChangedMeanwhile(revision)
    wanted = {
        "names": names or {programme.locale: code},
        "parent_id": _parent(session, programme.id, code, row, terms.parent),
    }
    if row is None:
        row = Category(programme_id=programme.id, code=code, revision=0, created_at=now)
        session.add(row)
    elif all(getattr(row, name) == value for name, value in wanted.items()):
        return row
    for name, value in wanted.items():
        setattr(row, name, value)
    row.revision += 1
    row.changed_at = now
    session.flush()
    return row


def _parent(
    session: Session, programme_id: int, code: str, row: Category | None, parent: str | None
) -> int | None:
    """The id of the category in which this one is to lie."""
    if parent is None:
        return None
    if parent == code:
        raise CategoryCycle(code, parent)
    above = named(session, programme_id, parent)
    whole = tree(session, programme_id)
    path = whole.path(above.id)
    height = 1
    if row is not None:
        if any(one.id == row.id for one in path):
            raise CategoryCycle(code, parent)
        depth = len(whole.path(row.id))
        height = 1 + max(len(whole.path(one.id)) - depth for one in whole.under(row.id))
    if len(path) + height > DEEPEST:
        raise CategoryRefused("parent", "at most {most} categories deep.", most=DEEPEST)
    return above.id


def named(session: Session, programme_id: int, code: str) -> Category:
    """The category with this code. Raises `UnknownCategory`."""
    found = find(session, programme_id, code)
    if found is None:
        raise UnknownCategory(code)
    return found


def find(session: Session, programme_id: int, code: str) -> Category | None:
    """The category with this code; None if there is none."""
    return session.scalar(
        select(Category)
        .where(Category.programme_id == programme_id, Category.code == code)
        .execution_options(populate_existing=True)
    )


def ids(session: Session, programme_id: int, codes: Collection[str]) -> dict[str, int]:
    """The ids of the categories with these codes; those that are not there are left out."""
    found: dict[str, int] = {}
    for part in batched(sorted(codes)):
        query = select(Category.code, Category.id).where(
            Category.programme_id == programme_id, Category.code.in_(part)
        )
        found.update((code, of) for code, of in session.execute(query))
    return found


def codes(session: Session, category_ids: Collection[int]) -> dict[str, int]:
    """These ids, by the codes of the categories."""
    found: dict[str, int] = {}
    for part in batched(sorted(category_ids)):
        query = select(Category.code, Category.id).where(Category.id.in_(part))
        found.update((code, of) for code, of in session.execute(query))
    return found


def tree(session: Session, programme_id: int) -> CategoryTree:
    """All categories of the programme."""
    query = select(Category).where(Category.programme_id == programme_id)
    rows = session.scalars(query.execution_options(populate_existing=True))
    return CategoryTree({row.id: row for row in rows})


def listed(session: Session, programme_id: int, after_id: int, limit: int) -> Sequence[Category]:
    """Categories in the order in which they were made, from behind category `after_id`."""
    return session.scalars(
        select(Category)
        .where(Category.programme_id == programme_id, Category.id > after_id)
        .order_by(Category.id)
        .limit(limit)
    ).all()
