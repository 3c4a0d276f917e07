"""The figures of a campaign as rows of a file, and beside those of another."""

from sqlalchemy.orm import Session

from ledger.book import purchases
from wallet.console.messages import brought, outcome
from wallet.console.messages import told as told_words
from wallet.console.messages.told import CampaignReading
from wallet.outreach import comparison, effect, results
from wallet.outreach.campaigns import Campaign
from wallet.pages import language
from wallet.pages.language import gettext as _


def as_rows(
    session: Session, campaign: Campaign, days: int, reading: CampaignReading
) -> list[tuple[str, str, str]]:
    """All figures: which part they are of, their names as the API has them, and values."""
    found = results.funnel(session, campaign, reading.now)
    rows: list[tuple[str, str, str]] = [("campaign", "name", campaign.name)]
    rows += [
        ("members", name, str(found[name]))
        for name in ("audience", *results.NOT_TOLD, "waiting", "told")
    ]
    for wallet in ("apple", "google"):
        rows += [(wallet, name, str(count)) for name, count in found[wallet].items()]
    spent = effect.cost(session, campaign)
    rows += [("cost", "messages", str(spent.messages)), ("cost", "gifts", str(spent.gifts))]
    sales = effect.of_campaign(session, campaign, days, reading.now)
    if sales is None:
        return rows
    rows.append(("purchases", "days", str(days)))
    for name, group in (("told", sales.told), ("held_out", sales.held_out)):
        rows += [
            ("purchases", f"{name}_members", str(group.members)),
            ("purchases", f"{name}_bought", str(group.buyers)),
        ]
    if sales.told.members and sales.held_out.members:
        difference = comparison.of_shares(sales.told, sales.held_out)
        for name, share in (
            ("percent", difference.found),
            ("low", difference.low),
            ("high", difference.high),
        ):
            rows.append(("difference", name, f"{share * 100:.2f}"))
    verdict = comparison.share_conclusion(sales.told, sales.held_out)
    rows.append(("difference", "conclusion", verdict))
    for one in sales.money:
        for name, spending in (("told", one.told), ("held_out", one.held_out)):
            money = purchases.money(spending.total, one.currency)
            rows.append((f"paid {one.currency}", name, money.amount))
    return rows


def side(
    session: Session, campaign: Campaign, days: int, reading: CampaignReading
) -> list[tuple[str, str]]:
    """A campaign as one column of a comparison: what each line is called, and what it has."""
    found = results.funnel(session, campaign, reading.now)
    sales = effect.of_campaign(session, campaign, days, reading.now)
    lines = [
        (_("Begun"), reading.at(campaign.started_at or campaign.created_at)),
        (_("For"), told_words.whom(campaign.audience, reading)),
        (_("Recipients"), language.number(found["audience"])),
        (_("Told"), _of(found["told"], found["audience"])),
        (
            _("Fetched by an iPhone"),
            _of(found["apple"]["fetched"], sum(found["apple"].values())),
        ),
        (
            _("Taken by Google"),
            _of(found["google"]["accepted"], sum(found["google"].values())),
        ),
        (_("Cost"), brought.cost(session, campaign, reading)),
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
        (_("Bought, of those told"), _of(told.buyers, told.members)),
        (_("Bought, of the control group"), _of(held.buyers, held.members)),
        (_("Difference, percentage points"), difference),
        (_("What may be said"), effect.in_words(verdict)[language.current()]),
    ]


def _of(count: int, whole: int) -> str:
    if not whole:
        return language.number(count)
    return f"{language.number(count)}, {outcome.share(count, whole)}"
