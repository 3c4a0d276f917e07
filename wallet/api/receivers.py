"""Receivers: systems that are told what happens.

Nothing here takes an Idempotency-Key: the answer to one is kept for ever, and secrets must not be.
A name belongs to one receiver, so a repeated request makes no second."""

from collections.abc import Callable
from typing import TypeVar

from apiflask import APIBlueprint
from sqlalchemy.orm import Session

from ledger.errors import UnknownProgramme
from ledger.programmes import programmes
from wallet.api import lookup, paging
from wallet.api.auth import author, doer, needs
from wallet.api.bodies.paging import PageIn, PageInProgramme
from wallet.api.bodies.receivers import (
    AttemptOut,
    AttemptSearch,
    AttemptsOut,
    ReceiverChange,
    ReceiverIn,
    ReceiverMade,
    ReceiverOut,
    ReceiversOut,
    ReplayIn,
    RetiredOut,
    SecretOut,
    TestOut,
    UndeliveredOut,
    UndeliveredPage,
)
from wallet.api.calls import refuses
from wallet.errors import ReceiverRefused, UnknownEvent, UnknownReceiver
from wallet.installation import current_installation
from wallet.receivers import log, receivers
from wallet.receivers.receivers import Receiver, ReceiverTerms, Replay

ReachedResult = TypeVar("ReachedResult")

routes = APIBlueprint("receivers", __name__, tag="Receivers")


@routes.post("/receivers")
@routes.doc(operation_id="createReceiver")
@needs("receivers:write")
@refuses(ReceiverRefused, UnknownProgramme)
@routes.input(ReceiverIn)
@routes.output(ReceiverMade, status_code=201)
def add(json_data: ReceiverIn) -> ReceiverMade:
    """Add a receiver. It is told what happens from now on.

    The answer has the secret with which it checks signatures, this once. `personal` needs the scope
    personal:read."""
    house = current_installation()

    def work(session: Session) -> ReceiverMade:
        terms = ReceiverTerms(
            json_data.name,
            json_data.url,
            lookup.programme_id(session, json_data.programme),
            json_data.types,
            json_data.personal,
        )
        receiver, secret = receivers.add(
            session, house.keys, house.receivers_at, terms, doer(session), house.clock()
        )
        return ReceiverMade(**dict(_receiver_out(session, receiver)), secret=secret)

    return house.database.run(work)


@routes.get("/receivers")
@routes.doc(operation_id="listReceivers")
@needs("receivers:read")
@refuses(UnknownProgramme)
@routes.input(PageInProgramme, location="query")
@routes.output(ReceiversOut)
def find(query_data: PageInProgramme) -> ReceiversOut:
    """All receivers, oldest first; with `programme`, those that hear of it alone."""
    place = paging.place(query_data)
    with current_installation().database.reading() as session:
        programme_id = lookup.programme_id(session, query_data.programme)
        page = place.page(receivers.listed(session, programme_id, place.position or 0, place.most))
        return ReceiversOut(
            items=[_receiver_out(session, one) for one in page.rows],
            next_cursor=page.next_cursor,
        )


@routes.get("/receivers/<receiver_id>")
@routes.doc(operation_id="getReceiver")
@needs("receivers:read")
@refuses(UnknownReceiver)
@routes.output(ReceiverOut)
def read(receiver_id: str) -> ReceiverOut:
    """One receiver: how far it was told, and whether it takes what it is sent."""
    with current_installation().database.reading() as session:
        return _receiver_out(session, lookup.receiver(session, receiver_id))


@routes.patch("/receivers/<receiver_id>")
@routes.doc(operation_id="updateReceiver")
@needs("receivers:write")
@refuses(UnknownReceiver, ReceiverRefused)
@routes.input(ReceiverChange)
@routes.output(ReceiverOut)
def change(receiver_id: str, json_data: ReceiverChange) -> ReceiverOut:
    """Change a receiver, or switch it off and on. What is not named stays as it is.

    If it is `personal` afterwards, the scope personal:read is needed."""
    house = current_installation()
    wanted = json_data.model_dump(include=json_data.model_fields_set)

    def work(session: Session) -> Receiver:
        by, now = doer(session), house.clock()
        return receivers.change(session, house.receivers_at, receiver_id, wanted, by, now)

    return _done(receiver_id, work)


@routes.delete("/receivers/<receiver_id>")
@routes.doc(operation_id="deleteReceiver")
@needs("receivers:write")
@refuses(UnknownReceiver)
@routes.output(ReceiverOut)
def remove(receiver_id: str) -> ReceiverOut:
    """Remove a receiver, and all that was kept of it. Answers with what it was.

    The same call once more finds it no longer: 404 `unknown_receiver`."""

    def work(session: Session) -> ReceiverOut:
        receiver = receivers.locked(session, receiver_id)
        was = _receiver_out(session, receiver)
        receivers.remove(session, receiver_id, author(session), current_installation().clock())
        return was

    return _run(receiver_id, work)


@routes.post("/receivers/<receiver_id>/rotate")
@routes.doc(operation_id="rotateReceiverSecret")
@needs("receivers:write")
@refuses(UnknownReceiver, ReceiverRefused)
@routes.output(SecretOut, status_code=201)
def rotate(receiver_id: str) -> SecretOut:
    """Make one more secret. Events are signed with it and with the older ones until `retire`."""
    house = current_installation()

    def work(session: Session) -> SecretOut:
        by = author(session)
        secret = receivers.rotate(session, house.keys, receiver_id, by, house.clock())
        return SecretOut(secret=secret)

    return _run(receiver_id, work)


@routes.post("/receivers/<receiver_id>/retire")
@routes.doc(operation_id="retireReceiverSecrets")
@needs("receivers:write")
@refuses(UnknownReceiver)
@routes.output(RetiredOut)
def retire(receiver_id: str) -> RetiredOut:
    """Delete all secrets but the newest."""

    def work(session: Session) -> RetiredOut:
        now = current_installation().clock()
        return RetiredOut(retired=receivers.retire(session, receiver_id, author(session), now))

    return _run(receiver_id, work)


@routes.post("/receivers/<receiver_id>/test")
@routes.doc(operation_id="testReceiver")
@needs("receivers:write")
@refuses(UnknownReceiver, ReceiverRefused)
@routes.output(TestOut, status_code=202)
def test(receiver_id: str) -> TestOut:
    """Send an event of the type `receiver.tested` to this receiver alone.

    What came of it stands in its attempts."""
    now = current_installation().clock()
    event = _run(receiver_id, lambda session: receivers.test(session, receiver_id, now))
    return TestOut(event=event)


@routes.post("/receivers/<receiver_id>/replay")
@routes.doc(operation_id="replayEvents")
@needs("receivers:write")
@refuses(UnknownReceiver, UnknownEvent)
@routes.input(ReplayIn)
@routes.output(ReceiverOut, status_code=202)
def replay(receiver_id: str, json_data: ReplayIn) -> ReceiverOut:
    """Send events once more, under their own ids. They are kept for thirty days."""
    now = current_installation().clock()

    def work(session: Session) -> Receiver:
        wanted = Replay(json_data.since, json_data.event, json_data.given_up is True)
        return receivers.replay(session, receiver_id, wanted, author(session), now)

    return _done(receiver_id, work)


@routes.get("/receivers/<receiver_id>/attempts")
@routes.doc(operation_id="listReceiverAttempts")
@needs("receivers:read")
@refuses(UnknownReceiver)
@routes.input(AttemptSearch, location="query")
@routes.output(AttemptsOut)
def attempts(receiver_id: str, query_data: AttemptSearch) -> AttemptsOut:
    """Attempts to send events to a receiver, newest first. They are kept for thirty days."""
    place = paging.place(query_data)
    with current_installation().database.reading() as session:
        receiver = lookup.receiver(session, receiver_id)
        found = log.attempts(
            session,
            receiver.id,
            place.position,
            place.most,
            event_id=query_data.event,
            failed=query_data.failed,
        )
        page = place.page(found, lambda row: row[0].id)
        return AttemptsOut(
            items=[
                AttemptOut.model_validate(
                    {
                        "event": attempt.event_id,
                        "type": None if event is None else event.type,
                        "sent_at": attempt.sent_at,
                        "took_ms": attempt.took_ms,
                        "status": attempt.status,
                        "problem": attempt.problem,
                        "answer": attempt.answer,
                    }
                )
                for attempt, event in page.rows
            ],
            next_cursor=page.next_cursor,
        )


@routes.get("/receivers/<receiver_id>/undelivered")
@routes.doc(operation_id="listUndeliveredEvents")
@needs("receivers:read")
@refuses(UnknownReceiver)
@routes.input(PageIn, location="query")
@routes.output(UndeliveredPage)
def undelivered(receiver_id: str, query_data: PageIn) -> UndeliveredPage:
    """Events that a receiver did not take: those to be tried again, and those given up."""
    place = paging.place(query_data)
    with current_installation().database.reading() as session:
        receiver = lookup.receiver(session, receiver_id)
        found = log.undelivered(session, receiver.id, place.position or 0, place.most)
        page = place.page(found, lambda row: row[0].event_id)
        return UndeliveredPage(
            items=[
                UndeliveredOut(
                    event=row.event_id,
                    type=event.type,
                    attempts=row.attempts,
                    next_at=row.due_at if row.given_up_at is None else None,
                    given_up_at=row.given_up_at,
                )
                for row, event in page.rows
            ],
            next_cursor=page.next_cursor,
        )


def _done(receiver_id: str, act: Callable[[Session], Receiver]) -> ReceiverOut:
    return _run(receiver_id, lambda session: _receiver_out(session, act(session)))


def _run(receiver_id: str, work: Callable[[Session], ReachedResult]) -> ReachedResult:
    """Work on a receiver, in one transaction, if the caller may reach it."""

    def reached(session: Session) -> ReachedResult:
        lookup.receiver(session, receiver_id)
        return work(session)

    return current_installation().database.run(reached)


def _receiver_out(session: Session, receiver: Receiver) -> ReceiverOut:
    programme_id = receiver.programme_id
    paused = receiver.paused_until > current_installation().clock()
    return ReceiverOut(
        id=receiver.public_id,
        name=receiver.name,
        url=receiver.url,
        programme=None if programme_id is None else programmes.by_id(session, programme_id).code,
        types=receiver.types,
        personal=receiver.personal,
        enabled=receiver.enabled,
        disabled_because=receiver.disabled_because,
        secrets=receivers.number_of_secrets(session, receiver.id),
        created_at=receiver.created_at,
        position=receiver.position,
        failing_since=receiver.failing_since,
        paused_until=receiver.paused_until if paused else None,
        last_success_at=receiver.succeeded_at,
    )
