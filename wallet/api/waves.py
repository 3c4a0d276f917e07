"""Waves: changes for whole programmes on their way to all cards."""

from collections.abc import Callable
from datetime import datetime

from apiflask import APIBlueprint
from sqlalchemy.orm import Session

from ledger.errors import UnknownProgramme
from ledger.programmes import programmes
from wallet.access import changes
from wallet.access.changes import ChangedThing
from wallet.api import lookup, paging
from wallet.api.auth import author, needs
from wallet.api.bodies.paging import PageInProgramme
from wallet.api.bodies.waves import CANCELLED, PAUSED, WaveOut, WavesOut
from wallet.api.calls import refuses
from wallet.delivery import waves
from wallet.delivery.waves import Wave
from wallet.errors import UnknownWave, WaveOver
from wallet.installation import current_installation

routes = APIBlueprint("waves", __name__, tag="Waves")


@routes.get("/waves")
@routes.doc(operation_id="listWaves")
@needs("offers:read")
@refuses(UnknownProgramme)
@routes.input(PageInProgramme, location="query")
@routes.output(WavesOut)
def find(query_data: PageInProgramme) -> WavesOut:
    """Changes for all cards of a programme, newest first.

    A new design or an offer for all members makes one. Each tells how far it has come, and when it
    is expected to be done."""
    place = paging.place(query_data)
    with current_installation().database.reading() as session:
        programme_id = lookup.programme_id(session, query_data.programme)
        page = place.page(waves.listed(session, programme_id, place.position, place.most))
        return WavesOut(
            items=[_wave_out(session, wave) for wave in page.rows], next_cursor=page.next_cursor
        )


@routes.get("/waves/<wave_id>")
@routes.doc(operation_id="getWave")
@needs("offers:read")
@refuses(UnknownWave)
@routes.output(WaveOut)
def read(wave_id: str) -> WaveOut:
    """How far a wave has come."""
    with current_installation().database.reading() as session:
        return _wave_out(session, lookup.wave(session, wave_id))


@routes.post("/waves/<wave_id>/pause")
@routes.doc(operation_id="pauseWave")
@needs("offers:write")
@refuses(UnknownWave, WaveOver)
@routes.output(WaveOut, example=PAUSED)
def pause(wave_id: str) -> WaveOut:
    """Pause a wave. Cards that it has not reached keep what they show until it is resumed."""
    return _done(wave_id, "wave.paused", lambda session, _: waves.pause(session, wave_id))


@routes.post("/waves/<wave_id>/resume")
@routes.doc(operation_id="resumeWave")
@needs("offers:write")
@refuses(UnknownWave, WaveOver)
@routes.output(WaveOut)
def resume(wave_id: str) -> WaveOut:
    """Let a paused wave go on, slowly at first."""
    return _done(wave_id, "wave.resumed", lambda session, now: waves.resume(session, wave_id, now))


@routes.post("/waves/<wave_id>/cancel")
@routes.doc(operation_id="cancelWave")
@needs("offers:write")
@refuses(UnknownWave, WaveOver)
@routes.output(WaveOut, example=CANCELLED)
def cancel(wave_id: str) -> WaveOut:
    """End a wave for good.

    Cards that it has not reached follow when something else changes them."""
    return _done(
        wave_id, "wave.cancelled", lambda session, now: waves.cancel(session, wave_id, now)
    )


def _done(wave_id: str, code: str, act: Callable[[Session, datetime], Wave]) -> WaveOut:
    """`code` is that of the change, in the record of them."""

    def done(session: Session) -> WaveOut:
        now = current_installation().clock()
        before = changes.held(session, lookup.wave(session, wave_id))
        wave = act(session, now)
        of = ChangedThing("wave", wave_id, wave.programme_id)
        changes.note(session, author(session), code, of, now, before, changes.facts(wave))
        return _wave_out(session, wave)

    return current_installation().database.run(done)


def _wave_out(session: Session, wave: Wave) -> WaveOut:
    return WaveOut(
        id=wave.public_id,
        programme=programmes.by_id(session, wave.programme_id).code,
        state=wave.state,
        total=wave.total,
        seen=wave.seen,
        changed=wave.changed,
        passes_per_second=wave.pace,
        created_at=wave.created_at,
        expected_at=wave.expected_at,
        finished_at=wave.finished_at,
    )
