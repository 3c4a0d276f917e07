"""Commands for how cards look."""

from datetime import datetime
from pathlib import Path

import click
from sqlalchemy.orm import Session

from ledger.programmes import programmes, units
from wallet.access import changes
from wallet.access.changes import ChangedThing
from wallet.apple import bundle
from wallet.cli.database import author, on_database, open_records
from wallet.cli.installation import at_work
from wallet.delivery import waves
from wallet.errors import DesignRefused
from wallet.installation import Installation
from wallet.passes import contrast, folders, issued, templates
from wallet.passes.content import Design
from wallet.passes.issued import NO_PASS_TYPE
from wallet.passes.templates import Template


@click.group("design")
def design_group() -> None:
    """How a programme's cards look: a folder with design.json and PNG files."""


@design_group.command("export")
@click.argument("programme")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.option("--offers", is_flag=True, help="The design of its coupons, not of its cards.")
@click.option("--force", is_flag=True, help="Replace files that are there already.")
@on_database
def export_design(programme: str, folder: Path, *, offers: bool, force: bool) -> None:
    """Write the current design of PROGRAMME into FOLDER, to be edited."""
    with open_records().database.reading() as session:
        programme_id = programmes.by_code(session, programme).id
        template = templates.current(session, programme_id)
        design = templates.design(template)
        if offers:
            designed = templates.find(session, programme_id, "offer")
            design = templates.design(designed) if designed else templates.offer_design(design)
            template = designed or template
        images = templates.images(session, template.id)
    folders.write(folder, design, images, overwrite=force)
    click.echo(f"{folder / folders.DESIGN_FILE} and the pictures: written.")


@design_group.command("import")
@click.argument("programme")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False, exists=True))
@on_database
def import_design(programme: str, folder: Path) -> None:
    """Make FOLDER the design of PROGRAMME, of its cards or of its coupons (kind offer). Passes in
    phones follow by themselves. If nothing has changed, nothing happens."""
    installation = at_work()
    design, images = folders.read(folder)
    _require_certificate(installation, design)
    with installation.database.transaction() as session:
        programme_id = programmes.by_code(session, programme).id
        _require_same_kind(session, programme_id, design)
        before = templates.find(session, programme_id, templates.purpose_of(design))
        stored = templates.store(session, programme_id, design, images, installation.clock())
        now = installation.clock()
        is_new = _carry_out(session, before, stored, now)
        if is_new:
            _note(session, "design.published", programme, stored, now)
    if is_new:
        click.echo(f"The cards of {programme} have a new design.")
    else:
        click.echo(f"Nothing has changed: this is the design of {programme} already.")
    _warn(design)


@design_group.command("versions")
@click.argument("programme")
@click.option("--offers", is_flag=True, help="The designs of its coupons, not of its cards.")
@on_database
def design_versions(programme: str, *, offers: bool) -> None:
    """All designs that PROGRAMME had, the newest first."""
    with open_records().database.reading() as session:
        programme_id = programmes.by_code(session, programme).id
        found = templates.revisions(session, programme_id, "offer" if offers else "card")
        if not found:
            click.echo(f"{programme} has no design for coupons of its own yet.")
        for number, template in reversed(list(enumerate(found, 1))):
            design = templates.design(template)
            colours = f"{design.background} {design.foreground} {design.label_colour}"
            now = "  now" if number == len(found) else ""
            click.echo(f"{number:>4}  {template.created_at:%F %T} UTC  {colours}{now}")


@design_group.command("rollback")
@click.argument("programme")
@click.option("--to", "number", type=int, help="Which one, by `wallet design versions`.")
@click.option("--offers", is_flag=True, help="The design of its coupons, not of its cards.")
@on_database
def roll_back_design(programme: str, *, number: int | None, offers: bool) -> None:
    """Make an earlier design of PROGRAMME the current one again, by default the one before. It is
    stored as a new version, so this can be undone in the same way."""
    installation = at_work()
    with installation.database.transaction() as session:
        programme_id = programmes.by_code(session, programme).id
        found = templates.revisions(session, programme_id, "offer" if offers else "card")
        wanted = len(found) - 1 if number is None else number
        if not 1 <= wanted <= len(found):
            raise click.ClickException(
                f"There is no version {wanted} of this design; see `wallet design versions"
                f" {programme}`."
                if number is not None
                else "There is no earlier version of this design."
            )
        design = templates.design(found[wanted - 1])
        _require_certificate(installation, design)
        _require_same_kind(session, programme_id, design)
        stored = templates.bring_back(session, found[wanted - 1], installation.clock())
        now = installation.clock()
        is_new = _carry_out(session, found[-1], stored, now)
        if is_new:
            _note(session, "design.rolled_back", programme, stored, now, to=wanted)
    if is_new:
        click.echo(f"The cards of {programme} have the design of version {wanted} again.")
    else:
        click.echo(f"Nothing has changed: this is the design of {programme} already.")
    _warn(design)


def _require_certificate(installation: Installation, design: Design) -> None:
    """Raises `DesignRefused` for a design that the certificates of this installation cannot
    sign; without Apple, for one that names a pass type."""
    signers = installation.signers
    pass_type = design.pass_type or installation.pass_type
    if pass_type == NO_PASS_TYPE:
        bundle.check(design)
        return
    if pass_type not in signers:
        raise DesignRefused(
            "pass_type",
            "there is no certificate for it; there are {known}.",
            known=", ".join(sorted(signers)) or "none",
        )
    bundle.check(design, signers[pass_type])


def _carry_out(session: Session, before: Template | None, stored: Template, now: datetime) -> bool:
    """Let the cards follow, if the design is another than before; then True."""
    if before is not None and before.id == stored.id:
        return False
    waves.start(session, stored.programme_id, now)
    return True


def _note(
    session: Session,
    code: str,
    programme: str,
    stored: Template,
    now: datetime,
    to: int | None = None,
) -> None:
    version = len(templates.revisions(session, stored.programme_id, stored.purpose))
    of = ChangedThing("design", f"{programme} {stored.purpose}", stored.programme_id)
    after = {"version": version, "that_of": to}
    changes.note(session, author(), code, of, now, {"version": version - 1}, after)


def _warn(design: Design) -> None:
    for name, found in contrast.weak(design):
        click.echo(
            f"Warning: {name} has a contrast of {found} to 1 on this background. Some people will"
            f" not be able to read it; {contrast.GOOD} is good.",
            err=True,
        )


def _require_same_kind(session: Session, programme_id: int, design: Design) -> None:
    """Raises `DesignRefused` if a gift card is wanted and the main unit is not money, or if cards
    of another kind were issued: Google cannot change the kind of a card."""
    unit = units.named(session, programme_id, None)
    if design.kind == "gift_card" and unit.currency is None:
        raise DesignRefused(
            "kind",
            "gift cards hold money, and this programme's main unit is none: create one with"
            " `wallet programmes add CODE NAME --gift-cards RUB`.",
        )
    found = templates.find(session, programme_id, templates.purpose_of(design))
    kind = templates.design(found).kind if found is not None else design.kind
    if kind != design.kind and issued.in_programme(session, programme_id, 0, 1):
        raise DesignRefused(
            "kind", "this programme has issued cards of the kind {kind}.", kind=kind
        )
