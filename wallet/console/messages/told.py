"""What pages of campaigns share: the one that an address names, and what is said of it in words:
its state, for whom it is, what comes with it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy.orm import Session

from ledger import languages, words
from ledger.errors import UnknownOffer
from ledger.limits import NEVER
from ledger.money import Money, decimals
from ledger.offers import offers
from ledger.offers.offers import Offer
from ledger.programmes import units
from ledger.programmes.base_words import RoundMoney
from ledger.programmes.programmes import Programme
from ledger.programmes.units import Unit
from ledger.segments import documents
from wallet.console import moments, pages
from wallet.console.members import conditions, coupon_words, people
from wallet.console.members.conditions import Reading
from wallet.console.shell import ConsoleLink
from wallet.errors import UnknownCampaign
from wallet.outreach import base_programme, campaigns, wording
from wallet.outreach.campaigns import Campaign, CampaignDraft, Rest
from wallet.outreach.gifts import MessageGift
from wallet.outreach.reach import Reach
from wallet.pages import language
from wallet.pages.language import counted
from wallet.pages.language import gettext as _

HERE = "messages"
READ, WRITE = "campaigns:read", "campaigns:write"
MOST_COUPONS = 100  # announcements that a form offers

BadgeLook = Literal["good", "wait", "bad", "info", "none"]


@dataclass(frozen=True, slots=True)
class CampaignReading:
    """For whom pages of campaigns speak: in which programme and unit, and what time it is."""

    programme: Programme
    unit: Unit
    now: datetime

    @classmethod
    def begin(cls, session: Session, now: datetime) -> "CampaignReading":
        """Of the page's programme."""
        programme = pages.programme_row(session)
        return cls(programme, units.named(session, programme.id, None), now)

    @property
    def of_conditions(self) -> Reading:
        return Reading(self.unit, self.programme.timezone)

    def at(self, moment: datetime) -> str:
        """A moment in plain words, by the programme's clock."""
        return moments.at(moment, self.programme.timezone, self.now)


def here(session: Session, campaign_id: str) -> Campaign:
    """The campaign of the page's programme; the request ends with 404 if there is none."""
    try:
        found = campaigns.by_public_id(session, campaign_id)
    except UnknownCampaign:
        pages.not_there(HERE)
    if found.programme_id != pages.programme().id:
        pages.not_there(HERE)
    return found


def tabs(here: str) -> list[ConsoleLink]:
    """The pages of the menu's entry, as far as the reader may see them."""
    shown = (
        ("campaigns", _("Written by you"), "console.campaigns.listed", READ),
        ("built_in", _("Built-in messages"), "console.built_in.listed", READ),
        ("offers", _("Announcements"), "console.offers.listed", "offers:read"),
        ("coupons", _("Coupons"), "console.coupons.look_up", "passes:read"),
        ("calendar", _("Calendar"), "console.calendar.show", READ),
    )
    return [
        ConsoleLink(words, url, is_here=name == here)
        for name, words, endpoint, right in shown
        if (url := pages.url_if_there(endpoint, right))
    ]


def state(campaign: Campaign) -> tuple[str, BadgeLook]:
    """The state of a campaign as a badge."""
    match campaign.state:
        case "draft":
            return _("draft"), "none"
        case "scheduled":
            return _("planned"), "info"
        case "running":
            gathers = campaign.frozen_at is None
            return (_("recipients are gathered") if gathers else _("being sent")), "info"
        case "paused":
            return _("paused"), "wait"
        case "cancelled":
            return _("cancelled"), "none"
    return _("sent"), "good"


def offer_state(offer: Offer, now: datetime) -> tuple[str, BadgeLook]:
    """The state of an announcement as a badge."""
    if offer.withdrawn_at is not None:
        return _("withdrawn"), "none"
    if offer.ends_at <= now:
        return _("over"), "none"
    if offer.starts_at > now:
        return _("to come"), "info"
    if not offer.is_shown(now):
        return _("recipients are gathered"), "info"
    return _("on the cards"), "good"


def waiting(rest: Rest | None, reading: CampaignReading) -> str:
    """Why nobody is told at present, and when it goes on; empty while it goes on."""
    if rest is None:
        return ""
    until = "" if rest.until is None else reading.at(rest.until)
    match rest.waits_for:
        case "start":
            return _("It begins %(moment)s.", moment=until)
        case "quiet_hours":
            return _("These are quiet hours: it goes on %(moment)s.", moment=until)
        case "coupon":
            return _(
                "The announcement of its coupon is not on the cards yet: it goes on by itself once"
                " it is."
            )
        case "pace":
            return _("Phones are still fetching what went out: it goes on by itself.")
    return _("It is paused: nobody is told until you resume it.")


def time_left(campaign: Campaign, now: datetime) -> str:
    """How long it takes by its own pace; empty where nobody knows."""
    if campaign.ends_about is None or campaign.state != "running":
        return ""
    left = max(campaign.ends_about - now, timedelta(seconds=1))
    return _("about %(time)s left", time=moments.lasting(left))


def limit(cap: tuple[int, int]) -> str:
    """How many messages a member gets at most: "3 messages in 7 days"."""
    return _(
        "%(messages)s in %(days)s",
        messages=counted("%(count)s message", "%(count)s messages", cap[0]),
        days=counted("%(count)s day", "%(count)s days", cap[1]),
    )


def whom(document: Mapping[str, Any], reading: CampaignReading) -> str:
    """For whom it is, in one line."""
    if document["kind"] == "segment":
        return _("segment “%(name)s”", name=str(document["name"]))
    return conditions.sentence(documents.read(document), reading.of_conditions)


def gift(one: MessageGift, reading: CampaignReading) -> str:
    """What comes with a message, with its dates: "50 points that live 30 days"."""
    points = people.points(reading.unit, one.points)
    if one.expires_at is not None:
        day = moments.last_day(one.expires_at, reading.programme.timezone)
        return _("%(points)s until %(day)s", points=points, day=day)
    if one.live_days is not None:
        days = counted("%(count)s day", "%(count)s days", one.live_days)
        return _("%(points)s that live %(days)s", points=points, days=days)
    return points


def coupons(session: Session, reading: CampaignReading, chosen: str) -> list[tuple[str, str]]:
    """The announcements of which a coupon can come with a message, by public id, with what they are
    called; also the one that is chosen, if it is over meanwhile."""
    found = offers.open_for_many(session, reading.programme.id, reading.now, MOST_COUPONS)
    listed = [(one.public_id, coupon_words.title(one)) for one in found]
    if chosen and chosen not in {id_ for id_, _title in listed}:
        try:
            over = coupon_words.title(offers.by_public_id(session, chosen))
        except UnknownOffer:
            return listed
        listed.append((chosen, _("%(title)s (over)", title=over)))
    return listed


def coupon(session: Session, public_id: str, reading: CampaignReading) -> str:
    """What comes with a message, if it is a coupon of this offer, in one line."""
    offer = offers.by_public_id(session, public_id)
    title = coupon_words.title(offer)
    if offer.ends_at == NEVER:
        return _("coupon “%(title)s”", title=title)
    day = moments.last_day(offer.ends_at, reading.programme.timezone)
    return _("coupon “%(title)s” until %(day)s", title=title, day=day)


def cost(session: Session, one: MessageGift, members: int, reading: CampaignReading) -> str:
    """What a gift costs if so many members get it, see `worth`."""
    return worth(session, one.points * members, reading)


def worth(session: Session, whole: int, reading: CampaignReading) -> str:
    """So many points, and what they are in money where a point has a worth."""
    said = people.points(reading.unit, whole)
    base = base_programme.of(session, reading.programme)
    worth = None if base is None else base.terms.worth
    if worth is None or reading.unit.currency is not None:
        return said
    places = decimals(worth.currency)
    money = Money.of(worth.points(places) * whole, places, worth.currency)
    written = RoundMoney(money).written(language.current())
    return _("%(points)s (%(money)s at the till)", points=said, money=written)


def paragraph(
    session: Session,
    draft: CampaignDraft,
    found: Reach,
    readers: Mapping[str, int],
    at: datetime | None,
    reading: CampaignReading,
) -> list[str]:
    """All that pressing Send brings, as sentences of one paragraph. `readers`: see
    `in_another_language`."""
    held = found.held_out(draft.holdout_percent)
    told = found.told - held
    begins = campaigns.quiet_until(draft, reading.programme, at or reading.now) or at
    when = _("right now") if begins is None else reading.at(begins)
    said = [
        _(
            "“%(name)s” goes out %(when)s. Recipients: %(count)s.",
            name=draft.name,
            when=when,
            count=language.number(told),
        ),
        _("For: %(whom)s.", whom=whom(draft.audience, reading)),
    ]
    if found.told:
        said.append(
            _(
                "With the card in Apple Wallet: %(apple)s, in Google Wallet: %(google)s.",
                apple=language.number(found.apple),
                google=language.number(found.google),
            )
        )
    if held:
        said.append(
            counted(
                "About %(count)s member gets nothing, to compare with.",
                "About %(count)s members get nothing, to compare with.",
                held,
            )
        )
    said += in_another_language(draft, readers, reading.programme)
    said += left_out(found)
    if draft.gift is not None and told:
        said.append(
            _(
                "With it come %(gift)s: %(cost)s in all, for those who are told and for nobody"
                " else.",
                gift=gift(draft.gift, reading),
                cost=cost(session, draft.gift, told, reading),
            )
        )
    if draft.coupon is not None and told:
        said.append(
            _(
                "With it comes a %(coupon)s, one for each who is told: at most %(count)s. Who has"
                " one already is told, and gets no second one.",
                coupon=coupon(session, draft.coupon, reading),
                count=language.number(told),
            )
        )
    if draft.cap is not None:
        said.append(
            _(
                "Whoever got %(messages)s in %(days)s is passed over.",
                messages=counted("%(count)s message", "%(count)s messages", draft.cap[0]),
                days=counted("%(count)s day", "%(count)s days", draft.cap[1]),
            )
        )
    said.append(_quiet(draft, at or reading.now, reading))
    return said


def left_out(found: Reach) -> list[str]:
    """Who of the audience gets nothing, and why."""
    said = []
    if found.no_consent:
        said.append(
            counted(
                "%(count)s did not agree to messages.",
                "%(count)s did not agree to messages.",
                found.no_consent,
            )
        )
    if found.no_card:
        said.append(
            counted(
                "%(count)s has no card in a phone.",
                "%(count)s have no card in a phone.",
                found.no_card,
            )
        )
    if found.capped:
        said.append(
            counted(
                "%(count)s got enough messages lately.",
                "%(count)s got enough messages lately.",
                found.capped,
            )
        )
    if found.silent:
        said.append(
            counted(
                "To %(count)s phone Google brings it without a sound: it had three alerts today.",
                "To %(count)s phones Google brings it without a sound: they had three alerts"
                " today.",
                found.silent,
            )
        )
    return said


def in_another_language(
    draft: CampaignDraft, readers: Mapping[str, int], programme: Programme
) -> list[str]:
    """Who would read the words in a language that is not theirs, though the programme speaks it.
    `readers`: how many read which language."""
    without: dict[str, int] = {}
    for tag, count in readers.items():
        own = languages.best(programme.languages, tag)
        if own is not None and languages.best(draft.texts, tag) is None:
            without[own] = without.get(own, 0) + count
    read = wording.language_for(draft.texts, *programme.languages)
    here = language.current()
    return [
        counted(
            "%(count)s of them reads %(own)s and will get the text in %(other)s.",
            "%(count)s of them read %(own)s and will get the text in %(other)s.",
            count,
            own=words.tongues_in(here, [own]),
            other=words.tongues_in(here, [read]),
        )
        for own, count in without.items()
    ]


def _quiet(draft: CampaignDraft, moment: datetime, reading: CampaignReading) -> str:
    if draft.quiet is None:
        return _("There are no quiet hours: it goes at night as well.")
    begins, ends = draft.quiet
    silent_until = campaigns.quiet_until(draft, reading.programme, moment)
    if silent_until is not None:
        return _(
            "These are quiet hours (%(begins)s to %(ends)s): nobody is told before %(moment)s.",
            begins=begins,
            ends=ends,
            moment=reading.at(silent_until),
        )
    return _(
        "From %(begins)s to %(ends)s nobody is told; what is left then goes on afterwards.",
        begins=begins,
        ends=ends,
    )
