"""Commands for how cards look."""

from pathlib import Path

import click
from sqlalchemy.orm import Session

from ledger.programmes import programmes, units
from wallet.apple import bundle
from wallet.cli.database import on_database, open_records
from wallet.cli.installation import at_work
from wallet.delivery import waves
from wallet.errors import DesignRefused
from wallet.passes import folders, issued, templates
from wallet.passes.content import Design


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
    phones follow by themselves."""
    installation = at_work()
    design, images = folders.read(folder)
    pass_type = design.pass_type or installation.pass_type
    if pass_type not in installation.signers:
        raise DesignRefused(
            "pass_type",
            "there is no certificate for it; there are {known}.",
            known=", ".join(sorted(installation.signers)),
        )
    bundle.check(design, installation.signers[pass_type])
    with installation.database.transaction() as session:
        programme_id = programmes.by_code(session, programme).id
        _require_same_kind(session, programme_id, design)
        templates.store(session, programme_id, design, images, installation.clock())
        waves.start(session, programme_id, installation.clock())
    click.echo(f"The cards of {programme} have a new design.")


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
