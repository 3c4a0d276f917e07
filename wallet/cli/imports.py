"""Commands for members, points, goods and stores from files."""

import contextlib
import itertools
import json
import sys
from pathlib import Path

import click

from ledger.errors import Refusal
from ledger.imports import proofs as import_proofs
from ledger.imports import registry, store
from ledger.imports.kind import ImportKind
from ledger.imports.meanings import DecimalSign
from ledger.imports.registry import ImportKindCode
from ledger.imports.store import Import, ImportRequest
from ledger.languages import LANGUAGES, Language
from ledger.programmes import programmes
from wallet import sentences
from wallet.cli import import_words
from wallet.cli.context import MOST_ROWS_SHOWN, Command
from wallet.cli.database import author, on_database, open_records
from wallet.cli.installation import at_work
from wallet.people import importing
from wallet.people.importing import Desk


@click.group("import")
def import_group() -> None:
    """Members, points, products, prices and stores from files (CSV, XLSX). See docs/imports.md."""


def import_options(command: Command) -> Command:
    """The argument FILE and the options that all imports have."""
    for option in (
        click.option("--lang", default="en", show_default=True, type=click.Choice(LANGUAGES)),
        click.option(
            "--skip-bad", is_flag=True, help="Import the good rows of a file with bad ones."
        ),
        click.option("--preview", is_flag=True, help="Only tell what would happen."),
        click.option(
            "--decimal",
            type=click.Choice(["comma", "point"]),
            help="The sign before decimal places, where the numbers do not say it themselves:"
            " whether 1,000 is one or a thousand.",
        ),
        click.option("--programme", required=True),
        click.argument("file", type=click.Path(path_type=Path, dir_okay=False, exists=True)),
    ):
        command = option(command)
    return command


unit_option = click.option("--unit", help="What is counted. Default: the programme's main unit.")


@import_group.command("members")
@import_options
@unit_option
@on_database
def import_members(
    file: Path,
    programme: str,
    unit: str | None,
    lang: Language,
    decimal: DecimalSign | None,
    *,
    preview: bool,
    skip_bad: bool,
) -> None:
    """People with their cards and opening balances, from FILE."""
    order = ImportRequest(programme, "members", unit, decimal=decimal)
    _import(file, order, lang, preview=preview, skip_bad=skip_bad)


@import_group.command("points")
@import_options
@unit_option
@click.option("--accrue", "kind", flag_value="accrual", help="Points in.")
@click.option("--write-off", "kind", flag_value="write_off", help="Points out.")
@click.option("--reason", help="For rows that give none.")
@on_database
def import_points(
    file: Path,
    programme: str,
    unit: str | None,
    lang: Language,
    kind: ImportKindCode | None,
    reason: str | None,
    decimal: DecimalSign | None,
    *,
    preview: bool,
    skip_bad: bool,
) -> None:
    """Points of the members that FILE names, in or out."""
    if kind is None:
        raise click.UsageError("Say which: --accrue or --write-off.")
    order = ImportRequest(programme, kind, unit, reason, decimal)
    _import(file, order, lang, preview=preview, skip_bad=skip_bad)


def _add_command(kind: ImportKind) -> None:
    """A command for files of this kind, whose rows are things with codes of their own."""

    @import_group.command(kind.code, help=f"{kind.words.title}, from FILE. {kind.words.about}.")
    @import_options
    @click.option(
        "--archive-gone",
        is_flag=True,
        help="Archive products, or close stores, that were in the last file and are not in this"
        " one; only if no row is left out.",
    )
    @on_database
    def import_things(
        file: Path,
        programme: str,
        lang: Language,
        decimal: DecimalSign | None,
        *,
        preview: bool,
        skip_bad: bool,
        archive_gone: bool,
    ) -> None:
        order = ImportRequest(programme, kind.code, decimal=decimal)
        _import(file, order, lang, preview=preview, skip_bad=skip_bad, archive_gone=archive_gone)


for _kind in registry.KINDS.values():
    if _kind.concerns != "people":
        _add_command(_kind)


def _import(
    path: Path,
    order: ImportRequest,
    lang: Language,
    *,
    preview: bool,
    skip_bad: bool,
    archive_gone: bool = False,
) -> None:
    try:
        _import_file(
            path, order, lang, preview=preview, skip_bad=skip_bad, archive_gone=archive_gone
        )
    except Refusal as refusal:
        raise click.ClickException(refusal.sentence(lang)) from refusal


def _import_file(
    path: Path,
    order: ImportRequest,
    lang: Language,
    *,
    preview: bool,
    skip_bad: bool,
    archive_gone: bool,
) -> None:
    desk = at_work().import_desk
    with path.open("rb") as file:
        if preview:
            found = importing.look(desk, file, order, MOST_ROWS_SHOWN)
            for line in import_words.told(found, lang):
                click.echo(line)
            return
        import_ = importing.resumable(desk, file, order)
        if import_ is None:
            import_ = importing.read(desk, file, order)
            if import_.bad and not skip_bad:
                left_out = _write_left_out(desk, path, import_, lang)
                importing.withdraw(desk, import_.public_id)
                raise click.ClickException(
                    sentences.of_text(
                        "Rows: {rows}, of them {bad} that cannot be imported; they are in {file},"
                        " each with the reason. Nothing was imported. Correct the file, or say"
                        " --skip-bad.",
                        lang,
                        rows=import_.rows,
                        bad=import_.bad,
                        file=left_out,
                    )
                )
        else:
            click.echo(
                sentences.of_text("This file was begun before; it goes on where it stopped.", lang)
            )
        for line in import_words.left_aside(import_, lang):
            click.echo(line)
        importing.start(
            desk, import_.public_id, author(), skip_bad=skip_bad, archive_gone=archive_gone
        )
    while importing.advance(desk, import_.id):
        pass
    finished = importing.find(desk, import_.public_id)
    if finished.left_out:
        left_out = _write_left_out(desk, path, finished, lang)
        click.echo(
            sentences.of_text(
                "Rows that were left out, each with the reason: {file}", lang, file=left_out
            )
        )
    for line in import_words.outcome(desk, finished, lang):
        click.echo(line)
    _show(desk, finished)
    command = f"wallet import check {finished.public_id}"
    click.echo(sentences.of_text("To check it again: {command}", lang, command=command))


def _write_left_out(desk: Desk, path: Path, import_: Import, lang: Language) -> Path:
    """Write the rows that were left out beside the file. An earlier such file may have been
    corrected meanwhile and is kept."""
    for number in itertools.count(1):
        suffix = "left-out" if number == 1 else f"left-out-{number}"
        target = path.with_name(f"{path.stem}-{suffix}.csv")
        with contextlib.suppress(FileExistsError):
            with path.open("rb") as file, target.open("x", encoding="utf-8-sig", newline="") as out:
                import_words.write_left_out(desk, file, import_, out, lang)
            break
    return target


def _show(desk: Desk, import_: Import) -> None:
    proof = importing.statement(desk, import_)
    if proof is None:
        for line in import_words.progress(import_):
            click.echo(line)
        return
    click.echo(import_proofs.readable(proof["statement"]))
    signature = proof["signature"]
    click.echo(f"Signed (Ed25519, key {signature['key']}): {signature['value']}")


@import_group.command("list")
@on_database
def list_imports() -> None:
    """All imports, newest first."""
    with open_records().database.reading() as session:
        found = store.listed(session)
        for one in found:
            programme = programmes.by_id(session, one.programme_id).code
            click.echo(
                f"{one.public_id}: {one.kind}, {programme}, {one.created_at:%F %R}, {one.state},"
                f" {one.applied} of {one.rows} rows applied"
            )
    if not found:
        click.echo("None. `wallet import --help` says how to begin one.")


@import_group.command("show")
@click.argument("import_id", metavar="ID")
@click.option("--json", "as_json", is_flag=True, help="The signed statement, for programs.")
@on_database
def show_import(import_id: str, *, as_json: bool) -> None:
    """How far an import is; of a finished one, its statement."""
    desk = at_work().import_desk
    import_ = importing.find(desk, import_id)
    proof = importing.statement(desk, import_)
    if as_json and proof is not None:
        click.echo(json.dumps(proof, ensure_ascii=False, indent=2))
        return
    _show(desk, import_)


@import_group.command("withdraw")
@click.argument("import_id", metavar="ID")
@on_database
def withdraw_import(import_id: str) -> None:
    """Take back an import that was not applied; nothing of its file is left."""
    withdrawn = importing.withdraw(at_work().import_desk, import_id, author())
    click.echo(f"Withdrawn: {withdrawn.public_id}")


@import_group.command("check")
@click.argument("import_id", metavar="ID")
@on_database
def check_import(import_id: str) -> None:
    """Whether the statement of an import still agrees with every posting it made. Exit code 1 if
    not."""
    findings = importing.check(at_work().import_desk, import_id)
    for finding in findings:
        click.echo(f"!!  {finding.code}: {finding.sentence}")
    if not findings:
        click.echo("ok  Signature, rows, postings and sums agree.")
    sys.exit(bool(findings))
