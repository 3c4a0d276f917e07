"""What a call names by an id or a code, as far as its caller may see it. What belongs to a
programme that the caller is not for is answered as if it were not there. Every view looks up
here."""

from dataclasses import replace

from sqlalchemy import select
from sqlalchemy.orm import Session

from ledger.book import holds, reversals
from ledger.book.holds import Hold
from ledger.book.journal import Posting
from ledger.errors import (
    MemberErased,
    NotFound,
    UnknownHold,
    UnknownImport,
    UnknownMember,
    UnknownOffer,
    UnknownPosting,
    UnknownProgramme,
)
from ledger.imports import store
from ledger.imports.store import Import
from ledger.offers import offers
from ledger.offers.offers import Offer
from ledger.people import members
from ledger.people.members import Member
from ledger.points.resolving import Whom
from ledger.programmes import programmes
from ledger.programmes.programmes import Programme
from ledger.programmes.units import Unit
from wallet.access.rights import Actor, may, may_everywhere
from wallet.api.auth import caller, right
from wallet.delivery import waves
from wallet.delivery.waves import Wave
from wallet.errors import UnknownCampaign, UnknownPass, UnknownReceiver, UnknownWave
from wallet.outreach import campaigns
from wallet.outreach.campaigns import Campaign
from wallet.passes import issued
from wallet.passes.issued import Pass
from wallet.receivers import receivers
from wallet.receivers.receivers import Receiver


def programme(session: Session, code: str) -> Programme:
    """The programme with this code. Raises `UnknownProgramme`."""
    found = programmes.by_code(session, code)
    if not _reaches(found.id):
        raise UnknownProgramme(code)
    return found


def require_reach(unit: Unit, code: str) -> None:
    """Raises `UnknownProgramme` if the unit is of a programme that the caller is not for; `code` is
    that of the programme."""
    if not _reaches(unit.programme_id):
        raise UnknownProgramme(code)


def programme_id(session: Session, code: str | None) -> int | None:
    """The programme whose rows a list has; None for all programmes. Raises `UnknownProgramme`."""
    return caller().programme_id if code is None else programme(session, code).id


def member(session: Session, public_id: str, *, include_erased: bool = False) -> Member:
    """The member with this public id. Raises `UnknownMember`, and `MemberErased` unless
    `include_erased`."""
    found = members.by_public_id(session, public_id, include_erased=True)
    if not _reaches(found.programme_id):
        raise UnknownMember
    if found.erased_at is not None and not include_erased:
        raise MemberErased
    return found


def member_of(session: Session, programme_id: int, public_id: str) -> Member:
    """The member of this programme with this public id. Raises `UnknownMember`, `MemberErased`."""
    found = member(session, public_id)
    if found.programme_id != programme_id:
        raise UnknownMember
    return found


def whom(named: Whom) -> Whom:
    """The member whom a posting is for, to be found only where the caller may post."""
    return within(caller(), named)


def within(actor: Actor, named: Whom) -> Whom:
    """The member who is named, to be found only in the programme that the actor is for."""
    return named if actor.programme_id is None else replace(named, programme_id=actor.programme_id)


def pass_(session: Session, serial: str) -> Pass:
    """The pass with this serial number. Raises `UnknownPass`."""
    found = issued.named(session, serial)
    if not _reaches(found.programme_id):
        raise UnknownPass
    return found


def offer(session: Session, public_id: str) -> Offer:
    """The offer with this public id. Raises `UnknownOffer`."""
    found = offers.by_public_id(session, public_id)
    if not _reaches(found.programme_id):
        raise UnknownOffer
    return found


def hold(session: Session, public_id: str) -> Hold:
    """The hold with this public id. Raises `UnknownHold`."""
    found = holds.find(session, public_id)
    if not _reaches(found.programme_id):
        raise UnknownHold
    return found


def posting(session: Session, public_id: str) -> Posting:
    """The posting with this public id. Raises `UnknownPosting`."""
    found = reversals.find(session, public_id)
    if not _reaches(found.programme_id):
        raise UnknownPosting
    return found


def import_(session: Session, public_id: str) -> Import:
    """The import with this public id. Raises `UnknownImport`."""
    found = store.find(session, public_id)
    if not _reaches(found.programme_id):
        raise UnknownImport
    return found


def campaign(session: Session, public_id: str) -> Campaign:
    """The campaign with this public id. Raises `UnknownCampaign`."""
    found = campaigns.by_public_id(session, public_id)
    if not _reaches(found.programme_id):
        raise UnknownCampaign
    return found


def wave(session: Session, public_id: str) -> Wave:
    """The wave with this public id. Raises `UnknownWave`."""
    found = waves.find(session, public_id)
    if not _reaches(found.programme_id):
        raise UnknownWave
    return found


def receiver(session: Session, public_id: str) -> Receiver:
    """The receiver with this public id; one that hears of all programmes is for those who may see
    all of them. Raises `UnknownReceiver`."""
    found = receivers.find(session, public_id)
    if found.programme_id is None:
        reached = may_everywhere(caller(), right())
    else:
        reached = _reaches(found.programme_id)
    if not reached:
        raise UnknownReceiver
    return found


def require_import(session: Session, public_id: str) -> None:
    """Raises `UnknownImport` for one that the caller cannot name."""
    _require(session, Import, public_id, UnknownImport)


def require_offer(session: Session, public_id: str) -> None:
    """Raises `UnknownOffer` for one that the caller cannot name."""
    _require(session, Offer, public_id, UnknownOffer)


def _require(
    session: Session,
    table: type[Import | Offer],
    public_id: str,
    unknown: type[NotFound],
) -> None:
    """Only the programme is read: whoever changes the row afterwards reads it under its lock."""
    query = select(table.programme_id).where(table.public_id == public_id)
    found = session.scalar(query)
    if found is None or not _reaches(found):
        raise unknown


def _reaches(programme_id: int) -> bool:
    return may(caller(), right(), programme_id)
