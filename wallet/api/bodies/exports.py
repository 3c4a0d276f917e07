"""Members and postings as files, and the record of who took which."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict

from ledger.fields import Code, Id, Moment
from ledger.people.members import MemberState
from wallet.access.exports import ExportFormat, ExportKind
from wallet.api.bodies.answers import AnswerBody
from wallet.api.bodies.examples import Example, page_of, shows
from wallet.api.bodies.members import IN_FULL, MemberInFull
from wallet.api.bodies.paging import PageInProgramme
from wallet.api.bodies.statements import DAYBOOK, PostingFactsOut, PostingFilters

NDJSON = "application/x-ndjson"
CSV = "text/csv"


class MembersExportIn(BaseModel):
    """Which members are wanted, as in their list, and in which form."""

    model_config = ConfigDict(extra="forbid")

    programme: Code
    format: ExportFormat | None = None
    state: MemberState | None = None
    since: Moment | None = None
    until: Moment | None = None
    household: Id | None = None


class PostingsExportIn(PostingFilters):
    """Which postings are wanted, as in their list, and in which form."""

    programme: Code
    format: ExportFormat | None = None


class ExportSearch(PageInProgramme):
    """Exports of one programme; without `programme`, of all."""


def _file(model: type[BaseModel], example: Example, table: str) -> dict[str, Any]:
    """A file in either form, as OpenAPI writes it."""
    return {
        NDJSON: {
            "schema": {"$ref": f"#/components/schemas/{model.__name__}"},
            "example": example,
        },
        CSV: {"schema": {"type": "string"}, "example": table},
    }


MEMBER_LINE = {name: value for name, value in IN_FULL.items() if name != "links"}
MEMBERS_FILE = _file(
    MemberInFull,
    MEMBER_LINE,
    "id;programme;state;created_at;merged_into;household;card;card_state;available;pending;held;debt\r\n",
)
POSTINGS_FILE = _file(
    PostingFactsOut,
    DAYBOOK,
    "id;programme;kind;reason;receipt;store;promotion;card;reverses;undoes;occurred_at;posted_at;"
    "member;unit;account;points;balance_after;purchase;purchase_currency\r\n",
)

EXPORT = {
    "id": "01a20f22-f0aa-7c11-8d5e-3b7a9c1e2f40",
    "programme": "demo",
    "what": "members",
    "format": "csv",
    "personal": True,
    "filters": {"state": "active"},
    "by": "key crm",
    "started_at": "2026-11-24T12:00:00Z",
    "ended_at": "2026-11-24T12:00:09Z",
    "complete": True,
    "rows": 1204,
}


class ExportOut(AnswerBody):
    """A file that was taken out. Of filters that may name a person only the name is kept, and `…`
    in place of the value."""

    model_config = shows(EXPORT)

    id: str
    programme: str
    what: ExportKind
    format: ExportFormat
    personal: bool
    filters: dict[str, str | int]
    by: str
    started_at: datetime
    ended_at: datetime | None
    complete: bool
    rows: int


class ExportsOut(AnswerBody):
    """Exports, newest first."""

    model_config = shows(page_of(EXPORT))

    items: list[ExportOut]
    next_cursor: str | None
