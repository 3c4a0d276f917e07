"""Commands for the book: its rules, its seals, its roots."""

import json
import sys
from datetime import date, datetime
from functools import partial

import click

from ledger.book import audit
from ledger.points import households
from ledger.programmes import programmes
from ledger.seals import inspection, proofs, sealing
from ledger.seals.verification import Strays, Walk
from wallet.access.change_chain import ChangeWalk
from wallet.cli.database import Records, on_database, open_records


@click.group("ledger")
def ledger_group() -> None:
    """The book: does it keep its rules, and was anything changed behind its back?"""


@ledger_group.command("check")
@on_database
def check_ledger() -> None:
    """Check every rule of the book on the live database. Exit code 1 if one is broken."""
    records = open_records()
    is_well = True
    with records.database.reading() as session:
        for judged in audit.judged(session):
            if judged.examples:
                is_well = False
                rows = ", ".join(map(str, judged.examples))
                click.echo(f"!!  {judged.rule}: broken, for example by {rows}")
            else:
                click.echo(f"ok  {judged.rule}")
        since = sealing.oldest_unsealed(session)
    if since is None:
        click.echo("ok  every posting is sealed")
    elif records.clock() - since <= sealing.TOO_LONG:
        click.echo(f"ok  postings since {since:%F %T} wait for their seals, as the newest do")
    else:
        is_well = False
        click.echo(f"!!  postings wait for their seals since {since:%F %T}")
    sys.exit(not is_well)


@ledger_group.command("repair")
@on_database
def repair_ledger() -> None:
    """Bring home points that an earlier release left where nobody looks: on accounts of members who
    were merged or joined a household at the very moment. By postings; fine to repeat. Exit code 1
    if something is left to do."""
    records = open_records()
    database, now = records.database, records.clock()
    changed = database.run(lambda session: households.untangle(session, now))
    if changed:
        click.echo(
            f"ok  {len(changed)} members who were merged in a circle or in two steps at once"
        )
    with database.reading() as session:
        accounts = households.left_behind(session)
    is_done = True
    for account_id in accounts:
        moved = database.run(partial(households.bring_home, account_id=account_id, now=now))
        if moved is None:
            is_done = False
            click.echo(
                f"!!  account {account_id}: a hold is open on it; repeat this when it is over"
            )
        else:
            click.echo(f"ok  account {account_id}: {moved} brought home")
    if is_done:
        click.echo("ok  nothing is left on accounts that nobody uses")
    sys.exit(not is_done)


@ledger_group.command("verify")
@click.option("--programme", metavar="CODE", help="Only this one. Default: all.")
@click.option("--from", "since", default=1, show_default=True, type=click.IntRange(1))
@on_database
def verify_ledger(programme: str | None, since: int) -> None:
    """Walk the chains of seals and name the first posting that was changed, removed, added or
    moved; then the record of changes, in the same way. With --from only from the day of that
    number on, with --programme its postings alone. Exit code 1 if anything is found."""
    if since > 1 and programme is None:
        raise click.UsageError("--from is a number of one chain: give --programme too.")
    records = open_records()
    database, is_whole = records.database, True
    with database.reading() as session:
        found = programmes.every(session)
        if programme is not None:
            found = [programmes.by_code(session, programme)]
    for one in found:
        walk = Walk(one, records.keys.roots, since)
        inspection.go(database, walk)
        if walk.fault is None:
            click.echo(f"ok  {one.code}: {walk.postings} postings and {walk.days} days are whole.")
        else:
            is_whole = False
            click.echo(f"!!  {walk.fault}")
    strays = Strays()
    inspection.go(database, strays)
    if strays.fault is not None:
        is_whole = False
        click.echo(f"!!  {strays.fault}")
    if programme is None:
        is_whole = _verify_changes(records) and is_whole
    sys.exit(not is_whole)


def _verify_changes(records: Records) -> bool:
    walk = ChangeWalk(records.keys.roots)
    inspection.go(records.database, walk)
    if walk.fault is None:
        click.echo(f"ok  the record of changes: {walk.lines} changes are whole.")
    else:
        click.echo(f"!!  the record of changes: {walk.fault}")
    return walk.fault is None


@ledger_group.group("roots")
def roots_group() -> None:
    """The signed roots of closed days, for those who hold us to them."""


@roots_group.command("export")
@click.option("--programme", metavar="CODE", help="Only this one. Default: all.")
@click.option("--since", type=click.DateTime(["%Y-%m-%d"]), help="From this day on.")
@on_database
def export_roots(programme: str | None, since: datetime | None) -> None:
    """Print them, one JSON object a line: the same as GET /ledger/roots/CODE."""
    with open_records().database.reading() as session:
        found = programmes.every(session)
        if programme is not None:
            found = [programmes.by_code(session, programme)]
        none = True
        for one in found:
            for root in proofs.roots(session, one, since.date() if since else date.min):
                click.echo(json.dumps(proofs.published(one, root)))
                none = False
    if none:  # not among the objects, which programs read
        click.echo("None yet: a day has a root when it is over and sealed.", err=True)


@roots_group.command("key")
@on_database
def show_root_key() -> None:
    """Print the public keys that they are signed with: the same as GET /ledger/key."""
    click.echo(json.dumps({"keys": open_records().keys.roots.public()}, indent=2))
