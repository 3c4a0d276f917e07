"""How far a campaign came, in words and numbers: the funnel in each wallet, and the members behind
each number."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from ledger import words
from ledger.people import cards
from ledger.people.members import Member
from ledger.people.persons import Person
from ledger.words import N_
from wallet.console import pages
from wallet.console.members import people
from wallet.console.messages.told import CampaignReading
from wallet.outreach import results
from wallet.outreach.campaigns import Campaign
from wallet.outreach.results import MessageResult
from wallet.pages import language
from wallet.pages.language import gettext as _


@dataclass(frozen=True, slots=True)
class OutcomeRow:
    """One number of the results: what it counts, with a sentence that explains it, and the members
    behind it."""

    name: str
    words: str
    count: int
    said: str
    share: str
    url: str
    why: str = ""


@dataclass(frozen=True, slots=True)
class FunnelStep:
    """A step of the picture: numbers of members in all and in each wallet; None where nobody can
    know."""

    words: str
    cells: Sequence[tuple[int, str] | None]


@dataclass(frozen=True, slots=True)
class ReachedMember:
    """A member whom the campaign meant, and what became of the message, in words."""

    url: str
    name: str
    became: str
    why: str
    when: str


def of(session: Session, campaign: Campaign, reading: CampaignReading) -> dict[str, Any]:
    """What the page of a campaign shows of it."""
    found = results.funnel(session, campaign, reading.now)
    return {
        "steps": _steps(found),
        "not_told": [one for one in _rows(campaign, found, "", results.NOT_TOLD) if one.count],
        "apple": _rows(campaign, found, "apple", found["apple"]),
        "google": _rows(campaign, found, "google", found["google"]),
        "audience": language.number(found["audience"]),
        "told_row": _rows(campaign, found, "", ("told",))[0],
        "waiting_row": _rows(campaign, found, "", ("waiting",))[0],
        "coupons": _coupons(session, campaign, found["told"]),
    }


def _coupons(session: Session, campaign: Campaign, told: int) -> list[OutcomeRow]:
    """What became of the coupons that came with the words."""
    if campaign.coupon is None:
        return []
    found = asdict(results.of_coupons(session, campaign))
    return [_row(campaign, f"coupon.{name}", count, told) for name, count in found.items()]


def _steps(found: Mapping[str, Any]) -> list[FunnelStep]:
    apple, google = found["apple"], found["google"]
    on_apple, on_google = sum(apple.values()), sum(google.values())
    taken = on_apple - apple["queued"] - apple["refused"]
    written = google["accepted"] + google["accepted_silently"] + google["removed"]

    def cell(count: int) -> tuple[int, str]:
        return count, language.number(count)

    return [
        FunnelStep(_("Recipients"), [cell(found["audience"]), None, None]),
        FunnelStep(_("Got it"), [cell(found["told"]), cell(on_apple), cell(on_google)]),
        FunnelStep(_("Taken by Apple or Google"), [None, cell(taken), cell(written)]),
        FunnelStep(_("Fetched by a phone"), [None, cell(apple["fetched"]), None]),
    ]


def _rows(
    campaign: Campaign, found: Mapping[str, Any], wallet: str, names: Any
) -> list[OutcomeRow]:
    counts = found[wallet] if wallet else found
    whole = sum(counts.values()) if wallet else found["audience"]
    return [
        _row(campaign, f"{wallet}.{name}" if wallet else name, counts[name], whole)
        for name in names
    ]


def _row(campaign: Campaign, key: str, count: int, whole: int) -> OutcomeRow:
    url = ""
    if count:
        url = pages.url_if_there(
            "console.campaign.members", "campaigns:read", campaign_id=campaign.public_id, of=key
        )
    words_, why = _OUTCOMES[key]
    said = language.number(count)
    return OutcomeRow(key, _(words_), count, said, share(count, whole), url, _(why))


def share(count: int, whole: int) -> str:
    """Which part of a whole it is; empty of nothing."""
    if not whole:
        return ""
    return percent(count / whole)


def percent(part: float) -> str:
    """A part as the page writes it."""
    return f"{decimal(round(part * 100, 1))} %"


def decimal(value: float) -> str:
    """A number with its decimals as the page writes it."""
    return words.decimal_in(language.current(), Decimal(str(value)))


def heading(outcome: str) -> str:
    """What a list of members is called that stands behind a number."""
    return _(_OUTCOMES[outcome][0])


def members(
    session: Session, found: Sequence[MessageResult], reading: CampaignReading
) -> list[ReachedMember]:
    """Members with what became of the message to each."""
    ids = [one.delivery.member_id for one in found]
    public = {
        row.id: row.public_id
        for row in session.execute(select(Member.id, Member.public_id).where(Member.id.in_(ids)))
    }
    names: dict[int, str | None] = {}
    if pages.may(people.PERSONAL):
        query = select(Person.member_id, Person.name).where(Person.member_id.in_(ids))
        names = {row.member_id: row.name for row in session.execute(query)}
    numbers = {id_: one.number for id_, one in cards.newest(session, ids).items()}
    base = pages.url_if_there("console.members.listed", "members:read")
    tongue = language.current()
    return [
        ReachedMember(
            f"{base}/{public[one.delivery.member_id]}" if base else "",
            people.called(
                names.get(one.delivery.member_id), numbers.get(one.delivery.member_id, "")
            ),
            " · ".join(_became(one)),
            "; ".join(results.in_words(why)[tongue] for why in one.why),
            "" if one.delivery.told_at is None else reading.at(one.delivery.told_at),
        )
        for one in found
    ]


def _became(one: MessageResult) -> list[str]:
    if one.delivery.state != "told":
        return [_(_OUTCOMES[one.delivery.state][0])]
    said = []
    if one.apple is not None:
        said.append(f"Apple Wallet: {_(_OUTCOMES[f'apple.{one.apple}'][0])}")
    if one.google is not None:
        said.append(f"Google Wallet: {_(_OUTCOMES[f'google.{one.google}'][0])}")
    return said


# What each number counts: its name, and what it means.
_OUTCOMES: Mapping[str, tuple[str, str]] = {
    "told": (N_("Got it"), N_("The words are on the card.")),
    "waiting": (N_("Still to be told"), N_("It is their turn when the campaign goes on.")),
    "held_out": (N_("Control group"), N_("Left out on purpose, to compare with.")),
    "no_consent": (N_("Did not agree to messages"), N_("Ask them at their next visit.")),
    "capped": (N_("Had enough messages"), N_("As many as the campaign allows, lately.")),
    "no_card": (N_("No card in a phone"), N_("Offer them the card at the till.")),
    "gone": (N_("Gone meanwhile"), N_("Erased, merged into another, or the card is blocked.")),
    "no_field": (N_("The card shows no messages"), N_("Its design has no field for them.")),
    "refused": (
        N_("The gift could not be given"),
        N_("The account has no room for more points, so no words were sent either."),
    ),
    "no_coupon": (
        N_("The coupon was over"),
        N_("The announcement had ended or was taken off the cards, so no words were sent either."),
    ),
    "coupon.given": (N_("Got the coupon"), N_("It is on the page of the card.")),
    "coupon.had": (N_("Had the coupon already"), N_("Told all the same, without a second one.")),
    "coupon.used": (N_("Used the coupon"), N_("Of those who got it with this message.")),
    "apple.queued": (N_("Waits for its push"), N_("Apple is told in a moment.")),
    "apple.accepted": (N_("Taken by Apple, not fetched yet"), N_("The phone is off or offline.")),
    "apple.fetched": (
        N_("Fetched by the phone"),
        N_("The text is in the phone. That somebody read it, nobody can know."),
    ),
    "apple.replaced": (N_("Replaced by a later message"), N_("The phone came late.")),
    "apple.removed": (N_("Card removed"), N_("Taken out of the phone, or updates switched off.")),
    "apple.device_gone": (N_("Phone gone"), N_("Apple says that it is no more.")),
    "apple.refused": (N_("Refused by Apple"), N_("The log says why.")),
    "apple.never_fetched": (N_("Never fetched"), N_("Not within seven days.")),
    "google.queued": (N_("Waits to be written"), N_("Google takes twenty a second.")),
    "google.accepted": (
        N_("Taken, with a notification"),
        N_("Google does not say whether the phone has it."),
    ),
    "google.accepted_silently": (
        N_("Taken, without a sound"),
        N_("The three notifications of the day were spent."),
    ),
    "google.removed": (N_("Card removed"), N_("Taken out of Google Wallet.")),
    "google.refused": (N_("Refused by Google"), N_("The log says why.")),
}
