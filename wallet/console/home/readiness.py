"""Ready to start: what a programme needs before its first day, each step read from what is really
there. Nobody ticks a step off by hand; a step can only be said not to be needed."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal, get_args

from sqlalchemy import Select, exists, select
from sqlalchemy.orm import Session

from ledger.book.journal import Posting
from ledger.imports import store
from ledger.imports.columns import PEOPLE_KINDS
from ledger.imports.store import Import
from ledger.people.consents import Consent
from ledger.people.members import Member
from ledger.programmes import programmes
from ledger.programmes.programmes import Programme
from wallet.access.staff import Employee, EmployeeRole
from wallet.apple.devices import Registration
from wallet.google.mirror import GoogleObject
from wallet.installation import Installation
from wallet.outreach.deliveries import Delivery
from wallet.passes import templates
from wallet.passes.issued import Pass

ReadyStep = Literal[
    "card", "design", "legal", "poster", "cashier", "import", "accrual", "message", "certificates"
]
STEPS: tuple[ReadyStep, ...] = get_args(ReadyStep)
NEW_FOR = timedelta(days=60)  # a programme; then the home page speaks of it no more


@dataclass(frozen=True, slots=True)
class StepState:
    """`is_done`: what the step is for is there. `is_skipped`: its people said that they do not need
    it; a step that was done all the same is done."""

    step: ReadyStep
    is_done: bool
    is_skipped: bool


def steps(
    session: Session, house: Installation, programme: Programme, now: datetime
) -> list[StepState]:
    """Every step, in the order in which a shop takes them."""
    known: Mapping[ReadyStep, Callable[[], bool]] = {
        "card": lambda: _has_card(session, programme),
        "design": lambda: has_own_design(session, programme),
        "legal": lambda: programmes.said(session, programme.id, "operator", "") is not None,
        "poster": lambda: programmes.said(session, programme.id, "poster", "") is not None,
        "cashier": lambda: _is_there(session, _cashiers(programme)),
        "import": lambda: _is_there(session, _imports(programme)),
        "accrual": lambda: _is_there(session, _undone(programme)),
        "message": lambda: _is_there(session, _told(programme)),
        "certificates": lambda: has_apple(house, now),
    }
    return [StepState(step, known[step](), step in programme.skipped) for step in STEPS]


def progress(states: Sequence[StepState]) -> tuple[int, int]:
    """How many steps are done, of how many that are needed."""
    needed = [one for one in states if one.is_done or not one.is_skipped]
    return sum(one.is_done for one in needed), len(needed)


def left(
    session: Session, house: Installation, programme: Programme, now: datetime
) -> tuple[int, int] | None:
    """The same for a programme that is new; None once all is done, or it is new no more."""
    if now - programme.created_at > NEW_FOR:
        return None
    done, needed = progress(steps(session, house, programme, now))
    return None if done == needed else (done, needed)


def is_unanswered(session: Session, programme_id: int) -> bool:
    """Whether nobody has answered the questions of the first hour."""
    return programmes.by_id(session, programme_id).trade is None


def has_real_wallets(house: Installation, now: datetime) -> bool:
    """Whether phones of customers accept the cards in at least one vendor's wallet. Until then the
    card is the page in the browser."""
    return has_apple(house, now) or has_google(house)


def has_apple(house: Installation, now: datetime) -> bool:
    """Whether iPhones of customers accept the cards."""
    if house.settings.in_sandbox:
        return False
    return any(one.issued_by == "Apple" and one.is_valid(now) for one in house.certificates.every)


def has_google(house: Installation) -> bool:
    """Whether Android phones of customers have the cards in Google Wallet."""
    return house.google is not None and not house.settings.in_sandbox


def _is_there(session: Session, rows: Select[int]) -> bool:
    return bool(session.scalar(select(exists(rows))))


def _has_card(session: Session, programme: Programme) -> bool:
    """Whether somebody took a card: by the form, which shows it in the browser, or into a wallet.
    Members who came from a file have none in their hands yet."""
    by_form = (
        select(Consent.id)
        .join(Member, Member.id == Consent.member_id)
        .where(Member.programme_id == programme.id, Consent.source == "page")
    )
    if _is_there(session, by_form):
        return True
    theirs = select(Pass.id).where(Pass.programme_id == programme.id)
    on_apple = theirs.join(Registration, Registration.pass_id == Pass.id)
    on_google = theirs.join(GoogleObject, GoogleObject.pass_id == Pass.id).where(
        GoogleObject.saved.is_(True)
    )
    return _is_there(session, on_apple) or _is_there(session, on_google)


def has_own_design(session: Session, programme: Programme) -> bool:
    """Whether the card looks otherwise than that with which a programme begins: in the name of the
    shop, but with our colours, pictures and fields."""
    template = templates.find(session, programme.id, "card")
    if template is None:
        return False
    now = templates.design(template)
    begun = templates.design(templates.revisions(session, programme.id, "card")[0])
    as_begun = replace(begun, organization=now.organization, logo_text=now.logo_text)
    return now != as_begun or bool(templates.given_images(session, template))


def _cashiers(programme: Programme) -> Select[int]:
    return (
        select(EmployeeRole.id)
        .join(Employee, Employee.id == EmployeeRole.employee_id)
        .where(
            EmployeeRole.role == "cashier",
            EmployeeRole.programme_id.is_(None) | (EmployeeRole.programme_id == programme.id),
            Employee.removed_at.is_(None),
        )
    )


def _imports(programme: Programme) -> Select[int]:
    """Imports that brought customers."""
    return select(Import.id).where(
        Import.programme_id == programme.id,
        Import.kind.in_(PEOPLE_KINDS),
        Import.state.in_((store.APPLYING, store.DONE)),
    )


def _undone(programme: Programme) -> Select[int]:
    return select(Posting.id).where(
        Posting.programme_id == programme.id, Posting.kind == "reversal"
    )


def _told(programme: Programme) -> Select[int]:
    return select(Delivery.id).where(
        Delivery.programme_id == programme.id, Delivery.state == "told"
    )
