"""What a kind of import is: which columns its files have, how their rows are read, checked and
applied, and what is told of them. `registry` says which kinds there are."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, Protocol

from sqlalchemy.orm import Session

from ledger.imports.cells import Cell
from ledger.imports.headers import Layout
from ledger.imports.meanings import LocalForms
from ledger.imports.rows_before import RowsBefore
from ledger.imports.store import Import, Row, RowSaid, Tally
from ledger.languages import Language
from ledger.programmes.programmes import Programme
from ledger.programmes.units import Unit


@dataclass(frozen=True, slots=True)
class Destination:
    """Where the rows of a file go: a programme, and one of its units where they count points."""

    programme: Programme
    unit: Unit


@dataclass(frozen=True, slots=True)
class ImportWords:
    """What people call a kind of import and what its files hold; what they call its fields, in the
    order in which a preview shows them. All of it stands in the catalogue of `ledger`."""

    title: str
    about: str
    fields: Mapping[str, str]


class ImportKind(Protocol):
    """A kind of import. `concerns`: whose matter its files are, members or goods or stores.
    `comes_again`: a file that was applied may be sent once more, and changes what is not so any
    more. `archives`: what is gone since the last file can be put aside. `content`: the type of what
    a row says. `numbers`: fields that hold amounts."""

    @property
    def code(self) -> str: ...

    @property
    def words(self) -> ImportWords: ...

    @property
    def concerns(self) -> Literal["people", "catalogue", "stores"]: ...

    @property
    def comes_again(self) -> bool: ...

    @property
    def archives(self) -> bool: ...

    @property
    def content(self) -> type[RowSaid]: ...

    @property
    def numbers(self) -> Sequence[str]: ...

    def is_column(self, title: str) -> bool:
        """Whether this is the name of a column that such files have, imported or not."""

    def layout(self, header: Sequence[str]) -> Layout:
        """Which fields the columns of this header hold. Raises `FileRefused` for a header that
        cannot be one."""

    def decimals(self, session: Session, to: Destination) -> int:
        """How many decimal places its amounts have."""

    def row(self, number: int, cells: Sequence[Cell], layout: Layout, local: LocalForms) -> Row:
        """What a row says, and what is wrong with its cells."""

    def check(
        self,
        session: Session,
        to: Destination,
        rows: Sequence[Row],
        seen: RowsBefore,
        tally: Tally,
        now: datetime,
    ) -> tuple[list[Row], list[Row]]:
        """The rows that can be applied, and those that cannot, each with what is wrong; both are
        added to the tally. Nothing is written for good. Raises `FileRefused`."""

    def apply(
        self, session: Session, import_: Import, rows: Sequence[Row], now: datetime
    ) -> Sequence[int]:
        """Apply these rows and count in `import_` what became of them; one that is not good any
        more is left out, with the reason. Returns the ids of members who joined."""

    def close(self, session: Session, import_: Import, now: datetime) -> bool:
        """What is left to do when all rows are applied, a bounded piece of it; True if that was
        the last."""

    def as_stored(self, content: Any, to: Destination, language: Language) -> dict[str, str]:
        """What a row says, field by field, written for people: so a wrong column or a wrong code
        page is seen at once."""

    def statement(self, session: Session, import_: Import) -> dict[str, Any]:
        """What the statement of a finished import says beside what all kinds have, `agrees` among
        it: whether its sums do."""
