"""Categories: the tree in which products lie."""

from apiflask import APIBlueprint
from sqlalchemy.orm import Session

from ledger.catalogue import categories
from ledger.catalogue.categories import Category, CategoryTerms
from ledger.errors import (
    CategoryCycle,
    CategoryRefused,
    ChangedMeanwhile,
    LanguageNotSpoken,
    UnknownCategory,
    UnknownProgramme,
)
from ledger.programmes.programmes import Programme
from wallet.api import lookup, paging, reading, revisions
from wallet.api.auth import author, needs
from wallet.api.bodies.categories import (
    CategoriesIn,
    CategoriesOut,
    CategoryAsked,
    CategoryIn,
    CategoryOut,
)
from wallet.api.calls import refuses, revised
from wallet.delivery import catalogue_changes
from wallet.installation import current_installation

routes = APIBlueprint("categories", __name__, tag="Catalogue")


@routes.get("/categories")
@routes.doc(operation_id="listCategories")
@needs("catalogue:read")
@refuses(UnknownProgramme)
@routes.input(CategoriesIn, location="query")
@routes.output(CategoriesOut)
def find(query_data: CategoriesIn) -> CategoriesOut:
    """The categories of a programme, in the order they were made."""
    place = paging.place(query_data)
    with current_installation().database.reading() as session:
        programme = lookup.programme(session, query_data.programme)
        page = place.page(categories.listed(session, programme.id, place.position or 0, place.most))
        above = [row.parent_id for row in page.rows if row.parent_id is not None]
        codes = {id_: code for code, id_ in categories.codes(session, set(above)).items()}
        return CategoriesOut(
            items=[_category_out(programme, row, codes) for row in page.rows],
            next_cursor=page.next_cursor,
        )


@routes.get("/categories/<category>")
@routes.doc(operation_id="getCategory")
@needs("catalogue:read")
@refuses(UnknownProgramme, UnknownCategory)
@routes.input(CategoryAsked, location="query")
@routes.output(CategoryOut)
def read(category: str, query_data: CategoryAsked) -> CategoryOut:
    """One category."""
    with current_installation().database.reading() as session:
        programme = lookup.programme(session, query_data.programme)
        row = categories.named(session, programme.id, category)
        return _told(session, programme, row)


@routes.put("/categories/<category>")
@routes.doc(operation_id="putCategory")
@needs("catalogue:write")
@revised
@refuses(
    UnknownProgramme,
    UnknownCategory,
    CategoryRefused,
    CategoryCycle,
    LanguageNotSpoken,
    ChangedMeanwhile,
)
@routes.input(CategoryIn)
@routes.output(CategoryOut)
def put(category: str, json_data: CategoryIn) -> CategoryOut:
    """Make a category, or change it: afterwards it is as the body says, whole. What lies in it
    moves with it."""
    now = current_installation().clock()

    def work(session: Session) -> CategoryOut:
        programme = lookup.programme(session, json_data.programme)
        known = revisions.known(lambda: categories.find(session, programme.id, category))
        names = reading.by_language(programme, json_data.name or "")
        terms = CategoryTerms(category, names, json_data.parent)
        row = catalogue_changes.put_category(session, programme, terms, author(session), now, known)
        return _told(session, programme, row)

    return current_installation().database.run(work)


def _told(session: Session, programme: Programme, row: Category) -> CategoryOut:
    above = set() if row.parent_id is None else {row.parent_id}
    codes = {id_: code for code, id_ in categories.codes(session, above).items()}
    return _category_out(programme, row, codes)


def _category_out(programme: Programme, row: Category, codes: dict[int, str]) -> CategoryOut:
    return CategoryOut(
        code=row.code,
        programme=programme.code,
        name=reading.said(row.names, programme),
        names=row.names,
        parent=None if row.parent_id is None else codes[row.parent_id],
        revision=row.revision,
        created_at=row.created_at,
        changed_at=row.changed_at,
    )
