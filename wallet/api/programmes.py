"""Programmes: which there are, so that an integration can ask instead of being told; and the terms
of what they count."""

from collections.abc import Sequence

from apiflask import APIBlueprint
from sqlalchemy.orm import Session

from ledger.errors import UnknownProgramme, UnknownUnit
from ledger.programmes import programmes, units
from ledger.programmes.programmes import Programme
from ledger.programmes.units import Unit
from wallet.access import changes
from wallet.access.changes import ChangedThing
from wallet.api import lookup, paging
from wallet.api.auth import author, caller, needs
from wallet.api.bodies.paging import PageIn
from wallet.api.bodies.programmes import (
    ProgrammeLinks,
    ProgrammeOut,
    ProgrammesOut,
    ProgrammeTermsOut,
    UnitChange,
    UnitOut,
)
from wallet.api.calls import refuses
from wallet.installation import current_installation

routes = APIBlueprint("programmes", __name__, tag="Programmes")


@routes.get("/programmes")
@routes.doc(operation_id="listProgrammes")
@needs("programmes:read")
@routes.input(PageIn, location="query")
@routes.output(ProgrammesOut)
def find(query_data: PageIn) -> ProgrammesOut:
    """The programmes that the key opens, in the order they were made."""
    place = paging.place(query_data)
    with current_installation().database.reading() as session:
        page = place.page(
            programmes.listed(session, place.position or 0, place.most, caller().programme_id)
        )
        items = [_programme_out(row, units.of_programme(session, row.id)) for row in page.rows]
    return ProgrammesOut(items=items, next_cursor=page.next_cursor)


@routes.patch("/programmes/<programme>/units/<unit>")
@routes.doc(operation_id="updateUnit")
@needs("programmes:write")
@refuses(UnknownProgramme, UnknownUnit)
@routes.input(UnitChange)
@routes.output(UnitOut)
def change_unit(programme: str, unit: str, json_data: UnitChange) -> UnitOut:
    """Change how long points live that come from now on.

    Points that there are keep their dates. Sent again it changes nothing."""

    def work(session: Session) -> UnitOut:
        programme_ = lookup.programme(session, programme)
        before = changes.held(session, units.named(session, programme_.id, unit))
        changed = units.change_terms(session, programme_.id, unit, json_data.live_days)
        of = ChangedThing("unit", unit, programme_.id)
        by, now = author(session), current_installation().clock()
        changes.note(session, by, "unit.changed", of, now, before, changes.facts(changed))
        return UnitOut.model_validate(changed)

    return current_installation().database.run(work, idempotent=True)


@routes.get("/programmes/<programme>")
@routes.doc(operation_id="getProgramme")
@needs("programmes:read")
@refuses(UnknownProgramme)
@routes.output(ProgrammeOut)
def read(programme: str) -> ProgrammeOut:
    """One programme: its languages, what it counts, and its terms."""
    with current_installation().database.reading() as session:
        found = lookup.programme(session, programme)
        return _programme_out(found, units.of_programme(session, found.id))


def _programme_out(programme: Programme, counted: Sequence[Unit]) -> ProgrammeOut:
    join = f"{current_installation().settings.public_url}/join/{programme.code}"
    return ProgrammeOut(
        code=programme.code,
        name=programme.name,
        locale=programme.locale,
        languages=programme.languages,
        timezone=programme.timezone,
        country=programme.country,
        terms=ProgrammeTermsOut.model_validate(programme),
        created_at=programme.created_at,
        units=[UnitOut.model_validate(unit) for unit in counted],
        links=ProgrammeLinks(join=join, privacy=f"{join}/privacy"),
    )
