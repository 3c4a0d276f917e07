"""Stores and tills: the part of the catalogue that says where a programme is at home."""

from apiflask import APIBlueprint
from flask import request
from sqlalchemy.orm import Session

from ledger.errors import (
    ChangedMeanwhile,
    Refusal,
    StoreNotNamed,
    StoreRefused,
    UnknownProgramme,
    UnknownStore,
    UnknownTill,
)
from ledger.programmes import stores
from ledger.programmes.programmes import Programme
from ledger.programmes.stores import Store, Till
from wallet.api import lookup, paging, revisions
from wallet.api.auth import author, needs
from wallet.api.bodies.items import MalformedItem
from wallet.api.bodies.stores import (
    StoreAsked,
    StoreBatchIn,
    StoreBatchOut,
    StoreIn,
    StoreItemIn,
    StoreItemOut,
    StoreOut,
    StoresIn,
    StoresOut,
    TillAsked,
    TillIn,
    TillOut,
    TillsIn,
    TillsOut,
)
from wallet.api.calls import refuses, revised, up_to
from wallet.api.refusals import told_alone
from wallet.delivery import programme_changes
from wallet.installation import current_installation

TOGETHER = 100  # stores of a batch in one transaction
MOST_BODY_BYTES = 2 * 1024 * 1024

routes = APIBlueprint("stores", __name__, tag="Stores")


@routes.get("/stores")
@routes.doc(operation_id="listStores")
@needs("stores:read")
@refuses(UnknownProgramme)
@routes.input(StoresIn, location="query")
@routes.output(StoresOut)
def find(query_data: StoresIn) -> StoresOut:
    """The stores of a programme, in the order they were made, the closed ones among them."""
    place = paging.place(query_data)
    with current_installation().database.reading() as session:
        programme = lookup.programme(session, query_data.programme)
        page = place.page(stores.listed(session, programme.id, place.position or 0, place.most))
        return StoresOut(
            items=[_store_out(programme, store) for store in page.rows],
            next_cursor=page.next_cursor,
        )


@routes.get("/stores/<store>")
@routes.doc(operation_id="getStore")
@needs("stores:read")
@refuses(UnknownProgramme, UnknownStore)
@routes.input(StoreAsked, location="query")
@routes.output(StoreOut)
def read(store: str, query_data: StoreAsked) -> StoreOut:
    """One store."""
    with current_installation().database.reading() as session:
        programme = lookup.programme(session, query_data.programme)
        return _store_out(programme, stores.store_named(session, programme.id, store))


@routes.put("/stores/<store>")
@routes.doc(operation_id="putStore")
@needs("stores:write")
@revised
@refuses(UnknownProgramme, StoreRefused, ChangedMeanwhile)
@routes.input(StoreIn)
@routes.output(StoreOut)
def put(store: str, json_data: StoreIn) -> StoreOut:
    """Make a store, or change it: afterwards it is as the body says, whole."""
    now = current_installation().clock()

    def work(session: Session) -> StoreOut:
        programme = lookup.programme(session, json_data.programme)
        known = revisions.known(lambda: stores.find_store(session, programme.id, store))
        terms, by = json_data.terms(store), author(session)
        put_ = programme_changes.put_store(session, programme, terms, by, now, known)
        return _store_out(programme, put_)

    return current_installation().database.run(work)


@routes.post("/stores/batch")
@routes.doc(operation_id="putStores")
@needs("stores:write")
@up_to(MOST_BODY_BYTES)
@refuses(UnknownProgramme)
@routes.input(StoreBatchIn)
@routes.output(StoreBatchOut)
def put_many(json_data: StoreBatchIn) -> StoreBatchOut:
    """Make or change up to 1,000 stores, each with an outcome of its own.

    One that does not fit fails alone. Sent again it changes nothing more."""
    outcomes: list[StoreItemOut] = []
    for start in range(0, len(json_data.items), TOGETHER):
        part = json_data.all_items[start : start + TOGETHER]

        def work(
            session: Session, part: list[StoreItemIn | MalformedItem] = part
        ) -> list[StoreItemOut]:
            programme = lookup.programme(session, json_data.programme)
            return [_outcome(session, programme, one) for one in part]

        outcomes += current_installation().database.run(work, idempotent=True)
    return StoreBatchOut(items=outcomes)


@routes.before_request
def allow_large_bodies() -> None:
    """A batch may have a larger body than other calls."""
    if request.path.endswith("/batch"):
        request.max_content_length = MOST_BODY_BYTES


@routes.get("/tills")
@routes.doc(operation_id="listTills")
@needs("stores:read")
@refuses(UnknownProgramme, UnknownStore)
@routes.input(TillsIn, location="query")
@routes.output(TillsOut)
def find_tills(query_data: TillsIn) -> TillsOut:
    """The tills of a programme, or of one store, in the order they were made."""
    place = paging.place(query_data)
    with current_installation().database.reading() as session:
        programme = lookup.programme(session, query_data.programme)
        store_id = None
        if query_data.store is not None:
            store_id = stores.store_named(session, programme.id, query_data.store).id
        page = place.page(
            stores.tills(session, programme.id, place.position or 0, place.most, store_id),
            lambda row: row[0].id,
        )
        return TillsOut(
            items=[_till_out(programme, till, store) for till, store in page.rows],
            next_cursor=page.next_cursor,
        )


@routes.get("/tills/<till>")
@routes.doc(operation_id="getTill")
@needs("stores:read")
@refuses(UnknownProgramme, UnknownTill, UnknownStore, StoreNotNamed)
@routes.input(TillAsked, location="query")
@routes.output(TillOut)
def read_till(till: str, query_data: TillAsked) -> TillOut:
    """One till; where several stores have one with this code, say of which store."""
    with current_installation().database.reading() as session:
        programme = lookup.programme(session, query_data.programme)
        found = stores.till_named(session, programme.id, till, query_data.store)
        return _till_out(programme, found, stores.store_of(session, found).code)


@routes.put("/tills/<till>")
@routes.doc(operation_id="putTill")
@needs("stores:write")
@revised
@refuses(UnknownProgramme, UnknownStore, StoreRefused, ChangedMeanwhile)
@routes.input(TillIn)
@routes.output(TillOut)
def put_till(till: str, json_data: TillIn) -> TillOut:
    """Make a till, or change it: afterwards it is as the body says, whole.

    Stores number their tills alike, so a till is named by its code and its store."""
    now = current_installation().clock()

    def work(session: Session) -> TillOut:
        programme = lookup.programme(session, json_data.programme)
        store = stores.store_named(session, programme.id, json_data.store)
        known = revisions.known(lambda: stores.find_till(session, store.id, till))
        terms, by = json_data.terms(till), author(session)
        put_ = programme_changes.put_till(session, programme, terms, by, now, known)
        return _till_out(programme, put_, store.code)

    return current_installation().database.run(work)


def _outcome(
    session: Session, programme: Programme, wanted: StoreItemIn | MalformedItem
) -> StoreItemOut:
    if isinstance(wanted, MalformedItem):
        return StoreItemOut.model_validate({"key": wanted.key, **told_alone(wanted.error)})
    now = current_installation().clock()
    try:
        with session.begin_nested():
            store = programme_changes.put_store(
                session,
                programme,
                wanted.terms(wanted.code),
                author(session),
                now,
                wanted.revision,
            )
    except Refusal as refusal:
        return StoreItemOut.model_validate({"key": wanted.code, **told_alone(refusal)})
    return StoreItemOut(key=wanted.code, status=200, store=_store_out(programme, store))


def _store_out(programme: Programme, store: Store) -> StoreOut:
    return StoreOut(
        code=store.code,
        programme=programme.code,
        name=store.name,
        group=store.group,
        timezone=store.timezone,
        closed=store.closed,
        revision=store.revision,
        created_at=store.created_at,
        changed_at=store.changed_at,
    )


def _till_out(programme: Programme, till: Till, store: str) -> TillOut:
    return TillOut(
        code=till.code,
        store=store,
        programme=programme.code,
        name=till.name,
        closed=till.closed,
        revision=till.revision,
        created_at=till.created_at,
        changed_at=till.changed_at,
    )
