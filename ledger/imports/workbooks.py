"""XLSX: one sheet of a workbook, as its rows.

openpyxl reads cells. It is strict about everything else in a workbook: a chart sheet, a faulty fill
or a date in the properties stops it, though spreadsheet programs open such a file. So it is shown a
package in which only the parts are that matter: the sheet, the shared texts, and the formats of
numbers. Before that the parts are measured, so that memory stays bounded whatever the archive
claims about itself."""

import io
import posixpath
import re
import warnings
import zipfile
from collections.abc import Iterator, Sequence
from datetime import date, time
from typing import IO, Any, BinaryIO, cast
from xml.sax.saxutils import quoteattr

from openpyxl import DEFUSEDXML
from openpyxl.reader.excel import ExcelReader
from openpyxl.xml.functions import fromstring

from ledger.errors import FileRefused, Refusal
from ledger.imports.cells import (
    FORMULA,
    MOST_COLUMNS,
    MOST_ROWS,
    NOT_FOUND_IN_SHEET,
    UNREADABLE,
    Cell,
    too_many_columns,
)

CHUNK = 1 << 20  # bytes read at a time

# Sizes are in bytes, unpacked.
MOST_ENTRIES = 1_000  # files in the archive
MOST_SHEET = 512 << 20
MOST_STRINGS = 128 << 20  # the table of texts that cells share
MOST_STRING_COUNT = 4 * MOST_ROWS
MOST_PART = 8 << 20  # any other XML file
MOST_ELEMENT = 4 << 20  # one row, or one shared text
LONGEST_TAG = 1_000  # characters of the tag of a row
HEAD = 1 << 16  # bytes in which the first tag of a part ends

# A number format that shows zeros in front: codes of 1C, EAN-13.
ZEROS = re.compile(r"0{2,}")
ROW_BEGINS = re.compile(rb"<(?:\w+:)?row[\s>/]")
HIDDEN_ROW = re.compile(rb"<(?:\w+:)?row\s(?:[^>]*\s)?hidden=[\"'](?:1|true)[\"']")
STRING_BEGINS = re.compile(rb"<(?:\w+:)?si[\s>/]")
# The begin of comments, declarations and instructions. No spreadsheet program writes them, and
# elements within them would not be counted.
HIDING_PLACE = re.compile(rb"<[!?]")
DECLARATION = re.compile(rb"\A(\xef\xbb\xbf)?\s*<\?xml [^<>]*\?>")

# ISO/IEC 29500 has two names for one vocabulary: the strict one, and that which all programs write.
MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
STRICT_MAIN = "http://purl.oclc.org/ooxml/spreadsheetml/main"
RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
CONTENT = "application/vnd.openxmlformats-officedocument.spreadsheetml"

WORKBOOK, SHEET, STRINGS = "xl/workbook.xml", "xl/worksheets/sheet1.xml", "xl/sharedStrings.xml"
STYLES = "xl/styles.xml"
TRUE = ("1", "true", "on")


class WorkbookSheet:
    """The first sheet that is not hidden; if all are hidden, the first. Its rows can be read
    several times.

    `others`: how many other sheets there are. `hidden_rows`: how many of its rows are hidden; they
    are read like all others. `day_zero`: the day from which its dates count."""

    def __init__(self, file: BinaryIO) -> None:
        """Raises `FileRefused`."""
        if not DEFUSEDXML:
            raise AssertionError("workbooks are read by way of defusedxml")
        try:
            file.seek(0)
            package = _Package(zipfile.ZipFile(file))
            self.name, self.others = package.sheet_name, package.other_sheets
            with package.open(SHEET) as part:
                self.hidden_rows = _hidden_rows(part)
            self.day_zero = date(1904, 1, 1) if package.counts_from_1904 else date(1899, 12, 30)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # about styles and dates, which we do not need
                self._sheet = _opened(file, package)
        except Refusal:
            raise
        except Exception as error:  # on broken files the library raises all kinds of exceptions
            raise _broken() from error

    def rows(self) -> Iterator[tuple[int, Sequence[Cell]]]:
        """All rows with their numbers, from 1. Raises `FileRefused`."""
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                yield from self._rows()
        except Refusal:
            raise
        except Exception as error:
            raise _broken() from error

    def _rows(self) -> Iterator[tuple[int, Sequence[Cell]]]:
        # The size that the sheet claims for itself is not used: rows are read as they come, up to
        # our own limits.
        gap: object = None  # the library returns one and the same object for all missing rows
        for number, row in enumerate(self._sheet.iter_rows(min_row=1, max_row=MOST_ROWS), start=1):
            if row is gap:
                continue
            end = len(row)
            while end and row[end - 1].value is None:
                end -= 1
            if not end:
                gap = row
            if end > MOST_COLUMNS:
                raise too_many_columns()
            yield number, [_cell(one) for one in row[:end]]


def _opened(file: BinaryIO, package: "_Package") -> Any:
    reader = ExcelReader(file, read_only=True, keep_links=False)
    reader.archive = cast(zipfile.ZipFile, package)  # it can do all that the reader asks for
    reader.valid_files = package.namelist()
    reader.read()
    (sheet,) = reader.wb.worksheets
    sheet.reset_dimensions()
    return sheet


def _cell(cell: Any) -> Cell:
    value, kind = cell.value, cell.data_type
    if kind == "f":
        return FORMULA
    if value is None or value in NOT_FOUND_IN_SHEET or value == time():  # the day zero
        return None
    if kind == "e":
        return UNREADABLE
    if type(value) is int and value >= 0 and ZEROS.fullmatch(form := _number_format(cell)):
        return str(value).rjust(len(form), "0")  # as it is shown, which is as it is printed
    return value if isinstance(value, str | int | float | date) else UNREADABLE


def _number_format(cell: Any) -> str:
    try:
        return cell.number_format or ""
    except IndexError:  # a format that the workbook does not have
        return ""


class _Package:
    """What openpyxl is shown of an archive. Names of parts are found as spreadsheet programs find
    them: backslashes are slashes, and the case of letters does not matter."""

    filename = ""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        """Raises `FileRefused`, and what broken archives and XML raise."""
        self._archive = archive
        _require_bounds(archive)
        self._entries = {_plain(one.filename): one for one in archive.infolist()}
        workbook = self._target("", "officeDocument") or WORKBOOK
        root = fromstring(self._bytes(workbook))
        self.counts_from_1904 = any(
            one.get("date1904") in TRUE for one in root if _local(one.tag) == "workbookPr"
        )
        parts = self._relations(workbook)
        sheets = [
            (str(one.get("name")), one.get("state", "visible") == "visible", path)
            for group in root
            if _local(group.tag) == "sheets"
            for one in group
            if (path := self._worksheet(one, parts)) is not None
        ]
        if not sheets:
            raise FileRefused("empty", "The workbook has no sheet.")
        chosen = next((one for one in sheets if one[1]), sheets[0])
        self.sheet_name, _, sheet = chosen
        self.other_sheets = len(sheets) - 1
        strings = next((path for kind, path in parts.values() if kind == "sharedStrings"), None)
        self._places = {SHEET: sheet}
        _measure(archive, self._entries[_plain(sheet)], MOST_SHEET, ROW_BEGINS, MOST_ROWS)
        if strings is not None and (entry := self._entries.get(_plain(strings))) is not None:
            self._places[STRINGS] = strings
            _measure(archive, entry, MOST_STRINGS, STRING_BEGINS, MOST_STRING_COUNT)
        styles = next((path for kind, path in parts.values() if kind == "styles"), None)
        self._made = {
            "[Content_Types].xml": self._content_types(),
            WORKBOOK: self._workbook(),
            "xl/_rels/workbook.xml.rels": self._workbook_relations(),
            STYLES: _styles(self._bytes(styles) if styles is not None else b""),
        }

    def namelist(self) -> list[str]:
        return [*self._made, *self._places]

    def read(self, name: str) -> bytes:
        if name in self._made:
            return self._made[name]
        return self.open(name).read()

    def open(self, name: str, mode: str = "r") -> "_PackagePart":
        del mode  # openpyxl names the only one there is
        if name in self._made:
            return _PackagePart(io.BytesIO(self._made[name]))
        return _PackagePart(self._archive.open(self._entries[_plain(self._places[name])]))

    def close(self) -> None:
        self._archive.close()

    def _bytes(self, name: str) -> bytes:
        """An XML part that is read as a whole; nothing if there is none. Raises `FileRefused`."""
        entry = self._entries.get(_plain(name))
        if entry is None:
            return b""
        if entry.file_size > MOST_PART:
            raise _too_large()
        return self._archive.read(entry)

    def _relations(self, part: str) -> dict[str, tuple[str, str]]:
        """What the part refers to, by the ids of the references: kind and path."""
        folder, name = posixpath.split(part)
        found = self._bytes(posixpath.join(folder, "_rels", f"{name}.rels"))
        if not found:
            return {}
        return {
            str(one.get("Id")): (
                str(one.get("Type")).rpartition("/")[2],
                posixpath.normpath(
                    posixpath.join("/", folder, str(one.get("Target")).replace("\\", "/"))
                ).lstrip("/"),
            )
            for one in fromstring(found)
            if one.get("TargetMode") != "External"
        }

    def _target(self, part: str, wanted: str) -> str | None:
        return next((path for kind, path in self._relations(part).values() if kind == wanted), None)

    def _worksheet(self, sheet: Any, parts: dict[str, tuple[str, str]]) -> str | None:
        """The path of a sheet that has rows; None for a chart and the like."""
        key = next((value for name, value in sheet.items() if _local(name) == "id"), None)
        kind, path = parts.get(str(key), ("", ""))
        return path if kind == "worksheet" and _plain(path) in self._entries else None

    def _content_types(self) -> bytes:
        kinds = {WORKBOOK: "sheet.main", SHEET: "worksheet", STYLES: "styles"}
        kinds |= {STRINGS: "sharedStrings"} if STRINGS in self._places else {}
        parts = "".join(
            f'<Override PartName="/{name}" ContentType="{CONTENT}.{kind}+xml"/>'
            for name, kind in kinds.items()
        )
        return f'<Types xmlns="{PACKAGE}/content-types">{parts}</Types>'.encode()

    def _workbook(self) -> bytes:
        return (
            f'<workbook xmlns="{MAIN}" xmlns:r="{RELATIONS}">'
            f'<workbookPr date1904="{int(self.counts_from_1904)}"/>'
            '<sheets><sheet name="sheet" sheetId="1" r:id="rId1"/></sheets></workbook>'
        ).encode()

    def _workbook_relations(self) -> bytes:
        return (
            f'<Relationships xmlns="{PACKAGE}/relationships"><Relationship Id="rId1"'
            f' Type="{RELATIONS}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>'
        ).encode()


class _PackagePart:
    """A part as a stream, in the vocabulary that openpyxl knows."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._head = stream.read(HEAD).replace(STRICT_MAIN.encode(), MAIN.encode())

    def read(self, size: int = -1) -> bytes:
        if size < 0:
            data, self._head = self._head + self._stream.read(), b""
        elif self._head:
            data, self._head = self._head[:size], self._head[size:]
        else:
            data = self._stream.read(size)
        return data

    def close(self) -> None:
        self._stream.close()

    def __enter__(self) -> "_PackagePart":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _plain(name: str) -> str:
    return name.replace("\\", "/").lstrip("/").casefold()


def _local(name: object) -> str:
    """A name without its namespace. Comments have none at all."""
    return name.rpartition("}")[2] if isinstance(name, str) else ""


def _styles(original: bytes) -> bytes:
    """Of all styles only the formats of numbers. If they cannot be read, cells have none, and a
    column of dates is known by its name."""
    formats, cells = "", '<xf numFmtId="0"/>'
    try:
        root = fromstring(original)
        groups = {_local(group.tag): group for group in root}
        formats = "".join(
            f'<numFmt numFmtId="{int(str(one.get("numFmtId")))}"'
            f" formatCode={quoteattr(one.get('formatCode') or 'General')}/>"
            for one in groups.get("numFmts", ())
        )
        used = [int(one.get("numFmtId") or 0) for one in groups.get("cellXfs", ())]
        cells = "".join(f'<xf numFmtId="{one}"/>' for one in used) or cells
    except Exception:  # noqa: S110 - whatever is wrong with it, it is not needed
        pass
    return (
        f'<styleSheet xmlns="{MAIN}">'
        + (f"<numFmts>{formats}</numFmts>" if formats else "")
        + "<fonts><font/></fonts><fills><fill><patternFill/></fill></fills>"
        f"<borders><border/></borders><cellStyleXfs><xf/></cellStyleXfs><cellXfs>{cells}</cellXfs></styleSheet>"
    ).encode()


def _hidden_rows(part: _PackagePart) -> int:
    count, rest = 0, b""
    while data := part.read(CHUNK):
        data = rest + data
        cut = data.rfind(b"<", max(len(data) - LONGEST_TAG, 0))
        seen, rest = (data, b"") if cut < 0 else (data[:cut], data[cut:])
        count += sum(1 for _ in HIDDEN_ROW.finditer(seen))
    return count + sum(1 for _ in HIDDEN_ROW.finditer(rest))


def _require_bounds(archive: zipfile.ZipFile) -> None:
    entries = archive.infolist()
    if len(entries) > MOST_ENTRIES:
        raise _too_large()
    for entry in entries:
        if _plain(entry.filename).endswith("vbaproject.bin"):
            raise FileRefused("macros", "The workbook has macros. Save it as .xlsx, without them.")
        if entry.flag_bits & 1:
            raise FileRefused("old_or_encrypted", "The file has a password; remove it.")


def _measure(
    archive: zipfile.ZipFile,
    entry: zipfile.ZipInfo,
    limit: int,
    begins: re.Pattern[bytes],
    most: int,
) -> None:
    """Raises `FileRefused` for a part that would need more memory than a table does. It is enough
    to check the size that it claims: the reader never unpacks more than that."""
    if entry.file_size > limit:
        raise _too_large()
    if entry.file_size > MOST_ELEMENT:
        with archive.open(entry) as part:
            _measure_elements(part, begins, most)


def _measure_elements(part: IO[bytes], begins: re.Pattern[bytes], most: int) -> None:
    """Raises `FileRefused` for too many or too large elements: the parser keeps each element in
    memory as a whole before it can be dropped, and a little of it afterwards."""
    count = since = 0
    rest = DECLARATION.sub(b"", part.read(CHUNK), count=1)
    while data := part.read(CHUNK):
        data, known = rest + data, len(rest) if count or since else 0
        # A tag may be cut by the end of the chunk: it is examined together with the next chunk.
        cut = data.rfind(b"<", max(len(data) - LONGEST_TAG, 0))
        seen, rest = (data, b"") if cut < 0 else (data[:cut], data[cut:])
        if HIDING_PLACE.search(seen):
            raise _too_large()
        places = [one.start() for one in begins.finditer(seen)]
        count += len(places)
        since = len(data) - places[-1] if places else since + len(data) - known
        if count > most or since > MOST_ELEMENT:
            raise _too_large()


def _too_large() -> FileRefused:
    return FileRefused(
        "too_large_inside", "Unpacked, the workbook is too large. Save the table as CSV."
    )


def _broken() -> FileRefused:
    return FileRefused("broken", "The workbook cannot be read; save it anew.")
