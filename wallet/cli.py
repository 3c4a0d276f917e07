"""The `wallet` command."""

import functools
import json
import os
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import Any, get_args

import click
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from ledger import inspection, members, programmes, units
from ledger.book import audit, proofs, seals
from ledger.book.verification import Strays, Walk
from ledger.database import Database
from ledger.errors import LedgerError, UnknownMember
from ledger.imports import proofs as import_proofs
from ledger.imports import store
from ledger.imports.columns import Kind as ImportKind
from ledger.imports.store import Import, Order
from ledger.points import MOST_POINTS
from ledger.programmes import Kind, Terms
from ledger.units import UnitTerms
from wallet import apikeys, doctor, erasure, importing, logs, migrations, refresh, settings, sources
from wallet.api.sources import KINDS
from wallet.apple import applying, bundle
from wallet.apple.rotation import Certificates
from wallet.assembly import connect, system_clock
from wallet.backups import restoring, taking
from wallet.errors import CertificateProblem, DesignRefused, SettingsError, WalletError
from wallet.importing import Desk
from wallet.installation import Installation
from wallet.passes import codeterms, folders, issuing, renewal, templates
from wallet.passes.codes import Kind as CodeKind
from wallet.passes.codeterms import AtGoogle, Numbers
from wallet.passes.content import Design
from wallet.sandbox import certificates, process, story
from wallet.sandbox.conformance import report
from wallet.sandbox.conformance.device import Pushes, card_from
from wallet.sandbox.conformance.inspection import Kit, inspect, shell_change
from wallet.sandbox.supervisor import supervise
from wallet.sandbox.telling import WALLETS, Wallet, Wish
from wallet.sandbox.troubles import SandboxTrouble
from wallet.sandbox.words import LANGUAGES, Language
from wallet.server import WebServer
from wallet.settings import Settings
from wallet.tasks import PUMP_NAMES
from wallet.worker import run_beat, run_worker

MOST_ROWS_SHOWN = 20

Command = Callable[..., None]


def in_words(command: Command) -> Command:
    """Refusals are sentences on standard error and exit code 1, not traces."""

    @functools.wraps(command)
    def wrapped(*args: Any, **kwargs: Any) -> None:
        try:
            command(*args, **kwargs)
        except CertificateProblem as error:
            raise click.ClickException(error.named()) from error
        except (LedgerError, WalletError) as error:
            raise click.ClickException(str(error)) from error
        except DBAPIError as error:
            raise click.ClickException(
                f"The database does not answer as it should ({type(error.orig).__name__})."
                " Look at WALLET_DATABASE_URL, and whether the server runs."
            ) from error

    return wrapped


def as_far_as_understood() -> tuple[Settings, list[SettingsError]]:
    """The settings, and what is wrong with them."""
    os.umask(0o077)  # what we write holds names, phone numbers and keys
    found, refused = settings.read(os.environ)
    logs.configure(found.log_level, readable=found.in_sandbox)
    return found, refused


def environment() -> Settings:
    found, refused = as_far_as_understood()
    if refused:
        raise SettingsError.together(refused)
    return found


def prepared() -> Settings:
    """The settings of an installation that can start. All that is missing is said at once."""
    found, refused = as_far_as_understood()
    if obstacles := doctor.obstacles(found, refused, system_clock):
        raise click.ClickException("\n".join(obstacles))
    return found


def at_work() -> Installation:
    """The installation, with a database that has this release's schema."""
    installation = connect(environment())
    if not migrations.is_current(installation.database.engine):
        raise click.ClickException("The database is not up to date. Run `wallet migrate` first.")
    return installation


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="kopilka", prog_name="wallet")
def main() -> None:
    """Kopilka: loyalty cards in phones, kept true."""


@main.command()
@in_words
def run() -> None:
    """Everything on this machine: web, worker and, in the sandbox, the stand-ins."""
    makes_what_is_missing = as_far_as_understood()[0].in_sandbox
    sys.exit(supervise(environment() if makes_what_is_missing else prepared(), os.environ))


@main.command()
@in_words
def web() -> None:
    """The web process; with the broker memory:// it holds the worker too."""
    WebServer(prepared()).run()


@main.command()
@click.option(
    "--queues",
    default=",".join(PUMP_NAMES),
    show_default=True,
    help="Which pumps this process works.",
)
@click.option("--concurrency", default=2, show_default=True, type=click.IntRange(1, 64))
@in_words
def worker(queues: str, concurrency: int) -> None:
    """A worker process; needs a Redis or RabbitMQ broker."""
    found = prepared()
    _require_broker(found, "worker")
    names = tuple(name.strip() for name in queues.split(","))
    unknown = sorted(set(names) - set(PUMP_NAMES))
    if unknown:
        raise click.BadParameter(
            f"there is no queue {unknown[0]}; queues are {', '.join(PUMP_NAMES)}.",
            param_hint="--queues",
        )
    run_worker(found, names, concurrency)


@main.command()
@in_words
def beat() -> None:
    """The one process that wakes the pumps every few seconds."""
    found = prepared()
    _require_broker(found, "beat")
    run_beat(found)


@main.command()
@in_words
def migrate() -> None:
    """Bring the database to this release's schema, keeping the data."""
    found = environment()
    found.data.mkdir(parents=True, exist_ok=True)
    database = Database(found.ledger)
    migrations.upgrade(database.engine)
    database.close()
    click.echo("The database is up to date.")


@main.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option(
    "--with-secrets",
    is_flag=True,
    help="Put the key ring, certificates and key files in as well. Off by default: whoever has"
    " that file can speak for the shop.",
)
@in_words
def backup(file: Path, *, with_secrets: bool) -> None:
    """Write everything into the one FILE, while the service is at work.

    Secrets are not in it unless asked for: keep WALLET_SECRET_KEY and the certificates apart."""
    found = environment()
    database = Database(found.ledger)
    made = taking.take(database, found, file, system_clock(), with_secrets=with_secrets)
    database.close()
    secrets = "with" if with_secrets else "without"
    click.echo(
        f"{file}: {made.members} members, {made.passes} passes, {made.book.entries} entries,"
        f" {secrets} secrets. Checksum of the book: {made.book.sha256[:16]}"
    )


@main.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, exists=True))
@in_words
def restore(file: Path) -> None:
    """Bring the backup FILE to life in an empty database. Stop the service first."""
    found = environment()
    done = restoring.restore(found, file, system_clock())
    made = done.manifest
    click.echo(
        f"{made.members} members, {made.passes} passes, {made.book.entries} entries, as of"
        f" {made.made_at:%F %T} UTC. Same checksum of the book: {made.book.sha256[:16]}"
    )
    for path in done.secrets:
        click.echo(f"{path}: put back.")
    erased = found.data / erasure.ERASED_FILE
    if done.returned:
        click.echo(
            f"{done.returned} people who were erased since are back. Erase them again:"
            f" wallet members erase --from {erased}"
        )
    else:
        click.echo(
            "Whoever was erased since is back. If you have a newer list of them:"
            " wallet members erase --from LIST"
        )


KOPECKS = 2  # decimal places of a gift card's money


@main.group("programmes")
def programmes_group() -> None:
    """Loyalty programmes."""


@programmes_group.command("add")
@click.argument("code")
@click.argument("name")
@click.option("--locale", default="ru", show_default=True, type=click.Choice(["ru", "en"]))
@click.option("--timezone", default="Europe/Moscow", show_default=True)
@click.option("--points-live-days", type=click.IntRange(1, 36500), help="Default: for ever.")
@click.option(
    "--gift-cards",
    metavar="CURRENCY",
    help="Its cards are gift cards that hold money, such as RUB: in kopecks, by API.",
)
@click.option(
    "--membership", is_flag=True, help="Its cards say who a member is: no points on them."
)
@in_words
def add_programme(
    code: str,
    name: str,
    locale: str,
    timezone: str,
    points_live_days: int | None,
    gift_cards: str | None,
    *,
    membership: bool,
) -> None:
    """Create a programme with a card design to begin with. CODE stands in addresses."""
    if membership and gift_cards is not None:
        raise click.UsageError("--membership and --gift-cards exclude each other.")
    installation = at_work()
    terms, design = Terms(code, name, locale, timezone, points_live_days), templates.standard(name)
    if membership:
        design = templates.membership(name)
    if gift_cards is not None:
        unit = UnitTerms("money", "money", KOPECKS, gift_cards, points_live_days)
        terms, design = replace(terms, unit=unit), templates.gift_cards(name)
    with installation.database.transaction() as session:
        now = installation.clock()
        programme = programmes.create(session, terms, now)
        templates.store(session, programme.id, design, {}, now)
    click.echo(f"{installation.settings.public_url}/join/{code}")


@programmes_group.command("unit")
@click.argument("code")
@click.argument("unit")
@click.option(
    "--kind", type=click.Choice(get_args(units.Kind)), default="points", show_default=True
)
@click.option("--scale", default=0, show_default=True, help="Decimal places: 2 for kopecks.")
@click.option("--currency", help="Of money: three letters, such as RUB.")
@click.option("--live-days", type=int, help="Default: for ever.")
@in_words
def add_unit(
    code: str,
    unit: str,
    kind: units.Kind,
    scale: int,
    currency: str | None,
    live_days: int | None,
) -> None:
    """Let programme CODE count something else besides: UNIT, such as stamps or cashback."""
    installation = at_work()
    terms = UnitTerms(unit, kind, scale, currency, live_days)
    with installation.database.transaction() as session:
        programme = programmes.by_code(session, code)
        units.add(session, programme.id, terms)
        found = [one.code for one in units.of_programme(session, programme.id)]
    click.echo(f"{code} counts {', '.join(found)}.")


@programmes_group.command("terms")
@click.argument("code")
@click.option("--grace-days", type=int, help="Points returned after their time live so long.")
@click.option(
    "--overdrawn",
    type=click.Choice(programmes.OVERDRAWN),
    help="Points taken back that were spent: a debt, or the return is refused.",
)
@click.option(
    "--code", "kind", type=click.Choice(get_args(CodeKind)), help="What the barcodes of cards say."
)
@click.option(
    "--code-numbers",
    "numbers",
    type=click.Choice(get_args(Numbers)),
    help="Card numbers typed by hand, where barcodes say more than that.",
)
@click.option(
    "--code-at-google",
    "at_google",
    type=click.Choice(get_args(AtGoogle)),
    help="The same barcode, or one that changes every half minute.",
)
@click.option(
    "--code-renew-days", "renew_days", type=int, help="A new code so often; 0: after scans only."
)
@click.option(
    "--code-grace-hours", "grace_hours", type=int, help="The code before is good once more so long."
)
@in_words
def change_terms(
    code: str, grace_days: int | None, overdrawn: str | None, **choices: str | int | None
) -> None:
    """What programme CODE does when a purchase is returned, and what the barcodes of its cards say;
    without options, how it is now."""
    with at_work().database.transaction() as session:
        programme = programmes.by_code(session, code)
        programmes.change_terms(session, programme, grace_days, overdrawn)
        click.echo(f"grace days: {programme.grace_days}; overdrawn: {programme.overdrawn}")
        wanted: dict[str, Any] = {k: v for k, v in choices.items() if v is not None}
        choice = replace(codeterms.of(session, programme.id), **wanted)
        if wanted:
            renewal.change_terms(session, programme, choice)
        click.echo(
            f"code: {choice.kind}; numbers: {choice.numbers}; at Google: {choice.at_google};"
            f" renewed every {choice.renew_days} days; grace: {choice.grace_hours} hours"
        )


@programmes_group.command("set")
@click.argument("code")
@click.option("--lang", required=True, type=click.Choice(["ru", "en"]), help="Of what is given.")
@click.option("--name", help="How pages in this language call the programme.")
@click.option("--operator", help="Who answers for personal data, with an address to write to.")
@click.option(
    "--privacy",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="A text file: what happens to personal data. `# ` begins a heading.",
)
@in_words
def set_programme(
    code: str, lang: str, name: str | None, operator: str | None, privacy: Path | None
) -> None:
    """What the pages of programme CODE say in one language. Earlier texts are kept."""
    texts: dict[Kind, str | None] = {
        "name": name,
        "operator": operator,
        "privacy": _text(privacy) if privacy else None,
    }
    if not any(text is not None for text in texts.values()):
        raise click.UsageError("Say what to set: --name, --operator or --privacy.")
    installation = at_work()
    with installation.database.transaction() as session:
        programme_id = programmes.by_code(session, code).id
        for kind, text in texts.items():
            if text is not None:
                programmes.say(session, programme_id, kind, lang, text, installation.clock())
    click.echo(f"{installation.settings.public_url}/join/{code}/privacy?lang={lang}")


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise click.BadParameter(f"{file} is not text in UTF-8.", param_hint="--privacy") from None


@main.group("members")
def members_group() -> None:
    """People with a card."""


@members_group.command("erase")
@click.argument("member_id", metavar="ID", required=False)
@click.option(
    "--from",
    "listed_in",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="Erase everybody in this list (erased.txt, `wallet members erased`): after a restore.",
)
@click.option("--write-off", is_flag=True, help="Take their points out of the book as expired.")
@in_words
def erase_member(member_id: str | None, listed_in: Path | None, *, write_off: bool) -> None:
    """Erase the person behind the member ID for good: there is no way back.

    Their points and postings stay under the ID, which stands for nobody from then on. Safe to
    repeat."""
    if (member_id is None) == (listed_in is None):
        raise click.UsageError("Give an ID, or --from and a list of them.")
    ids = [member_id or ""] if listed_in is None else erasure.listed(listed_in.read_text())
    house = at_work()
    known = 0
    for id_ in ids:
        try:
            erased = erasure.carry_out(
                house.database,
                house.settings.data,
                id_,
                house.make_due,
                house.clock(),
                write_off=write_off,
            )
        except UnknownMember:
            if listed_in is None:
                raise
            continue
        known += 1
        also = f" with {others} merged into it" if (others := len(erased.public_ids) - 1) else ""
        click.echo(f"{erased.id}{also}: erased since {erased.erased_at:%F %T} UTC.")
    if listed_in is not None:
        click.echo(f"{known} of {len(ids)} were here.")
    house.database.close()


@members_group.command("erased")
@in_words
def list_erased() -> None:
    """Everybody who was erased: ID and since when. Keep the list beside the backups."""
    with at_work().database.reading() as session:
        for member in members.all_erased(session):
            click.echo(erasure.line(member.public_id, member.erased_at))


@main.group("keys")
def keys_group() -> None:
    """API keys of integrations."""


@keys_group.command("add")
@click.argument("name")
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    required=True,
    help=f"May be given several times: {', '.join(apikeys.SCOPES)}; or * for all.",
)
@in_words
def add_key(name: str, scopes: tuple[str, ...]) -> None:
    """Make a key for the integration NAME. It is shown now and never again."""
    installation = at_work()
    with installation.database.transaction() as session:
        key = apikeys.issue(session, name, scopes, installation.clock())
    click.echo(key)


@keys_group.command("list")
@in_words
def list_keys() -> None:
    """All keys: name, scopes, since when, until when."""
    with at_work().database.reading() as session:
        for key in apikeys.listed(session):
            until = f", revoked {key.revoked_at:%F}" if key.revoked_at else ""
            click.echo(f"{key.name}: {', '.join(key.scopes)}, since {key.created_at:%F}{until}")


@keys_group.command("revoke")
@click.argument("name")
@in_words
def revoke_key(name: str) -> None:
    """Refuse the key of NAME from now on."""
    installation = at_work()
    with installation.database.transaction() as session:
        apikeys.revoke(session, name, installation.clock())
    click.echo(f"The key of {name} is refused from now on.")


@main.group("sources")
def sources_group() -> None:
    """Systems that post balance changes by signed webhook."""


@sources_group.command("add")
@click.argument("name")
@click.argument("programme")
@click.option("--kind", default="generic", show_default=True, type=click.Choice(sorted(KINDS)))
@in_words
def add_source(name: str, programme: str, kind: str) -> None:
    """Let NAME post changes of PROGRAMME. Prints its address and its secret, once."""
    installation = at_work()
    secret = sources.new_secret()
    with installation.database.transaction() as session:
        programme_id = programmes.by_code(session, programme).id
        now = installation.clock()
        sources.add(session, installation.keys, name, kind, programme_id, secret, now)
    click.echo(f"{installation.settings.public_url}/webhooks/{name}")
    click.echo(secret)


@sources_group.command("list")
@in_words
def list_sources() -> None:
    """All sources: name, kind, programme, since when."""
    with at_work().database.reading() as session:
        for source in sources.listed(session):
            programme = programmes.by_id(session, source.programme_id).code
            click.echo(f"{source.name}: {source.kind}, {programme}, since {source.created_at:%F}")


@sources_group.command("rotate")
@click.argument("name")
@in_words
def rotate_source(name: str) -> None:
    """Make one more secret for NAME; the old one stays good until `wallet sources retire`."""
    installation = at_work()
    with installation.database.transaction() as session:
        click.echo(sources.rotate(session, installation.keys, name, installation.clock()))


@sources_group.command("retire")
@click.argument("name")
@in_words
def retire_source(name: str) -> None:
    """Refuse all secrets of NAME but the newest."""
    with at_work().database.transaction() as session:
        retired = sources.retire(session, name)
    click.echo(f"{retired} old secrets of {name} are refused from now on.")


@main.group("ledger")
def ledger_group() -> None:
    """The book: does it keep its rules, and was anything changed behind its back?"""


@ledger_group.command("check")
@in_words
def check_ledger() -> None:
    """Check every rule of the book on the live database. Exit code 1 if one is broken."""
    installation = at_work()
    is_well = True
    with installation.database.reading() as session:
        for judged in audit.judged(session):
            if judged.examples:
                is_well = False
                rows = ", ".join(map(str, judged.examples))
                click.echo(f"!!  {judged.rule}: broken, for example by {rows}")
            else:
                click.echo(f"ok  {judged.rule}")
        since = seals.oldest_unsealed(session)
    if since is None:
        click.echo("ok  every posting is sealed")
    elif installation.clock() - since <= seals.TOO_LONG:
        click.echo(f"ok  postings since {since:%F %T} wait for their seals, as the newest do")
    else:
        is_well = False
        click.echo(f"!!  postings wait for their seals since {since:%F %T}")
    sys.exit(not is_well)


@ledger_group.command("verify")
@click.option("--programme", metavar="CODE", help="Only this one. Default: all.")
@click.option("--from", "since", default=1, show_default=True, type=click.IntRange(1))
@in_words
def verify_ledger(programme: str | None, since: int) -> None:
    """Walk the chains of seals and name the first posting that was changed, removed, added or
    moved. With --from only from the day of that number on. Exit code 1 if there is one."""
    if since > 1 and programme is None:
        raise click.UsageError("--from is a number of one chain: give --programme too.")
    installation = at_work()
    database, is_whole = installation.database, True
    with database.reading() as session:
        found = programmes.every(session)
        if programme is not None:
            found = [programmes.by_code(session, programme)]
    for one in found:
        walk = Walk(one, installation.keys.roots, since)
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
    sys.exit(not is_whole)


@ledger_group.group("roots")
def roots_group() -> None:
    """The signed roots of closed days, for those who hold us to them."""


@roots_group.command("export")
@click.option("--programme", metavar="CODE", help="Only this one. Default: all.")
@click.option("--since", type=click.DateTime(["%Y-%m-%d"]), help="From this day on.")
@in_words
def export_roots(programme: str | None, since: datetime | None) -> None:
    """Print them, one JSON object a line: the same as GET /ledger/roots/CODE."""
    with at_work().database.reading() as session:
        found = programmes.every(session)
        if programme is not None:
            found = [programmes.by_code(session, programme)]
        for one in found:
            for root in proofs.roots(session, one, since.date() if since else date.min):
                click.echo(json.dumps(proofs.published(one, root)))


@roots_group.command("key")
@in_words
def show_root_key() -> None:
    """Print the public keys that they are signed with: the same as GET /ledger/key."""
    click.echo(json.dumps({"keys": at_work().keys.roots.public()}, indent=2))


@main.group("design")
def design_group() -> None:
    """How a programme's cards look: a folder with design.json and PNG files."""


@design_group.command("export")
@click.argument("programme")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.option("--offers", is_flag=True, help="The design of its coupons, not of its cards.")
@click.option("--force", is_flag=True, help="Replace files that are there already.")
@in_words
def export_design(programme: str, folder: Path, *, offers: bool, force: bool) -> None:
    """Write the current design of PROGRAMME into FOLDER, to be edited."""
    with at_work().database.reading() as session:
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
@in_words
def import_design(programme: str, folder: Path) -> None:
    """Make FOLDER the design of PROGRAMME, of its cards or of its coupons (kind offer). Passes in
    phones follow by themselves."""
    installation = at_work()
    design, images = folders.read(folder)
    pass_type = design.pass_type or installation.pass_type
    if pass_type not in installation.signers:
        known = ", ".join(sorted(installation.signers))
        raise DesignRefused("pass_type", f"there is no certificate for it; there are {known}.")
    bundle.check(design, installation.signers[pass_type])
    with installation.database.transaction() as session:
        programme_id = programmes.by_code(session, programme).id
        _require_same_kind(session, programme_id, design)
        templates.store(session, programme_id, design, images, installation.clock())
        refresh.start_wave(session, programme_id, installation.clock())
    click.echo(f"The cards of {programme} have a new design.")


def _require_same_kind(session: Session, programme_id: int, design: Design) -> None:
    """Google cannot make a card into one of another kind, and a gift card holds money."""
    unit = units.named(session, programme_id, None)
    if design.kind == "gift_card" and unit.currency is None:
        raise DesignRefused(
            "kind",
            "gift cards hold money, and this programme's main unit is none: create one with"
            " `wallet programmes add CODE NAME --gift-cards RUB`.",
        )
    found = templates.find(session, programme_id, templates.purpose_of(design))
    kind = templates.design(found).kind if found is not None else design.kind
    if kind != design.kind and issuing.in_programme(session, programme_id, 0, 1):
        raise DesignRefused("kind", f"this programme has issued cards of the kind {kind}.")


@main.group("waves")
def waves_group() -> None:
    """Changes for whole programmes, on their way to all cards."""


@waves_group.command("list")
@click.option("--programme", help="Default: those of all.")
@click.option("--all", "over", is_flag=True, help="Those that are over too.")
@in_words
def list_waves(programme: str | None, *, over: bool) -> None:
    """How far each has come, newest first."""
    with at_work().database.reading() as session:
        programme_id = programmes.by_code(session, programme).id if programme else None
        for wave in refresh.waves(session, programme_id, None, MOST_ROWS_SHOWN):
            if over or wave.finished_at is None:
                click.echo(_wave(wave))


@waves_group.command("pause")
@click.argument("wave_id", metavar="ID")
@in_words
def pause_wave(wave_id: str) -> None:
    """Stop one until it is resumed."""
    with at_work().database.transaction() as session:
        click.echo(_wave(refresh.pause_wave(session, wave_id)))


@waves_group.command("resume")
@click.argument("wave_id", metavar="ID")
@in_words
def resume_wave(wave_id: str) -> None:
    """Let a paused one go on, slowly at first."""
    installation = at_work()
    with installation.database.transaction() as session:
        click.echo(_wave(refresh.resume_wave(session, wave_id, installation.clock())))


@waves_group.command("cancel")
@click.argument("wave_id", metavar="ID")
@in_words
def cancel_wave(wave_id: str) -> None:
    """Stop one for good: cards that it has not come to stay as they are."""
    installation = at_work()
    with installation.database.transaction() as session:
        click.echo(_wave(refresh.cancel_wave(session, wave_id, installation.clock())))


def _wave(wave: refresh.Wave) -> str:
    line = f"{wave.public_id} {wave.state}: {wave.seen} of {wave.total}, {wave.changed} changed"
    if wave.expected_at is not None:
        line += f", {wave.pace} a second, done about {wave.expected_at:%F %T} UTC"
    return line


@main.group("import")
def import_group() -> None:
    """Members, opening balances and points from files (CSV, XLSX). See docs/imports.md."""


def import_options(command: Command) -> Command:
    for option in (
        click.option("--lang", default="en", show_default=True, type=click.Choice(LANGUAGES)),
        click.option(
            "--skip-bad", is_flag=True, help="Import the good rows of a file with bad ones."
        ),
        click.option("--preview", is_flag=True, help="Only tell what would happen."),
        click.option("--unit", help="What is counted. Default: the programme's main unit."),
        click.option("--programme", required=True),
        click.argument("file", type=click.Path(path_type=Path, dir_okay=False, exists=True)),
    ):
        command = option(command)
    return command


@import_group.command("members")
@import_options
@in_words
def import_members(
    file: Path, programme: str, unit: str | None, lang: Language, *, preview: bool, skip_bad: bool
) -> None:
    """People with their cards and opening balances, from FILE."""
    _import(file, Order(programme, "members", unit), lang, preview=preview, skip_bad=skip_bad)


@import_group.command("points")
@import_options
@click.option("--accrue", "kind", flag_value="accrual", help="Points in.")
@click.option("--write-off", "kind", flag_value="write_off", help="Points out.")
@click.option("--reason", help="For rows that give none.")
@in_words
def import_points(
    file: Path,
    programme: str,
    unit: str | None,
    lang: Language,
    kind: ImportKind | None,
    reason: str | None,
    *,
    preview: bool,
    skip_bad: bool,
) -> None:
    """Points of the members that FILE names, in or out."""
    if kind is None:
        raise click.UsageError("Say which: --accrue or --write-off.")
    order = Order(programme, kind, unit, reason)
    _import(file, order, lang, preview=preview, skip_bad=skip_bad)


def _import(path: Path, order: Order, lang: Language, *, preview: bool, skip_bad: bool) -> None:
    desk = at_work().import_desk
    with path.open("rb") as file:
        if preview:
            found = importing.look(desk, file, order, MOST_ROWS_SHOWN)
            for line in importing.told(found, lang):
                click.echo(line)
            return
        import_ = importing.resumable(desk, file, order)
        if import_ is None:
            import_ = importing.read(desk, file, order)
            if import_.bad and not skip_bad:
                left_out = _write_left_out(desk, path, import_, lang)
                importing.forget(desk, import_)
                raise click.ClickException(
                    f"{import_.bad} of {import_.rows} rows cannot be imported; they are in"
                    f" {left_out}, each with the reason. Nothing was imported. Correct the file, or"
                    " say --skip-bad."
                )
        else:
            click.echo("This file was begun before; it goes on where it stopped.")
        importing.start(desk, import_.public_id, skip_bad=skip_bad)
    while importing.advance(desk, import_.id):
        pass
    finished = importing.find(desk, import_.public_id)
    if finished.left_out:
        left_out = _write_left_out(desk, path, finished, lang)
        click.echo(f"Rows that were left out, each with the reason: {left_out}")
    _show(desk, finished)
    click.echo(f"To check it again: wallet import check {finished.public_id}")


def _write_left_out(desk: Desk, path: Path, import_: Import, lang: Language) -> Path:
    target = path.with_name(f"{path.stem}-left-out.csv")
    with path.open("rb") as file, target.open("w", encoding="utf-8-sig", newline="") as out:
        importing.write_left_out(desk, file, import_, out, lang)
    return target


def _show(desk: Desk, import_: Import) -> None:
    proof = importing.statement(desk, import_)
    if proof is None:
        for line in importing.progress(import_):
            click.echo(line)
        return
    click.echo(import_proofs.readable(proof["statement"]))
    signature = proof["signature"]
    click.echo(f"Signed (Ed25519, key {signature['key']}): {signature['value']}")


@import_group.command("list")
@in_words
def list_imports() -> None:
    """All imports, newest first."""
    with at_work().database.reading() as session:
        for one in store.listed(session):
            programme = programmes.by_id(session, one.programme_id).code
            click.echo(
                f"{one.public_id}: {one.kind}, {programme}, {one.created_at:%F %R}, {one.state},"
                f" {one.applied} of {one.rows} rows applied"
            )


@import_group.command("show")
@click.argument("import_id", metavar="ID")
@click.option("--json", "as_json", is_flag=True, help="The signed statement, for programs.")
@in_words
def show_import(import_id: str, *, as_json: bool) -> None:
    """How far an import is; of a finished one, its statement."""
    desk = at_work().import_desk
    import_ = importing.find(desk, import_id)
    proof = importing.statement(desk, import_)
    if as_json and proof is not None:
        click.echo(json.dumps(proof, ensure_ascii=False, indent=2))
        return
    _show(desk, import_)


@import_group.command("check")
@click.argument("import_id", metavar="ID")
@in_words
def check_import(import_id: str) -> None:
    """Whether the statement of an import still agrees with every posting it made. Exit code 1 if
    not."""
    findings = importing.check(at_work().import_desk, import_id)
    for finding in findings:
        click.echo(f"!!  {finding.code}: {finding.sentence}")
    if not findings:
        click.echo("ok  Signature, rows, postings and sums agree.")
    sys.exit(bool(findings))


@main.command("doctor")
@in_words
def examine() -> None:
    """What is well and what is missing, in words. Exit code 1 if something is missing."""
    marks = {"good": "ok", "bad": "!!", "note": "--"}
    found, refused = as_far_as_understood()
    is_well = True
    for finding in doctor.examine(found, refused, system_clock):
        click.echo(f"{marks[finding.verdict]}  {finding.sentence}")
        is_well &= finding.verdict != "bad"
    sys.exit(not is_well)


@main.group()
def certs() -> None:
    """Apple's certificates."""


@certs.command("dev")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False), required=False)
@in_words
def certs_dev(folder: Path | None) -> None:
    """Make sandbox certificates in FOLDER. Real phones refuse cards signed with them."""
    target = folder or environment().data / "certs"
    made = certificates.ensure_chain(target, system_clock())
    click.echo(f"{target}: {'made' if made else 'there already, still good'}.")


@certs.command("csr")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.option("--email", required=True, help="Of the Apple developer account.")
@click.option("--name", required=True, help="Whose request it is.")
@in_words
def certs_csr(folder: Path, email: str, name: str) -> None:
    """Make a key in FOLDER and the request to upload to Apple."""
    made = applying.request(folder, email, name)
    click.echo(f"Upload {made} to Apple, download the answer, then run `wallet certs import`.")


@certs.command("import")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False, exists=True))
@click.argument("answer", type=click.Path(path_type=Path, dir_okay=False, exists=True))
@click.argument("issuer", type=click.Path(path_type=Path, dir_okay=False, exists=True))
@in_words
def certs_import(folder: Path, answer: Path, issuer: Path) -> None:
    """Put Apple's ANSWER (pass.cer) and the intermediate ISSUER beside the key in FOLDER."""
    now = system_clock()
    signer = applying.accept(folder, answer, issuer, now)
    click.echo(f"{signer.pass_type}: good. Team {signer.team}, {signer.days_left(now)} days left.")


@certs.command("check")
@click.argument(
    "folder", type=click.Path(path_type=Path, file_okay=False, exists=True), required=False
)
@in_words
def certs_check(folder: Path | None) -> None:
    """Check the certificates in FOLDER as a start of the service would."""
    now = system_clock()
    certificates = Certificates.find(folder or environment().apple_certs, now)
    waning = {signer.fingerprint: words for signer, words in certificates.reminders(now)}
    for signer in certificates.every:
        kind = "sandbox" if signer.is_sandbox else "Apple"
        reminder = waning.get(signer.fingerprint)
        verdict = "good" if reminder is None else f"warning: {reminder}"
        if not signer.is_valid(now):
            verdict = f"not in use, valid from {signer.not_before:%F} to {signer.not_after:%F}"
        click.echo(
            f"{signer.pass_type}: {verdict}. Team {signer.team}, issued by {kind},"
            f" {signer.days_left(now)} days left."
        )


def _require_broker(found: Settings, command: str) -> None:
    if found.embedded:
        raise click.ClickException(
            f"`wallet {command}` needs WALLET_BROKER_URL, for example redis://127.0.0.1:6379/0."
            " With memory:// the web process does this work itself: run `wallet web`."
        )


@main.command()
@in_words
def sandbox() -> None:
    """Apple's and Google's stand-ins and the virtual phones' page (part of `wallet run`)."""
    process.run(environment())


@main.command()
@click.argument("cards", nargs=-1, required=True, metavar="CARD...")
@click.option(
    "--change",
    metavar="COMMAND",
    help="Makes the service change a card; {serial} in it stands for the serial number.",
)
@click.option(
    "--pushes",
    metavar="URL",
    help="Control address of Apple's stand-in that the service pushes to (see `wallet sandbox`).",
)
@click.option("--patience", default=20.0, show_default=True, help="Seconds a change may take.")
@click.option("--lang", default="en", show_default=True, type=click.Choice(LANGUAGES))
@in_words
def conformance(
    cards: tuple[str, ...],
    change: str | None,
    pushes: str | None,
    patience: float,
    lang: Language,
) -> None:
    """Hold a PassKit web service, any one, against Apple's rules.

    CARD is a pass of that service, as a file or an address; two of one type try more. Use test
    cards: a device is registered for them, and --change changes them."""
    try:
        kit = Kit(
            [card_from(card) for card in cards],
            None if change is None else shell_change(change),
            None if pushes is None else Pushes(pushes, patience),
            patience,
        )
        found = []
        for finding in inspect(kit):
            found.append(finding)
            for line in report.lines([finding], lang):
                click.echo(line)
    except SandboxTrouble as trouble:
        raise click.ClickException(trouble.sentence(lang)) from trouble
    for line in report.summary(found, lang):
        click.echo(line)
    sys.exit(any(finding.verdict == "broken" for finding in found))


@main.command()
@click.option(
    "--card", metavar="URL", help="Follow this card: its page, or what adds it to a wallet."
)
@click.option("--points", default=100, show_default=True, type=click.IntRange(1, MOST_POINTS))
@click.option("--repeat", default=1, show_default=True, type=click.IntRange(1, 10_000))
@click.option("--url", help="Where the service is. Default: WALLET_PUBLIC_URL.")
@click.option("--lang", default="en", show_default=True, type=click.Choice(LANGUAGES))
@click.option("--wallet", default="apple", show_default=True, type=click.Choice(WALLETS))
@in_words
def phone(
    card: str | None, points: int, repeat: int, url: str | None, lang: Language, wallet: Wallet
) -> None:
    """A virtual phone: join, add the card, earn points, see the push arrive and the card change."""
    found = environment()
    try:
        wish = Wish(url or found.public_url, lang, card, points, repeat, wallet)
        story.tell(found, wish, click.echo)
    except SandboxTrouble as trouble:
        raise click.ClickException(trouble.sentence(lang)) from trouble
