"""Commands for programmes: what they count, their terms, what they say of themselves."""

from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, get_args

import click
from sqlalchemy.orm import Session

from ledger.languages import canonical
from ledger.people import members, persons
from ledger.programmes import programmes, units
from ledger.programmes.programmes import Programme, ProgrammeTextKind, SpendByPhone, Terms
from ledger.programmes.units import Unit, UnitTerms
from wallet.access import changes
from wallet.access.changes import ChangedThing
from wallet.cli.database import author, on_database, open_records
from wallet.delivery import programme_changes, publishing
from wallet.delivery.programme_changes import FirstCards, ProgrammeChange
from wallet.passes import barcode_settings, renewal, templates
from wallet.passes.barcode_settings import AtGoogle, Numbers
from wallet.passes.codes import CodeKind


@click.group("programmes")
def programmes_group() -> None:
    """Loyalty programmes."""


country_option = click.option(
    "--country",
    metavar="COUNTRY",
    help="Where its members live, such as RU: their phone numbers are read as people write them"
    " there. Default: that of the time zone.",
)
languages_option = click.option(
    "--languages",
    metavar="LANGUAGES",
    help="In which texts are written for its members, such as kk,ru,en.",
)


@programmes_group.command("add")
@click.argument("code")
@click.argument("name")
@click.option(
    "--locale", help="Its own language, such as kk. Default: the first of --languages, or ru."
)
@languages_option
@country_option
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
@on_database
def add_programme(
    code: str,
    name: str,
    locale: str | None,
    languages: str | None,
    country: str | None,
    timezone: str,
    points_live_days: int | None,
    gift_cards: str | None,
    *,
    membership: bool,
) -> None:
    """Create a programme with a card design to begin with. CODE stands in addresses."""
    if membership and gift_cards is not None:
        raise click.UsageError("--membership and --gift-cards exclude each other.")
    records = open_records()
    spoken = _named(languages) or ()
    terms = Terms(
        code,
        name,
        locale or (spoken or (programmes.LOCALE,))[0],
        timezone,
        points_live_days,
        languages=spoken,
        country=country or "",
    )
    cards: FirstCards = "points"
    if membership or gift_cards is not None:
        cards = "membership" if membership else "gift_cards"
    terms, design = programme_changes.beginning(terms, cards, gift_cards)
    with records.database.transaction() as session:
        programme_changes.make(session, terms, design, author(), records.clock())
    click.echo(f"{records.settings.public_url}/join/{code}")


@programmes_group.command("list")
@on_database
def list_programmes() -> None:
    """All programmes: code, name, what they count, how many members."""
    with open_records().database.reading() as session:
        found = programmes.every(session)
        for one in found:
            counted = ", ".join(unit.code for unit in units.of_programme(session, one.id))
            number = members.number_in_programme(session, one.id)
            click.echo(f"{one.code}: {one.name}, counts {counted}, members: {number}")
    if not found:
        click.echo("None yet. `wallet programmes add CODE NAME` makes one.")


@programmes_group.command("show")
@click.argument("code")
@on_database
def show_programme(code: str) -> None:
    """All that is known of programme CODE: its terms, its texts, its addresses, its design."""
    records = open_records()
    with records.database.reading() as session:
        programme = programmes.by_code(session, code)
        join = f"{records.settings.public_url}/join/{code}"
        click.echo(f"{code}: {programme.name}, since {programme.created_at:%F}")
        click.echo(f"members: {members.number_in_programme(session, programme.id)}")
        for unit in units.of_programme(session, programme.id):
            click.echo(f"counts {_unit(unit)}")
        _say_terms(session, programme)
        click.echo(f"time zone: {programme.timezone}")
        for language in programme.languages:
            click.echo(f"texts in {language}: {_texts(session, programme.id, language)}")
        designs = templates.revisions(session, programme.id, "card")
        click.echo(f"design of cards: version {len(designs)}, since {designs[-1].created_at:%F}")
        click.echo(f"join: {join}")
        click.echo(f"privacy: {join}/privacy")


def _unit(unit: Unit) -> str:
    kind = "" if unit.kind == unit.code else f" ({unit.kind})"
    if unit.currency is not None:
        kind = f" ({unit.kind} in {unit.currency}, {unit.scale} decimal places)"
    lives = "for ever" if unit.live_days is None else f"{unit.live_days} days"
    return f"{unit.code}{kind}: they live {lives}{', the main one' if unit.main else ''}"


def _texts(session: Session, programme_id: int, language: str) -> str:
    """Which texts the programme has in this language, or how to say them."""
    said = [
        kind
        for kind in get_args(ProgrammeTextKind)
        if (text := programmes.said(session, programme_id, kind, language)) is not None
        and text.language == language
        and text.text
    ]
    return ", ".join(said) if said else "none of its own; `wallet programmes set` says them"


@programmes_group.command("unit")
@click.argument("code")
@click.argument("unit")
@click.option(
    "--kind", type=click.Choice(get_args(units.UnitKind)), help="Of a new one. Default: points."
)
@click.option("--scale", type=int, help="Of a new one: decimal places, 2 for kopecks. Default: 0.")
@click.option("--currency", help="Of new money: three letters, such as RUB.")
@click.option("--live-days", type=int, help="How long it lives. Default of a new one: for ever.")
@click.option("--for-ever", is_flag=True, help="It lives for ever.")
@on_database
def put_unit(
    code: str,
    unit: str,
    kind: units.UnitKind | None,
    scale: int | None,
    currency: str | None,
    live_days: int | None,
    *,
    for_ever: bool,
) -> None:
    """Let programme CODE count something else besides: UNIT, such as stamps or cashback. If it
    counts UNIT already, change how long points live that come from now on; what members have keeps
    its dates. Without options it says how that is now."""
    if for_ever and live_days is not None:
        raise click.UsageError("--for-ever and --live-days exclude each other.")
    records = open_records()
    with records.database.transaction() as session:
        programme_id = programmes.by_code(session, code).id
        before = changes.held(session, units.find(session, programme_id, unit))
        is_new = not before
        if is_new or (kind, scale, currency) != (None, None, None):
            terms = UnitTerms(unit, kind or "points", scale or 0, currency, live_days)
            units.add(session, programme_id, terms)
        elif for_ever or live_days is not None:
            units.change_terms(session, programme_id, unit, live_days)
        found = [one.code for one in units.of_programme(session, programme_id)]
        counted = units.named(session, programme_id, unit)
        lives, after = counted.live_days, changes.facts(counted)
        of, by = ChangedThing("unit", unit, programme_id), author()
        what = "unit.added" if is_new else "unit.changed"
        changes.note(session, by, what, of, records.clock(), before, after)
    click.echo(f"{code} counts {', '.join(found)}.")
    click.echo(f"{unit}: what comes from now on lives {f'{lives} days' if lives else 'for ever'}.")


@programmes_group.command("terms")
@click.argument("code")
@click.option("--grace-days", type=int, help="Points returned after their time live so long.")
@click.option(
    "--overdrawn",
    type=click.Choice(programmes.OVERDRAWN),
    help="Points taken back that were spent: a debt, or the return is refused.",
)
@click.option(
    "--spend-by-phone",
    type=click.Choice(programmes.SPEND_BY_PHONE),
    help="Who shows no card, but names a phone number, spends with a code, as others, or never.",
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
@click.option(
    "--listed/--unlisted",
    "listed",
    default=None,
    help="Whether it is shown at the service's address to everybody who comes without a link.",
)
@languages_option
@country_option
@click.option(
    "--personal-data/--no-personal-data",
    "keeps_personal",
    default=None,
    help="Whether names, phone numbers, addresses and birthdays of members are stored. What is"
    " stored already stays: erase these members, or null what is known of them.",
)
@click.option(
    "--ask",
    "asks",
    metavar="FIELD=HOW",
    multiple=True,
    help="What the form asks: phone, email, name or birthday, each off, optional or required."
    " May be given several times.",
)
@click.option(
    "--adjust-limit",
    type=int,
    help="So many points one of the staff may give a member, or take, within a day; for more a"
    " second person is asked.",
)
@click.option("--no-adjust-limit", is_flag=True, help="Any number, without asking.")
@on_database
def change_terms(
    code: str,
    grace_days: int | None,
    overdrawn: str | None,
    spend_by_phone: SpendByPhone | None,
    languages: str | None,
    country: str | None,
    adjust_limit: int | None,
    asks: tuple[str, ...],
    *,
    listed: bool | None,
    keeps_personal: bool | None,
    no_adjust_limit: bool,
    **choices: str | int | None,
) -> None:
    """What programme CODE does when a purchase is returned, how one spends without a card, which
    languages it speaks, who is told of it, whether it keeps personal data, and what the barcodes of
    its cards say; without options, how it is now."""
    if no_adjust_limit and adjust_limit is not None:
        raise click.UsageError("--adjust-limit and --no-adjust-limit exclude each other.")
    records = open_records()
    with records.database.transaction() as session:
        programme, now = programmes.by_code(session, code), records.clock()
        wish = ProgrammeChange(
            grace_days,
            overdrawn,
            _named(languages),
            country,
            keeps_personal=keeps_personal,
            listed=listed,
            asks=_asked(asks),
            spend_by_phone=spend_by_phone,
        )
        programme_changes.change(session, programme, wish, author(), now)
        if no_adjust_limit or adjust_limit is not None:
            programme_changes.limit_adjusting(session, programme, adjust_limit, author(), now)
        wanted: dict[str, Any] = {k: v for k, v in choices.items() if v is not None}
        if wanted:
            choice_before = barcode_settings.held(session, programme.id)
            choice = replace(choice_before, **wanted)
            renewal.change_terms(session, programme, choice)
            of = ChangedThing("card_code", code, programme.id)
            was, is_ = asdict(choice_before), asdict(choice)
            changes.note(session, author(), "card_code.changed", of, now, was, is_)
        _say_terms(session, programme)


def _say_terms(session: Session, programme: Programme) -> None:
    click.echo(f"languages: {', '.join(programme.languages)}; country: {programme.country}")
    click.echo(f"grace days: {programme.grace_days}; overdrawn: {programme.overdrawn}")
    click.echo(f"spending by a phone number: {programme.spend_by_phone}")
    click.echo(f"listed for everybody: {'yes' if programme.listed else 'no'}")
    click.echo(_on_personal_data(session, programme))
    asked = ", ".join(f"{field} {how}" for field, how in programme.asks.items())
    click.echo(f"the form asks: {asked}")
    limit = programme.adjust_limit
    click.echo(f"points by hand without a second person: {'any' if limit is None else limit}")
    choice = barcode_settings.of(session, programme.id)
    click.echo(
        f"code: {choice.kind}; numbers: {choice.numbers}; at Google: {choice.at_google};"
        f" renewed every {choice.renew_days} days; grace: {choice.grace_hours} hours"
    )


@programmes_group.command("set")
@click.argument("code")
@click.option("--lang", required=True, help="Of what is given: one of the programme's languages.")
@click.option("--name", help="How pages in this language call the programme.")
@click.option("--operator", help="Who answers for personal data, with an address to write to.")
@click.option(
    "--privacy",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="A text file: what happens to personal data. `# ` begins a heading.",
)
@click.option(
    "--benefit",
    help="What one gets who joins, in a sentence. Empty: what the base programme gives.",
)
@click.option(
    "--rules",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="A text file: on which conditions one takes part. `# ` begins a heading.",
)
@on_database
def set_programme(
    code: str,
    lang: str,
    name: str | None,
    operator: str | None,
    privacy: Path | None,
    benefit: str | None,
    rules: Path | None,
) -> None:
    """What the pages of programme CODE say in one language. Earlier texts are kept."""
    texts: dict[ProgrammeTextKind, str | None] = {
        "operator": operator,
        "privacy": _text(privacy, "--privacy") if privacy else None,
        "benefit": benefit,
        "rules": _text(rules, "--rules") if rules else None,
    }
    if name is None and not any(text is not None for text in texts.values()):
        raise click.UsageError(
            "Say what to set: --name, --operator, --privacy, --benefit or --rules."
        )
    records = open_records()
    with records.database.transaction() as session:
        programme, now = programmes.by_code(session, code), records.clock()
        if name is not None:
            publishing.rename(session, programme, {lang: name}, author(), now)
        for kind, text in texts.items():
            if text is not None:
                programme_changes.say(session, programme, kind, lang, text, author(), now)
    click.echo(f"{records.settings.public_url}/join/{code}/privacy?lang={lang}")


def _on_personal_data(session: Session, programme: Programme) -> str:
    if programme.keeps_personal:
        return "personal data: kept"
    if known := persons.number_known(session, programme.id):
        return f"personal data: not kept; of {known} members it was stored before, and stays"
    return "personal data: not kept, and none is stored"


def _asked(asks: Sequence[str]) -> dict[str, str] | None:
    """What the form is to ask, as it was typed."""
    return {field: how for field, _is, how in (one.partition("=") for one in asks)} or None


def _named(languages: str | None) -> tuple[str, ...] | None:
    if languages is None:
        return None
    return tuple(canonical(one.strip()) for one in languages.split(",") if one.strip())


def _text(file: Path, option: str) -> str:
    try:
        return file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise click.BadParameter(f"{file} is not text in UTF-8.", param_hint=option) from None
