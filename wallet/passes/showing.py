"""What passes may show: facts about their members, what a coupon shows of them, and whether a pass
is valid. `content.render` puts these facts into a design."""

import functools
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Literal
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from ledger import languages, words
from ledger.book import statements
from ledger.languages import Language
from ledger.limits import NEVER
from ledger.offers import offers
from ledger.offers.offers import Offer
from ledger.people import cards, members
from ledger.people.persons import Person, Profile
from ledger.programmes import programmes, units
from ledger.programmes.programmes import Programme
from ledger.words import N_
from wallet import sentences
from wallet.passes import barcode_settings, codes, news, renewal
from wallet.passes.content import Facts, OfferShown, Validity
from wallet.passes.issued import ASKS, Pass

Withheld = Literal["lost", "erased", "blocked"]


def facts(
    session: Session, programme: Programme, member_ids: Sequence[int], now: datetime
) -> dict[int, Facts]:
    """What cards of these members of one programme may show now, by member id. For erased members
    nothing but the programme's name, and `voided`; for blocked ones the same, and `blocked`."""
    gone = members.erased(session, member_ids)
    people = _people(session, member_ids)
    newest = cards.newest(session, member_ids)
    balances = statements.main_balances(
        session, programme.id, members.by_ids(session, member_ids), now
    )
    offers_shown = offers.shown(session, programme.id, member_ids, now)
    messages = news.of_members(session, member_ids)
    names = programmes.names(session, programme)
    told = functools.cache(lambda offer, locale: offer_shown(offer, programme, locale))
    unit = units.find(session, programme.id, None)
    scale, currency = (unit.scale, unit.currency) if unit is not None else (0, None)
    blocked = {member_id for member_id, card in newest.items() if card.withheld} - gone
    barcodes = renewal.shown(session, member_ids)
    rotating = barcode_settings.of(session, programme.id).at_google == "rotating"
    living = {
        member_id: Facts(
            programme=languages.said(names, people[member_id].locale, *programme.languages),
            card_number=newest[member_id].number,
            barcode=barcodes.get(member_id, newest[member_id].number),
            name=people[member_id].name or "",
            points=balances[member_id].available,
            debt=balances[member_id].debt,
            scale=scale if currency is not None else 0,
            currency=currency,
            rotating=rotating,
            offers=tuple(
                told(offer, people[member_id].locale) for offer in offers_shown[member_id]
            ),
            message=messages.get(member_id),
            locale=people[member_id].locale,
            accepted=cards.objection(newest[member_id], now) is None,
        )
        for member_id in member_ids
        if member_id not in gone and member_id not in blocked
    }
    silent = replace(nothing(programme), voided=False, blocked=True)
    return living | dict.fromkeys(blocked, silent) | dict.fromkeys(gone, nothing(programme))


def nothing(programme: Programme) -> Facts:
    """What a pass shows that is void for good: nothing of any member."""
    return Facts(programme.name, card_number="", barcode="", name="", points=0, voided=True)


def of_card(known: Facts, validity: Validity, now: datetime) -> Facts:
    """What a card shows of its member. One that is not valid shows the number that tills refuse,
    and say why; but never another one, given to the member since, that they would accept."""
    over = validity.expires and datetime.fromisoformat(validity.expires) <= now
    if not known.accepted or (validity.state == "active" and not over):
        return known
    return replace(known, card_number="", barcode="", rotating=False)


def _people(session: Session, member_ids: Sequence[int]) -> Mapping[int, Profile]:
    """Name and language of each member; both are None for erased members."""
    rows = session.execute(
        select(Person.member_id, Person.name, Person.locale).where(Person.member_id.in_(member_ids))
    )
    known = {row.member_id: Profile(name=row.name, locale=row.locale) for row in rows}
    return {member_id: known.get(member_id, Profile()) for member_id in member_ids}


def offer_shown(offer: Offer, programme: Programme, locale: str | None = None) -> OfferShown:
    """The offer as the member reads it: in their language, with its last day by the programme's
    clock."""
    in_several = len({*offer.titles, *offer.texts}) > 1
    written = dict.fromkeys([*programme.languages, *offer.titles]) if in_several else ()
    others = {language: _in_words(offer, programme, language) for language in written}
    return replace(_in_words(offer, programme, locale), others=others)


def wording(offer: Offer, programme: Programme, *wanted: str | None) -> tuple[str, str]:
    """Title and text of the offer in the first of these languages that it has, else in the first of
    the programme's. The text is in the language of the title, if there is a text in it."""
    chosen = languages.of_texts(offer.titles, *wanted, *programme.languages)
    said = languages.said(offer.texts, chosen, *wanted, *programme.languages)
    return offer.titles.get(chosen or "", ""), said


def _in_words(offer: Offer, programme: Programme, locale: str | None) -> OfferShown:
    language = languages.ours(locale, *programme.languages)
    return OfferShown(*wording(offer, programme, locale), until(offer, programme, language))


def until(offer: Offer, programme: Programme, language: Language) -> str:
    """Until when an offer is good, in words: its last day by the programme's clock, and the time if
    it ends within that day. Empty if it does not end."""
    return until_moment(offer.ends_at, programme, language)


def until_moment(ends_at: datetime, programme: Programme, language: Language) -> str:
    """The same for what ends at this moment."""
    if ends_at == NEVER:
        return ""
    end = ends_at.astimezone(ZoneInfo(programme.timezone))
    sentence = N_("until the end of %(day)s")
    if not words.ends_with_a_day(end):
        sentence = N_("until %(moment)s")
    written = words.end_in(language, end)
    return sentences.CATALOGUE.text(language, sentence) % {"day": written, "moment": written}


def validity_of(pass_: Pass, programme: Programme) -> Validity:
    """Whether the pass is valid, and until when, in the programme's time zone."""
    ends = _local(pass_.ends_at, programme) if pass_.ends_at is not None else ""
    asks = pass_.enrolment == ASKS and programme.keeps_personal
    return Validity(pass_.state, ends, asks=asks)


def of_coupon(
    serial: str,
    offer: Offer,
    known: Facts,
    programme: Programme,
    validity: Validity,
    now: datetime,
) -> tuple[Facts, Validity]:
    """What the coupon of an offer shows of its member, with this one offer. The coupon ends with
    the offer and is void if the offer was withdrawn, or while the member is blocked."""
    if known.says_nothing:
        return known, validity
    shown = offer_shown(offer, programme, known.locale)
    if validity.state == "active" and offer.withdrawn_at is not None:
        validity = replace(validity, state="void")
    if not validity.expires and offer.ends_at != NEVER:
        is_over = validity.state == "active" and offer.ends_at <= now
        validity = replace(
            validity,
            state="expired" if is_over else validity.state,
            expires=_local(offer.ends_at, programme),
        )
    barcode = codes.of_coupon(serial, known.barcode)
    return replace(known, offers=(shown,), barcode=barcode), validity


def withheld(session: Session, pass_: Pass) -> Withheld | None:
    """Why nothing of the pass is shown to whoever has its link; None if it is shown."""
    if pass_.lost_at is not None:
        return "lost"
    if pass_.voided:
        return "erased"
    return "blocked" if cards.is_blocked(session, [pass_.member_id]) else None


def _local(moment: datetime, programme: Programme) -> str:
    return moment.astimezone(ZoneInfo(programme.timezone)).isoformat(timespec="seconds")
