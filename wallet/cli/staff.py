"""Commands for the people who use the console."""

import click

from ledger.contacts import Unfit, email_address
from ledger.languages import ENGLISH, LANGUAGES, Language
from ledger.programmes import programmes
from wallet.access import admission, changes, letters, staff
from wallet.access.changes import ChangedThing
from wallet.access.roles import ROLES, Role
from wallet.access.staff import EmployeeRole
from wallet.cli.database import Records, author, on_database, open_records

MOST_PROGRAMMES = 10_000

_in_language = click.option(
    "--language",
    type=click.Choice(LANGUAGES),
    default=ENGLISH,
    show_default=True,
    help="Of the letter, for somebody who has not come in yet.",
)


@click.group("staff")
def staff_group() -> None:
    """People who use the console."""


@staff_group.command("add")
@click.argument("email")
@click.option("--role", type=click.Choice(ROLES), required=True, help="What they may do.")
@click.option(
    "--programme",
    metavar="CODE",
    help="The one programme in which they have the role. Without, all.",
)
@_in_language
@on_database
def add_employee(email: str, role: Role, programme: str | None, language: Language) -> None:
    """Give the person with this address a role. Prints a link, good once and for three days, by
    which they set a password; where a mail server is set up they get it by letter too. Who has a
    role there already gets this one instead."""
    records = open_records()
    with records.database.transaction() as session:
        only = None if programme is None else programmes.by_code(session, programme).id
        address, now = _address(email), records.clock()
        staff.one_at_a_time(session)
        before = staff.role_in(session, address, only)
        token = admission.add(session, address, role, now, only)
        of, held = (
            ChangedThing("employee", address, only),
            {} if before is None else {"role": before},
        )
        changes.note(session, author(), "employee.invited", of, now, held, {"role": role})
        by_letter = letters.send_link(
            session,
            records.keys,
            records.settings.mail,
            "invitation",
            address,
            token,
            language,
            now,
        )
    _tell_link(records, address, token, by_letter=by_letter)


@staff_group.command("reset")
@click.argument("email")
@click.option(
    "--without-second-factor",
    is_flag=True,
    help="Remove app, recovery codes and passkeys as well: the phone is lost, say.",
)
@_in_language
@on_database
def reset_password(email: str, language: Language, *, without_second_factor: bool) -> None:
    """Print a link, good once and for three days, by which this person sets another password; where
    a mail server is set up they get it by letter too."""
    records = open_records()
    with records.database.transaction() as session:
        address, now = _address(email), records.clock()
        token = admission.reset(session, address, now)
        of = ChangedThing("employee", address)
        changes.note(session, author(), "employee.link_made", of, now)
        if without_second_factor and admission.take_away_factors(
            session, staff.by_email(session, address)
        ):
            changes.note(session, author(), "employee.second_factor_removed", of, now)
        by_letter = letters.send_link(
            session, records.keys, records.settings.mail, "reset", address, token, language, now
        )
    _tell_link(records, address, token, by_letter=by_letter)


@staff_group.command("list")
@on_database
def list_employees() -> None:
    """Who may use the console, and with which roles."""
    records = open_records()
    with records.database.reading() as session:
        found = staff.listed(session)
        roles = staff.roles_of(session, [one.id for one in found])
        stronger = admission.with_second_factor(session, [one.id for one in found])
        codes = {one.id: one.code for one in programmes.listed(session, 0, MOST_PROGRAMMES)}
        for employee in found:
            has = ", ".join(_role(one, codes) for one in roles[employee.id])
            state = "" if employee.password_hash else "; has not come in yet"
            state += "; with a second factor" if employee.id in stronger else ""
            click.echo(f"{employee.email}: {has}{state}")
    if not found:
        click.echo("Nobody yet. `wallet staff add` invites the first.")


@staff_group.command("remove")
@click.argument("email")
@on_database
def remove_employee(email: str) -> None:
    """Let this person in no more. Where they are signed in, they are signed out at once."""
    records = open_records()
    with records.database.transaction() as session:
        address, now = _address(email), records.clock()
        admission.remove(session, address, now)
        of = ChangedThing("employee", address)
        changes.note(session, author(), "employee.removed", of, now)
    click.echo(f"{email} is let in no more.")


def _role(role: EmployeeRole, codes: dict[int, str]) -> str:
    if role.programme_id is None:
        return f"{role.role} in all programmes"
    return f"{role.role} in {codes.get(role.programme_id, role.programme_id)}"


def _address(email: str) -> str:
    try:
        return email_address(email)
    except Unfit as error:
        raise click.ClickException(f"{email} is no address of e-mail.") from error


def _tell_link(records: Records, address: str, token: str, *, by_letter: bool) -> None:
    """The link alone on the standard output: programs read it."""
    click.echo(f"{records.settings.console_url}/welcome/{token}")
    if by_letter:
        click.echo(f"A letter with it is on its way to {address}.", err=True)
