"""Imports: a spreadsheet is sent, looked at before anything is written, applied, and proven by a
signed statement."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import BinaryIO, cast

from flask import Blueprint, make_response, request
from markupsafe import Markup
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from ledger import words
from ledger.errors import Refusal, UnknownImport
from ledger.imports import previews, registry, steps, store, things, wording
from ledger.imports.kind import ImportKind
from ledger.imports.meanings import DecimalSign
from ledger.imports.store import Import, ImportRequest
from ledger.programmes import units
from ledger.words import N_, number_in
from wallet.console import listing, moments, pages
from wallet.console.forms import FormEntries
from wallet.console.pages import IN_PROGRAMME, needs
from wallet.installation import current_installation
from wallet.pages import language
from wallet.pages.language import counted, ngettext
from wallet.pages.language import gettext as _
from wallet.people import importing

HERE = "settings"
NEW, SHOWN = "console/settings/import_new.html", "console/settings/import.html"
MOST_GONE = 20  # codes of what is gone, shown in one line
MOST_PROBLEMS = 20  # shown beside the preview; all of them have a page of their own
UPLOAD = "console.imports.add"

STATES: Mapping[str, tuple[str, str]] = {
    "reading": ("wait", N_("is being read")),
    "refused": ("bad", N_("cannot be read")),
    "checked": ("info", N_("to be looked at")),
    "applying": ("wait", N_("is being applied")),
    "done": ("good", N_("done")),
}
routes = Blueprint("imports", __name__)


@dataclass(frozen=True, slots=True)
class RowTrouble:
    """What is wrong with a row: its number in the file, the column, and a sentence."""

    row: int
    column: str
    sentence: str


@routes.get(f"{IN_PROGRAMME}/imports")
@needs("imports:write")
def find() -> str:
    """The imports of the programme, newest first."""
    after = listing.after()
    with current_installation().database.reading() as session:
        found = store.listed(
            session, pages.programme().id, after[0] if after else None, listing.ROWS + 1
        )
        page = listing.page(found, lambda one: (one.id,))
        moment = _moments(session)
    return pages.show(
        "console/settings/imports.html",
        HERE,
        page=page,
        kinds={code: _told(kind.words.title) for code, kind in registry.KINDS.items()},
        states=_states(),
        moment=moment,
        number=language.number,
    )


@routes.get(f"{IN_PROGRAMME}/imports/new")
@needs("imports:write")
def new() -> str:
    """The form that takes a file."""
    return pages.show(NEW, HERE, typed={"kind": "members"}, problems={}, **_around_form())


@routes.post(f"{IN_PROGRAMME}/imports/new")
@needs("imports:write")
def add() -> Response:
    """Keep a file until it is read."""
    entries, house = FormEntries(), current_installation()
    kind = next((one for one in registry.KINDS if one == entries["kind"]), None)
    if kind is None or not _may(registry.named(kind)):
        entries.refuse("kind", _("Please choose one of them."))
    sent = request.files.get("file")
    if sent is None or not sent.filename:
        entries.refuse("file", _("Choose a file: a spreadsheet (XLSX) or a table as text (CSV)."))
    decimal = cast(DecimalSign, entries["decimal"]) if entries["decimal"] else None
    if decimal not in (None, "comma", "point"):
        entries.refuse("decimal", _("Please choose one of them."))
    reason = entries.text("reason", required=False, most=300)
    if entries.fit and kind is not None and sent is not None:
        order = ImportRequest(
            pages.programme().code, kind, entries["unit"] or None, reason or None, decimal
        )
        try:
            import_ = importing.receive(house.import_desk, cast(BinaryIO, sent.stream), order)
            return pages.go("console.imports.show", import_id=import_.public_id)
        except Refusal as refusal:
            entries.refused(refusal, "file")
    return pages.show_again(NEW, HERE, entries, typed=entries, **_around_form())


@routes.get(f"{IN_PROGRAMME}/imports/<import_id>")
@needs("imports:write")
def show(import_id: str) -> Response | str:
    """How far an import is: being read, to be looked at, being applied, or done."""
    with current_installation().database.reading() as session:
        import_ = _find(session, import_id)
        return pages.show(SHOWN, HERE, problems={}, **_around(session, import_))


@routes.post(f"{IN_PROGRAMME}/imports/<import_id>/apply")
@needs("imports:write")
def apply(import_id: str) -> Response:
    """Have a file applied that was looked at."""
    entries, house = FormEntries(), current_installation()
    with house.database.reading() as session:
        import_ = _find(session, import_id)
    if not _may(registry.named(import_.kind)):
        pages.not_there(HERE)
    skip_bad, archive_gone = entries.ticked("skip_bad"), entries.ticked("archive_gone")
    try:
        importing.start(
            house.import_desk,
            import_id,
            pages.author(),
            skip_bad=skip_bad,
            archive_gone=archive_gone,
        )
    except UnknownImport:
        pages.not_there(HERE)
    except Refusal as refusal:
        entries.refused(refusal)
        with house.database.reading() as session:
            around = _around(session, import_)
            return pages.show_again(SHOWN, HERE, entries, **around)
    return pages.go("console.imports.show", import_id=import_id)


@routes.post(f"{IN_PROGRAMME}/imports/<import_id>/withdraw")
@needs("imports:write")
def withdraw(import_id: str) -> Response:
    """Take back a file that was not applied: nothing of it is left."""
    house = current_installation()
    with house.database.reading() as session:
        _find(session, import_id)
    try:
        importing.withdraw(house.import_desk, import_id, pages.author())
    except UnknownImport:
        pages.not_there(HERE)
    except Refusal as refusal:
        pages.say(refusal.sentence(language.current()), "bad")
        return pages.go("console.imports.show", import_id=import_id)
    pages.say(_("Withdrawn: nothing of the file is left here."))
    return pages.go("console.imports.find")


@routes.get(f"{IN_PROGRAMME}/imports/<import_id>/rows")
@needs("imports:write")
def rows(import_id: str) -> Response | str:
    """The rows that cannot be imported, and why."""
    after = listing.after()
    with current_installation().database.reading() as session:
        import_ = _find(session, import_id)
        found = store.problems(session, import_.id, after[0] if after else 0, listing.ROWS + 1)
        page = listing.page(found, lambda one: (one.id,))
        return pages.show(
            "console/settings/import_rows.html",
            HERE,
            import_=import_,
            page=page,
            troubles=_troubles(import_, page.rows),
            number=language.number,
        )


@routes.get(f"{IN_PROGRAMME}/imports/<import_id>/statement.json")
@needs("imports:write")
def statement(import_id: str) -> Response:
    """The signed statement of a finished import, as a file to hand on; before it is finished, the
    way to how far it is."""
    house = current_installation()
    with house.database.reading() as session:
        import_ = _find(session, import_id)
    proof = importing.statement(house.import_desk, import_)
    if proof is None:
        return pages.go("console.imports.show", import_id=import_id)
    answer = make_response(json.dumps(proof, ensure_ascii=False, indent=2))
    answer.mimetype = "application/json"
    answer.headers.set("Content-Disposition", "attachment", filename=f"import-{import_id}.json")
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _find(session: Session, import_id: str) -> Import:
    """The import of this programme with this id; the request ends with 404 if there is none."""
    try:
        found = store.find(session, import_id)
    except UnknownImport:
        pages.not_there(HERE)
    return found if found.programme_id == pages.programme().id else pages.not_there(HERE)


def _around_form() -> dict[str, object]:
    with current_installation().database.reading() as session:
        known = [
            ("" if unit.main else unit.code, unit.code)
            for unit in units.of_programme(session, pages.programme().id)
        ]
    megabytes = current_installation().settings.import_bytes // (1024 * 1024)
    return {
        "kinds": [
            (code, _told(kind.words.title), _told(kind.words.about))
            for code, kind in registry.KINDS.items()
            if _may(kind)
        ],
        "units": known,
        "megabytes": megabytes,
    }


def _around(session: Session, import_: Import) -> dict[str, object]:
    tongue = language.current()
    unit = units.by_id(session, import_.unit_id)
    kind = registry.named(import_.kind)
    found = store.problems(session, import_.id, 0, MOST_PROBLEMS)
    of_known = import_.found_members
    done = import_.applied + import_.left_out
    order = list(kind.words.fields)
    shown = sorted(
        import_.titles.items(), key=lambda one: order.index(one[0].partition(things.OF)[0])
    )
    gone = things.gone(session, import_, MOST_GONE) if import_.state == store.DONE else ()
    return {
        "may_apply": _may(kind),
        "can_archive": kind.archives,
        "gone": ", ".join(code.partition("\t")[0] for code in gone),
        "gone_more": max(import_.gone_things - len(gone), 0),
        "same_things": import_.applied - import_.things_added - import_.things_changed,
        "import_": import_,
        "kind": _told(kind.words.title),
        "concerns": kind.concerns,
        "state": _states()[import_.state],
        "percent": 100 * done // import_.rows if import_.rows else 0,
        "columns": [
            (title, _told(kind.words.fields[name.partition(things.OF)[0]])) for name, title in shown
        ],
        "sample_names": [name for name, _title in shown],
        "left_aside": [
            wording.sentence(one["code"], {"column": one["column"]}, tongue)
            for one in import_.left_aside
        ],
        "understood": list(previews.understood(import_.facts or {}, tongue)),
        "sample": _sample(session, import_, kind),
        "troubles": _troubles(import_, found),
        "refusal": None if import_.refusal is None else store.refusal_of(import_).sentence(tongue),
        "points_good": language.amount(unit, import_.points_good),
        "points_in_file": language.amount(unit, import_.points_in_file),
        "points_applied": language.amount(unit, import_.points_applied),
        "unit_word": language.unit_word(unit, import_.points_good),
        "done_words": counted(
            "Done: %(count)s row is applied.", "Done: %(count)s rows are applied.", import_.applied
        ),
        "number": lambda value: number_in(tongue, value),
        "new_words": ngettext("new customer", "new customers", import_.new_members),
        "known_words": ngettext("customer who is there", "customers who are there", of_known),
        "moment": _moments(session),
    }


def _may(kind: ImportKind) -> bool:
    """Whether who is there may apply files of this kind: they may change such things by hand."""
    right = importing.right_for(kind.code)
    return right is None or pages.may(right)


def _told(text: str) -> str:
    """What a kind says of itself, in the reader's language."""
    return words.catalogue("ledger").text(language.current(), text)


def _sample(
    session: Session, import_: Import, kind: ImportKind
) -> list[tuple[int, dict[str, str]]]:
    """The first rows as they will be stored; of people, for those who may see what is known of
    them."""
    is_shown = kind.concerns != "people" or pages.may("personal:read")
    if import_.state != store.CHECKED or not is_shown:
        return []
    to = steps.destination(session, import_)
    return [
        (row.number, kind.as_stored(row.wish, to, language.current()))
        for row in store.first_rows(session, import_.id, previews.MOST_SAMPLE, kind.content)
    ]


def _troubles(import_: Import, found: Sequence[store.ImportProblem]) -> list[RowTrouble]:
    tongue = language.current()
    return [
        RowTrouble(
            one.row,
            "" if one.field is None else import_.titles.get(one.field, one.field),
            wording.sentence(one.code, one.facts, tongue),
        )
        for one in found
    ]


def _states() -> dict[str, tuple[str, str]]:
    return {name: (look, _(words)) for name, (look, words) in STATES.items()}


def _moments(session: Session) -> Callable[[datetime], Markup]:
    """Writes a moment by the clock of the programme, as the reader writes it."""
    zone, now = pages.programme_row(session).timezone, current_installation().clock()
    return lambda moment: moments.element(moment, zone, now)
