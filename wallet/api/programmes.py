"""Programmes: which there are, so that an integration can ask instead of being told."""

from collections.abc import Sequence

from apiflask import APIBlueprint

from ledger.programmes import programmes, units
from ledger.programmes.programmes import Programme
from ledger.programmes.units import Unit
from wallet.api import paging
from wallet.api.auth import needs
from wallet.api.bodies import PageIn, ProgrammeLinks, ProgrammeOut, ProgrammesOut, UnitOut
from wallet.installation import current_installation

routes = APIBlueprint("programmes", __name__, tag="Programmes")


@routes.get("/programmes")
@needs("programmes:read")
@routes.input(PageIn, location="query")
@routes.output(ProgrammesOut)
def find(query_data: PageIn) -> ProgrammesOut:
    """All programmes, in the order they were made."""
    after = paging.from_cursor(query_data.cursor) or 0
    with current_installation().database.reading() as session:
        found = programmes.listed(session, after, query_data.limit + 1)
        page = found[: query_data.limit]
        told = [_told(one, units.of_programme(session, one.id)) for one in page]
    more = len(found) > query_data.limit
    return ProgrammesOut(
        items=told,
        next_cursor=paging.to_cursor(page[-1].id) if more else None,
    )


def _told(programme: Programme, counted: Sequence[Unit]) -> ProgrammeOut:
    join = f"{current_installation().settings.public_url}/join/{programme.code}"
    return ProgrammeOut(
        code=programme.code,
        name=programme.name,
        locale=programme.locale,
        timezone=programme.timezone,
        units=[UnitOut.model_validate(unit) for unit in counted],
        links=ProgrammeLinks(join=join, privacy=f"{join}/privacy"),
    )
