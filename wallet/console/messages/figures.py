"""The figures of a campaign as rows of a file, and beside those of another, in the reader's
words."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict

from sqlalchemy.orm import Session

from ledger.book import purchases
from wallet.console.messages import brought, draft_form, outcome
from wallet.console.messages import told as told_words
from wallet.console.messages.told import CampaignReading
from wallet.console.sheets import SheetRows
from wallet.outreach import comparison, effect, results
from wallet.outreach.campaigns import Campaign
from wallet.outreach.effect import Sales
from wallet.pages import language
from wallet.pages.language import gettext as _

NO_COUPON = "—"
WALLETS: Mapping[str, str] = {"apple": "Apple Wallet", "google": "Google Wallet"}


def as_rows(session: Session, campaign: Campaign, days: int, reading: CampaignReading) -> SheetRows:
    """All figures, below a row that names the columns: which part they are of, what each counts,
    and how many. What a percentage or an amount is of stands in its name."""
    found = results.funnel(session, campaign, reading.now)
    state, _look = told_words.state(campaign)
    members, cost = _("Recipients"), _("Cost")
    rows = [
        (_("Part"), _("Figure"), _("Value")),
        (_("Campaign"), _("Name of the campaign"), campaign.name),
        (_("Campaign"), _("State"), state),
        (members, _("In all"), str(found["audience"])),
    ]
    rows += [
        (members, outcome.heading(name), str(found[name]))
        for name in ("told", "waiting", *results.NOT_TOLD)
    ]
    for wallet, called in WALLETS.items():
        rows += [
            (called, outcome.heading(f"{wallet}.{name}"), str(count))
            for name, count in found[wallet].items()
        ]
    spent = effect.cost(session, campaign)
    rows.append((cost, _("Messages"), str(spent.messages)))
    gifts = draft_form.amount(spent.gifts, reading.unit)
    rows.append((cost, _("Gifts, in points") if not reading.unit.currency else _("Gifts"), gifts))
    if campaign.coupon is not None:
        of_coupons = asdict(results.of_coupons(session, campaign))
        rows += [
            (_("Coupons"), outcome.heading(f"coupon.{name}"), str(count))
            for name, count in of_coupons.items()
        ]
    sales = effect.of_campaign(session, campaign, days, reading.now)
    return rows if sales is None else [*rows, *_of_sales(sales, days)]


def _of_sales(sales: Sales, days: int) -> list[tuple[str, str, str]]:
    bought, differs = _("Purchases"), _("Difference, percentage points")
    groups = ((_("Got it"), sales.told), (_("Control group"), sales.held_out))
    rows = [(bought, _("Days after its start"), str(days))]
    for called, group in groups:
        rows += [
            (bought, _("%(group)s: members", group=called), str(group.members)),
            (bought, _("%(group)s: bought", group=called), str(group.buyers)),
        ]
    if sales.told.members and sales.held_out.members:
        found = comparison.of_shares(sales.told, sales.held_out)
        for called, share in (
            (_("Measured"), found.found),
            (_("The true one is at least"), found.low),
            (_("The true one is at most"), found.high),
        ):
            rows.append((differs, called, f"{share * 100:.2f}"))
    verdict = comparison.share_conclusion(sales.told, sales.held_out)
    rows.append((differs, _("Conclusion"), effect.in_words(verdict)[language.current()]))
    for one in sales.money:
        paid = _("Paid, %(currency)s", currency=one.currency)
        for (called, _group), spending in zip(groups, (one.told, one.held_out), strict=True):
            rows.append((paid, called, purchases.money(spending.total, one.currency).amount))
    return rows


def side_by_side(
    session: Session, both: Sequence[Campaign], days: int, reading: CampaignReading
) -> SheetRows:
    """Two campaigns beside each other, below a row with their names."""
    sides = [_side(session, one, days, reading) for one in both]
    rows = [
        (left[0], left[1], right[1])
        for left, right in zip(*sides, strict=True)
        if not left[1] == right[1] == NO_COUPON
    ]
    return [(_("Figure"), *(one.name for one in both)), *rows]


def _coupons_used(session: Session, campaign: Campaign) -> str:
    if campaign.coupon is None:
        return NO_COUPON
    found = results.of_coupons(session, campaign)
    return _of(found.used, found.given)


def _side(
    session: Session, campaign: Campaign, days: int, reading: CampaignReading
) -> list[tuple[str, str]]:
    """A campaign as one column of a comparison: what each line is called, and what it has."""
    found = results.funnel(session, campaign, reading.now)
    sales = effect.of_campaign(session, campaign, days, reading.now)
    lines = [
        (_("Begun"), reading.at(campaign.started_at or campaign.created_at)),
        (_("For"), told_words.whom(campaign.audience, reading)),
        (_("Recipients"), language.number(found["audience"])),
        (_("Got it"), _of(found["told"], found["audience"])),
        (
            _("Fetched by an iPhone"),
            _of(found["apple"]["fetched"], sum(found["apple"].values())),
        ),
        (
            _("Taken by Google"),
            _of(found["google"]["accepted"], sum(found["google"].values())),
        ),
        (_("Cost"), brought.cost(session, campaign, reading)),
        (outcome.heading("coupon.used"), _coupons_used(session, campaign)),
    ]
    if sales is None:
        return lines
    told, held = sales.told, sales.held_out
    difference = _("no control group")
    if told.members and held.members:
        found_ = comparison.of_shares(told, held)
        difference = _(
            "%(found)s (%(low)s to %(high)s)",
            found=brought.signed(found_.found),
            low=brought.signed(found_.low),
            high=brought.signed(found_.high),
        )
    verdict = comparison.share_conclusion(told, held)
    return [
        *lines,
        (_("Bought, of those who got it"), _of(told.buyers, told.members)),
        (_("Bought, of the control group"), _of(held.buyers, held.members)),
        (_("Difference, percentage points"), difference),
        (_("Conclusion"), effect.in_words(verdict)[language.current()]),
    ]


def _of(count: int, whole: int) -> str:
    if not whole:
        return language.number(count)
    return f"{language.number(count)}, {outcome.share(count, whole)}"
