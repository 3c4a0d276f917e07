"""Commands for how cards look."""

from pathlib import Path

import click

from ledger.programmes import programmes
from wallet.cli.database import author, on_database, open_records
from wallet.cli.installation import at_work
from wallet.delivery import publishing
from wallet.passes import contrast, folders, templates
from wallet.passes.content import Design
from wallet.passes.templates import DesignPurpose


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
    with installation.database.transaction() as session:
        published = publishing.publish(
            session,
            programmes.by_code(session, programme),
            design,
            images,
            installation.require_signable,
            author(),
            installation.clock(),
        )
    if published.is_new:
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
        of = programmes.by_code(session, programme)
        purpose: DesignPurpose = "offer" if offers else "card"
        there = templates.number_of_revisions(session, of.id, purpose)
        wanted = there - 1 if number is None else number
        if not 1 <= wanted <= there:
            raise click.ClickException(
                f"There is no version {wanted} of this design; see `wallet design versions"
                f" {programme}`."
                if number is not None
                else "There is no earlier version of this design."
            )
        rolled_back = publishing.roll_back(
            session,
            of,
            purpose,
            wanted,
            installation.require_signable,
            author(),
            installation.clock(),
        )
        design = templates.design(rolled_back.template)
    if rolled_back.is_new:
        click.echo(f"The cards of {programme} have the design of version {wanted} again.")
    else:
        click.echo(f"Nothing has changed: this is the design of {programme} already.")
    _warn(design)


def _warn(design: Design) -> None:
    for name, found in contrast.weak(design):
        click.echo(
            f"Warning: {name} has a contrast of {found} to 1 on this background. Some people will"
            f" not be able to read it; {contrast.GOOD} is good.",
            err=True,
        )
