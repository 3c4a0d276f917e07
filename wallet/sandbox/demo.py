"""The programme that a sandbox begins with."""

from datetime import datetime

from sqlalchemy.orm import Session

from ledger.errors import UnknownProgramme
from ledger.programmes import programmes
from ledger.programmes.programmes import Terms
from wallet.configuration.settings import DEMO
from wallet.passes import templates

TERMS = Terms(DEMO, "Кофейня «Копилка»", locale="ru", timezone="Europe/Moscow")
IN_ENGLISH = "Kopilka Coffee House"


def ensure(session: Session, now: datetime) -> None:
    """Create the demo programme with its card, unless it is there."""
    try:
        programmes.by_code(session, DEMO)
    except UnknownProgramme:
        programme = programmes.create(session, TERMS, now)
        programmes.say(session, programme.id, "name", "en", IN_ENGLISH, now)
        names = {"ru": TERMS.name, "en": IN_ENGLISH}
        templates.store(session, programme.id, templates.standard(names), {}, now)
