"""Stores and the tills in them: the list, a store with its tills, and their forms."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from flask import Blueprint
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from ledger import words
from ledger.errors import ChangedMeanwhile, Refusal, StoreRefused, UnknownStore, UnknownTill
from ledger.programmes import stores
from ledger.programmes.stores import Store, StoreTerms, Till, TillTerms
from wallet.access.changes import ChangedThing
from wallet.console import choices, doing, listing, opened, pages
from wallet.console.forms import FORM, FormEntries, FormRefused
from wallet.console.pages import IN_PROGRAMME, needs
from wallet.delivery import programme_changes
from wallet.installation import current_installation
from wallet.pages import language
from wallet.pages.language import gettext as _

HERE = "shop"
MOST_TILLS = 500  # shown of one store

STORE, TILL = "console/settings/store.html", "console/settings/till.html"

routes = Blueprint("stores", __name__)


@dataclass(frozen=True, slots=True)
class StoreLine:
    """A store in the list, and how many tills it has that are not closed."""

    store: Store
    tills: int


@routes.get(f"{IN_PROGRAMME}/stores")
@needs("stores:read")
def find() -> str:
    """The stores of the programme, in the order in which they were made."""
    after = listing.after()
    with current_installation().database.reading() as session:
        found = stores.listed(
            session, pages.programme().id, after[0] if after else 0, listing.ROWS + 1
        )
        page = listing.page(found, lambda store: (store.id,))
        numbers = stores.numbers_of_tills(session, [store.id for store in page.rows])
    lines = [StoreLine(store, numbers.get(store.id, 0)) for store in page.rows]
    zones = {line.store.timezone for line in lines}
    towns = {zone: words.town_in(language.current(), zone) for zone in zones}
    return pages.show("console/settings/stores.html", HERE, lines=lines, towns=towns, page=page)


@routes.get(f"{IN_PROGRAMME}/new-store")
@needs("stores:write")
def new() -> str:
    """The form of a new store."""
    with current_installation().database.reading() as session:
        typed = {"timezone": pages.programme_row(session).timezone}
    return pages.show(STORE, HERE, typed=typed, problems={}, **_around(None, ()))


@routes.post(f"{IN_PROGRAMME}/new-store")
@needs("stores:write")
def add() -> Response:
    """Add a store."""
    entries = FormEntries()
    code = entries.text("code", most=stores.LONGEST_CODE)
    if not entries.fit or not _put(entries, code, known=0):
        return pages.show_again(STORE, HERE, entries, typed=entries, **_around(None, ()))
    pages.say(_("The store is there. Add its tills next."))
    return pages.go("console.stores.show", store=code.strip())


@routes.get(f"{IN_PROGRAMME}/stores/<store>")
@needs("stores:read")
def show(store: str) -> Response | str:
    """One store: its form, and its tills."""
    with current_installation().database.reading() as session:
        found = _store(session, store)
        tills = _tills(session, found)
        mark = opened.last_change(session, [_thing(found)])
    typed = {
        "name": found.name,
        "group": found.group or "",
        "timezone": found.timezone,
        "closed": "yes" if found.closed else "",
    }
    around = _around(found, tills)
    return pages.show(STORE, HERE, typed=typed, problems={}, opened=mark, **around)


@routes.post(f"{IN_PROGRAMME}/stores/<store>")
@needs("stores:write")
def save(store: str) -> Response:
    """Change a store."""
    entries = FormEntries()
    with current_installation().database.reading() as session:
        found = _store(session, store)
        tills = _tills(session, found)
    if not _put(entries, store):
        with current_installation().database.reading() as session:
            mark = opened.last_change(session, [_thing(found)])
        around = _around(found, tills)
        return pages.show_again(STORE, HERE, entries, typed=entries, opened=mark, **around)
    pages.say(_("Saved."))
    return pages.go("console.stores.show", store=store)


@routes.get(f"{IN_PROGRAMME}/stores/<store>/new-till")
@needs("stores:write")
def new_till(store: str) -> Response | str:
    """The form of a new till."""
    with current_installation().database.reading() as session:
        found = _store(session, store)
    return pages.show(TILL, HERE, typed={}, problems={}, store=found, till=None)


@routes.post(f"{IN_PROGRAMME}/stores/<store>/new-till")
@needs("stores:write")
def add_till(store: str) -> Response:
    """Add a till to a store."""
    entries = FormEntries()
    with current_installation().database.reading() as session:
        found = _store(session, store)
    code = entries.text("code", most=stores.LONGEST_CODE)
    if not entries.fit or not _put_till(entries, found, code, known=0):
        return pages.show_again(TILL, HERE, entries, typed=entries, store=found, till=None)
    pages.say(_("The till is there."))
    return pages.go("console.stores.show", store=store)


@routes.get(f"{IN_PROGRAMME}/stores/<store>/tills/<till>")
@needs("stores:read")
def show_till(store: str, till: str) -> Response | str:
    """One till of a store."""
    with current_installation().database.reading() as session:
        of, found = _till(session, store, till)
        mark = opened.last_change(session, [_thing(of, found)])
    typed = {"name": found.name, "closed": "yes" if found.closed else ""}
    return pages.show(TILL, HERE, typed=typed, problems={}, store=of, till=found, opened=mark)


@routes.post(f"{IN_PROGRAMME}/stores/<store>/tills/<till>")
@needs("stores:write")
def save_till(store: str, till: str) -> Response:
    """Change a till."""
    entries = FormEntries()
    with current_installation().database.reading() as session:
        of, found = _till(session, store, till)
    if not _put_till(entries, of, till):
        with current_installation().database.reading() as session:
            mark = opened.last_change(session, [_thing(of, found)])
        return pages.show_again(
            TILL, HERE, entries, typed=entries, store=of, till=found, opened=mark
        )
    pages.say(_("Saved."))
    return pages.go("console.stores.show", store=store)


def _put(entries: FormEntries, code: str, known: int | None = None) -> bool:
    """Make or change the store that was typed; False, with what is wrong, if that is refused.
    `known` 0: it has to be new."""
    terms = StoreTerms(
        code,
        entries["name"],
        entries["group"],
        entries["timezone"].strip() or None,
        entries.ticked("closed"),
    )

    def work(session: Session) -> None:
        programme = pages.programme_row(session)
        if known is None:
            programme_changes.hold(session, programme)
            thing = ChangedThing("store", code, programme.id)
            opened.require_fresh(session, entries, [thing])
        now = current_installation().clock()
        with _as_new(entries):
            programme_changes.put_store(session, programme, terms, pages.author(), now, known)

    return doing.done(entries, work, _field_of)


def _put_till(entries: FormEntries, store: Store, code: str, known: int | None = None) -> bool:
    terms = TillTerms(code, store.code, entries["name"], entries.ticked("closed"))

    def work(session: Session) -> None:
        programme = pages.programme_row(session)
        if known is None:
            programme_changes.hold(session, programme)
            thing = ChangedThing("till", f"{store.code}/{code}", programme.id)
            opened.require_fresh(session, entries, [thing])
        now = current_installation().clock()
        with _as_new(entries):
            programme_changes.put_till(session, programme, terms, pages.author(), now, known)

    return doing.done(entries, work, _field_of)


def _field_of(refusal: Refusal) -> str:
    return refusal.field if isinstance(refusal, StoreRefused) else FORM


@contextmanager
def _as_new(entries: FormEntries) -> Iterator[None]:
    """Say at the field of the code that there is one with this code already."""
    try:
        yield
    except ChangedMeanwhile:
        entries.refuse("code", _("There is one with this code already."))
        raise FormRefused from None


def _store(session: Session, code: str) -> Store:
    """The store with this code; the request ends with 404 if there is none."""
    try:
        return stores.store_named(session, pages.programme().id, code)
    except UnknownStore:
        pages.not_there(HERE)


def _till(session: Session, store: str, code: str) -> tuple[Store, Till]:
    """The store and its till with these codes, in the same way."""
    try:
        found = stores.till_named(session, pages.programme().id, code, store)
    except (UnknownStore, UnknownTill):
        pages.not_there(HERE)
    return stores.store_of(session, found), found


def _tills(session: Session, store: Store) -> Sequence[Till]:
    found = stores.tills(session, store.programme_id, 0, MOST_TILLS, store.id)
    return [till for till, _store in found]


def _thing(store: Store, till: Till | None = None) -> ChangedThing:
    if till is None:
        return ChangedThing("store", store.code, store.programme_id)
    return ChangedThing("till", f"{store.code}/{till.code}", store.programme_id)


def _around(store: Store | None, tills: Sequence[Till]) -> dict[str, object]:
    return {
        "store": store,
        "tills": tills,
        "zones": choices.zones("" if store is None else store.timezone),
    }
