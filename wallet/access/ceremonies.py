"""What the standard for passkeys calls its ceremonies (WebAuthn, level 2): adding one, and signing
in with one. A browser asks first, and is given a challenge; what it brings back must answer that
challenge, and does so once. The library `webauthn` judges what a browser brings."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar

import structlog
import webauthn
from sqlalchemy import delete, select
from sqlalchemy.orm import Session
from webauthn.helpers import (
    base64url_to_bytes,
    bytes_to_base64url,
    parse_authentication_credential_json,
)
from webauthn.helpers.options_to_json_dict import options_to_json_dict
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from wallet.access import passkeys, staff, tokens
from wallet.access.passkeys import Passkey, PasskeyChallenge, PasskeySite
from wallet.access.staff import Employee
from wallet.errors import EmployeeRefused

NAME = "Kopilka"  # what a phone shows beside the address
MOST_PASSKEYS = 20  # of one person
CHALLENGE_LIVES = timedelta(minutes=5)

log = structlog.get_logger()

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class AskedPasskey:
    """What a browser is given. `options` are those of `navigator.credentials`; `challenge` is to be
    kept with the browser until it answers."""

    options: dict[str, Any]
    challenge: str


@dataclass(frozen=True, slots=True)
class TakenChallenge:
    """A challenge that was used up by its answer: no other answer to it counts. `employee_id`: who
    adds a passkey by it; None: somebody signs in."""

    challenge: str
    employee_id: int | None


def ask_to_add(
    session: Session, site: PasskeySite, employee_id: int, email: str, now: datetime
) -> AskedPasskey:
    """What a browser needs to make a passkey for this person."""
    known = [
        PublicKeyCredentialDescriptor(id=one.credential_id)
        for one in passkeys.of(session, employee_id)
    ]
    options = webauthn.generate_registration_options(
        rp_id=site.id,
        rp_name=NAME,
        user_id=_handle(employee_id),
        user_name=email,
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED,
            user_verification=UserVerificationRequirement.REQUIRED,
        ),
        exclude_credentials=known,
    )
    return _asked(session, options_to_json_dict(options), options.challenge, employee_id, now)


def take(
    session: Session, challenge: str, employee_id: int | None, now: datetime
) -> TakenChallenge:
    """Use up the challenge that this browser was given, to be committed before its answer is
    judged: of two who bring the same answer one finds no challenge, and of a wrong answer nothing
    is left to try again. Raises `EmployeeRefused`."""
    gone = session.execute(
        delete(PasskeyChallenge)
        .where(
            PasskeyChallenge.digest == tokens.digest(challenge),
            PasskeyChallenge.employee_id.is_not_distinct_from(employee_id),
            PasskeyChallenge.expires_at > now,
        )
        .returning(PasskeyChallenge.digest)
    ).first()
    if gone is None:
        raise EmployeeRefused("that took too long, or was sent twice. Please try once more.")
    return TakenChallenge(challenge, employee_id)


def add(
    session: Session,
    site: PasskeySite,
    taken: TakenChallenge,
    name: str,
    answer: str,
    now: datetime,
) -> Passkey:
    """Add the passkey that a browser made for the person of the challenge, under this name.
    `answer` is what the browser brings, as JSON. Raises `EmployeeRefused`."""
    name = name.strip()
    if not 0 < len(name) <= passkeys.LONGEST_NAME or not name.isprintable():
        raise EmployeeRefused(
            "a name has from 1 to {most} printable characters.", most=passkeys.LONGEST_NAME
        )
    employee_id = staff.locked(session, Employee.id == taken.employee_id).id
    verified = _judged(
        lambda: webauthn.verify_registration_response(
            credential=answer,
            expected_challenge=base64url_to_bytes(taken.challenge),
            expected_rp_id=site.id,
            expected_origin=site.origin,
            require_user_verification=True,
        )
    )
    known = passkeys.of(session, employee_id)
    if len(known) >= MOST_PASSKEYS:
        raise EmployeeRefused("{most} passkeys are enough: remove one first.", most=MOST_PASSKEYS)
    found = session.scalar(
        select(Passkey.id).where(Passkey.credential_id == verified.credential_id)
    )
    if found is not None or len(verified.credential_id) > passkeys.LONGEST_ID:
        raise EmployeeRefused("this passkey is here already.")
    passkey = Passkey(
        employee_id=employee_id,
        credential_id=verified.credential_id,
        public_key=verified.credential_public_key,
        sign_count=verified.sign_count,
        name=name,
        added_at=now,
    )
    session.add(passkey)
    session.flush()
    return passkey


def ask_to_sign_in(session: Session, site: PasskeySite, now: datetime) -> AskedPasskey:
    """What a browser needs to sign somebody in; the passkey says who it is."""
    options = webauthn.generate_authentication_options(
        rp_id=site.id, user_verification=UserVerificationRequirement.REQUIRED
    )
    return _asked(session, options_to_json_dict(options), options.challenge, None, now)


def who_signed(
    session: Session, site: PasskeySite, taken: TakenChallenge, answer: str, now: datetime
) -> Employee:
    """Whose passkey answered the challenge. Raises `EmployeeRefused`."""
    credential = _judged(lambda: parse_authentication_credential_json(answer))
    owner = session.scalar(
        select(Passkey.employee_id).where(Passkey.credential_id == credential.raw_id)
    )
    handle = credential.response.user_handle
    if owner is None or handle not in (None, _handle(owner)):
        raise EmployeeRefused("this passkey is not known here, or was removed.")
    employee = staff.locked(session, Employee.id == owner)
    passkey = session.scalar(
        select(Passkey)
        .where(Passkey.credential_id == credential.raw_id)
        .execution_options(populate_existing=True)
    )
    if passkey is None or employee.removed_at is not None:
        raise EmployeeRefused("this passkey is not known here, or was removed.")
    verified = _judged(
        lambda: webauthn.verify_authentication_response(
            credential=credential,
            expected_challenge=base64url_to_bytes(taken.challenge),
            expected_rp_id=site.id,
            expected_origin=site.origin,
            credential_public_key=passkey.public_key,
            credential_current_sign_count=passkey.sign_count,
            require_user_verification=True,
        )
    )
    passkey.sign_count, passkey.used_at = verified.new_sign_count, now
    session.flush()
    return employee


def _handle(employee_id: int) -> bytes:
    """By what a device knows whose passkey it is: it names nobody."""
    return employee_id.to_bytes(8)


def _asked(
    session: Session,
    options: dict[str, Any],
    challenge: bytes,
    employee_id: int | None,
    now: datetime,
) -> AskedPasskey:
    session.execute(delete(PasskeyChallenge).where(PasskeyChallenge.expires_at <= now))
    written = bytes_to_base64url(challenge)
    session.add(
        PasskeyChallenge(
            digest=tokens.digest(written),
            employee_id=employee_id,
            expires_at=now + CHALLENGE_LIVES,
        )
    )
    session.flush()
    return AskedPasskey(options, written)


def _judged(judge: Callable[[], T]) -> T:
    """What the library finds. It raises many kinds of errors where a browser, or whoever plays one,
    brings what is none of it."""
    try:
        return judge()
    except Exception as error:
        log.info("passkey_refused", why=type(error).__name__)
        raise EmployeeRefused("the passkey did not fit. Please try once more.") from error
