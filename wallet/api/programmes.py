"""Programmes: which there are, so that an integration can ask instead of being told."""

from collections.abc import Sequence

from apiflask import APIBlueprint

from ledger.programmes import programmes, units
from ledger.programmes.programmes import Programme
from ledger.programmes.units import Unit
from wallet.api import paging
from wallet.api.auth import caller, needs
from wallet.api.bodies.paging import PageIn
from wallet.api.bodies.programmes import ProgrammeLinks, ProgrammeOut, ProgrammesOut, UnitOut
from wallet.installation import current_installation

routes = APIBlueprint("programmes", __name__, tag="Programmes")


@routes.get("/programmes")
@routes.doc(operation_id="listProgrammes")
@needs("programmes:read")
@routes.input(PageIn, location="query")
@routes.output(ProgrammesOut)
def find(query_data: PageIn) -> ProgrammesOut:
    """The programmes that the key is for, in the order they were made."""
    place = paging.place(query_data)
    with current_installation().database.reading() as session:
        page = place.page(
            programmes.listed(session, place.position or 0, place.most, caller().programme_id)
        )
        items = [_programme_out(row, units.of_programme(session, row.id)) for row in page.rows]
    return ProgrammesOut(items=items, next_cursor=page.next_cursor)


def _programme_out(programme: Programme, counted: Sequence[Unit]) -> ProgrammeOut:
    join = f"{current_installation().settings.public_url}/join/{programme.code}"
    return ProgrammeOut(
        code=programme.code,
        name=programme.name,
        locale=programme.locale,
        languages=programme.languages,
        timezone=programme.timezone,
        country=programme.country,
        units=[UnitOut.model_validate(unit) for unit in counted],
        links=ProgrammeLinks(join=join, privacy=f"{join}/privacy"),
    )
