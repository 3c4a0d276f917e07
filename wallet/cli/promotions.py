"""Commands for promotions."""

from typing import BinaryIO

import click
from pydantic import ValidationError
from sqlalchemy.orm import Session

from ledger import strict_json
from ledger.languages import ENGLISH
from ledger.programmes import programmes
from wallet import sentences
from wallet.api import pricing
from wallet.api.bodies.amounts import MoneyOut
from wallet.api.bodies.promotions import CheckIn
from wallet.api.bodies.receipts import CheckOut, QuoteLineOut
from wallet.api.pricing import QuoteFor
from wallet.cli.database import on_database, open_records

SHOWN = 24  # characters of a column of names


@click.group("promotions")
def promotions_group() -> None:
    """What purchases cost and earn."""


@promotions_group.command("check")
@click.argument("file", type=click.File("rb"))
@click.option("--json", "as_json", is_flag=True, help="The whole answer, for programs.")
@on_database
def check(file: BinaryIO, *, as_json: bool) -> None:
    """Price the receipt in FILE by the promotions of this installation; - is standard input. FILE
    holds the body of POST /api/v1/promotions/check: a receipt, and promotions to be tried with it.
    Nothing changes."""
    records = open_records()
    wanted = _read(file)

    def work(session: Session) -> CheckOut:
        programme = programmes.by_code(session, wanted.receipt.programme)
        return pricing.check(session, wanted, QuoteFor(programme, records.keys, records.clock()))

    try:
        found = pricing.changing_nothing(records.database, wanted.receipt, work)
    except ValidationError as error:  # a phone number, by the rules of the programme's country
        raise click.ClickException(f"{file.name}: {_wrong(error)}") from None
    if as_json:
        click.echo(found.model_dump_json(by_alias=True, indent=2))
    else:
        for line in _in_words(found):
            click.echo(line.rstrip())


def _read(file: BinaryIO) -> CheckIn:
    try:
        return CheckIn.model_validate(strict_json.read(file.read()))
    except ValueError as error:
        raise click.ClickException(f"{file.name}: {_wrong(error)}") from None


def _wrong(error: ValueError) -> str:
    if not isinstance(error, ValidationError):
        return f"no JSON document: {error}"
    return "; ".join(
        f"{'.'.join(map(str, one['loc']))}: {sentences.of_field(one, ENGLISH)}"
        for one in error.errors(include_url=False, include_input=False)
    )


def _in_words(found: CheckOut) -> list[str]:
    quote = found.quote
    lines = [
        _row("", "list", "given", "discount", "points", "total"),
        *(line for one in quote.lines for line in _of_line(one)),
        _row("sum", *map(_amount, (quote.list, quote.given, quote.discount)))
        + "".join(f"{_amount(one):>12}" for one in (quote.points.paid, quote.total)),
        "",
        f"due {_amount(quote.due)} {quote.due.currency};"
        f" points: {quote.points.earned} earned, {quote.points.spent} spent",
    ]
    lines += [f"gift: {one.quantity} x {one.sku} ({one.promotion})" for one in quote.gifts]
    lines += [f"code {one.code}: {one.state}" for one in quote.codes]
    for outcome in found.trace.promotions:
        beaten = f" to {outcome.lost_to}" if outcome.lost_to else ""
        taken = _amount(outcome.amount)
        lines.append(f"{outcome.promotion:<{SHOWN}} {outcome.outcome}{beaten} {taken:>12}")
    return lines


def _of_line(line: QuoteLineOut) -> list[str]:
    amounts = (line.list, line.given, line.discount, line.points, line.total)
    pieces = ", ".join(f"{one.quantity} x {_amount(one.price)}" for one in line.pieces)
    reasons = "; ".join(one.text for one in line.reasons)
    under = "; ".join(part for part in (pieces, reasons) if part)
    return [_row(line.id, *map(_amount, amounts)), f"    {under}"]


def _row(name: str, *cells: str) -> str:
    return f"{name:<{SHOWN}}" + "".join(f"{cell:>12}" for cell in cells)


def _amount(money: MoneyOut) -> str:
    return money.amount
