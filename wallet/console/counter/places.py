"""Where and as whom somebody serves: the store and till of this browser, and who takes over."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from flask import Blueprint, make_response, request
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from ledger.programmes import stores
from ledger.programmes.stores import Store, Till
from wallet.access import pins, staff_sessions
from wallet.access.counter_deeds import AtCounter
from wallet.access.roles import RIGHTS_OF
from wallet.access.staff import Employee
from wallet.console import pages
from wallet.console.door import door
from wallet.console.pages import IN_PROGRAMME, needs
from wallet.installation import current_installation
from wallet.pages.language import counted
from wallet.pages.language import gettext as _

COUNTER = f"{IN_PROGRAMME}/counter"
SERVES = pins.AT_COUNTER
MOST_STORES, MOST_TILLS = 200, 1_000

routes = Blueprint("counter_places", __name__)


@dataclass(frozen=True, slots=True)
class CounterPlace:
    """A store, and a till in it if it has any, as somebody chooses them. `value` stands for both in
    the form."""

    store: Store
    till: Till | None

    @property
    def value(self) -> str:
        """Codes have no slash."""
        return f"{self.store.code}/{self.till.code if self.till else ''}"

    @property
    def words(self) -> str:
        """What people call it."""
        return f"{self.store.name}, {self.till.name}" if self.till else self.store.name


def open_places(session: Session) -> Sequence[CounterPlace]:
    """Where one may serve in the programme of the page."""
    programme_id, places = pages.programme().id, list[CounterPlace]()
    tills = defaultdict[str, list[Till]](list)
    for till, store_code in stores.tills(session, programme_id, 0, MOST_TILLS):
        if not till.closed:
            tills[store_code].append(till)
    for store in stores.listed(session, programme_id, 0, MOST_STORES):
        if not store.closed:
            theirs = [CounterPlace(store, till) for till in tills[store.code]]
            places += theirs or [CounterPlace(store, None)]
    return places


def here(places: Sequence[CounterPlace]) -> CounterPlace | None:
    """Where this browser serves: where somebody said, or the only place there is."""
    who = pages.person()
    chosen = f"{who.store or ''}/{who.till or ''}"
    found = next((one for one in places if one.value == chosen), None)
    return places[0] if found is None and len(places) == 1 else found


def at_counter(session: Session) -> AtCounter:
    """Who serves, and where."""
    place, who = here(open_places(session)), pages.person()
    return AtCounter(
        who.employee_id,
        pages.programme().id,
        None if place is None else place.store.code,
        None if place is None or place.till is None else place.till.code,
    )


def called(session: Session) -> str:
    """What whoever serves is called."""
    return pins.called(session.get_one(Employee, pages.person().employee_id))


def around() -> dict[str, Any]:
    """What the head of every page at the counter shows."""
    with current_installation().database.reading() as session:
        places, who = open_places(session), pages.person()
        return {
            "places": places,
            "place": here(places),
            "called": called(session),
            "colleagues": [
                one
                for one in pins.colleagues(session, pages.programme().id)
                if one.employee_id != who.employee_id
            ],
            "alone": who.counter,
        }


@routes.post(f"{COUNTER}/place")
@needs(SERVES)
def choose_place() -> Response:
    """Say where one serves. Who may do nothing but serve stays signed in for the shift."""
    chosen, who = request.form.get("place", ""), pages.person()
    with current_installation().database.transaction() as session:
        place = next((one for one in open_places(session) if one.value == chosen), None)
        serves_alone = all(RIGHTS_OF[role] <= RIGHTS_OF["cashier"] for role, _there in who.roles)
        staff_sessions.serve_at(
            session,
            who,
            None if place is None else place.store.code,
            None if place is None or place.till is None else place.till.code,
            counter=serves_alone,
        )
    return pages.go("console.counter.show")


@routes.post(f"{COUNTER}/cashier")
@needs(SERVES)
def take_over() -> Response:
    """A colleague takes over by their PIN. 422 for a wrong one, 429 for whoever has to wait."""
    house, pin = current_installation(), request.form.get("pin", "")[: pins.MOST_DIGITS + 1]
    typed = request.form.get("employee", "")
    employee_id = int(typed) if typed.isascii() and typed.isdigit() and len(typed) < 19 else 0
    with house.database.transaction() as session:
        taken = pins.take_over(
            session,
            house.keys,
            pages.person(),
            employee_id,
            pages.programme().id,
            pin,
            door.visit(),
            house.clock(),
        )
    if isinstance(taken, str):
        return door.let_in(taken, pages.url("console.counter.show"))
    sentence = _("Wrong PIN.") if taken is None else _wait(taken)
    again = {"problem": sentence, "employee": employee_id}
    answer = make_response(pages.show("console/counter/pin.html", "", **again, **around()), 422)
    if taken is not None:
        answer.status_code = 429
        answer.headers["Retry-After"] = str(int(taken.total_seconds()) + 1)
    return answer


def _wait(wait: timedelta) -> str:
    minutes = -(-wait // timedelta(minutes=1))
    return counted(
        "Too many wrong PINs. Try again in %(count)s minute.",
        "Too many wrong PINs. Try again in %(count)s minutes.",
        minutes,
    )
