"""The pages of staff, keys, other systems and changes in a browser: on a phone and on a desk, in
both languages, as axe and the browser itself see them."""

from datetime import timedelta

import pytest
from axe_playwright_python.sync_playwright import Axe
from visitors import signed_in

from wallet.access import grants, sources, staff, staff_sessions, staffing
from wallet.access.changes import Author
from wallet.access.grants import KeyTerms
from wallet.access.staffing import HeldRole
from wallet.console import door
from wallet.receivers import receivers
from wallet.receivers.log import Attempt
from wallet.receivers.receivers import ReceiverTerms

HOOKS = "/console/programmes/demo/webhooks"
LONG = "ekaterina.konstantinopolskaya@example.com"


@pytest.fixture
def pages(installation, api, join) -> list[str]:
    """Addresses of pages with something on each."""
    now, by = installation.clock(), grants.operator(Author("employee", LONG))
    with installation.database.transaction() as session:
        person = staffing.invite(session, by, LONG, [HeldRole("marketer", 1)], now).employee.id
        staff_sessions.begin(session, person, now)
        grants.issue_key(session, by, KeyTerms("Till 3", ["points:write"], 1), now)
        terms = ReceiverTerms("CRM", "https://crm.example.com/a/long/way", 1, ["points.*"])
        made, _ = receivers.add(
            session, installation.keys, installation.receivers_at, terms, by, now
        )
        session.add(
            Attempt(
                receiver_id=made.id,
                event_id=7,
                sent_at=now - timedelta(days=1),
                took_ms=84,
                status=500,
                problem="refused",
                answer="Internal Server Error",
            )
        )
        secret = sources.new_secret()
        sources.add(session, installation.keys, "till", "1c", 1, secret, by.author, now)
        assert staff.listed(session)
        receiver = made.public_id
    anna = join(name="Anna")
    api.call("patch", f"members/{anna['id']}", {"birthday": "1990-03-01"})
    return [
        "/console/rights",
        "/console/staff",
        f"/console/staff/{person}",
        f"/console/staff/{person}/roles",
        f"/console/staff/{person}/remove",
        "/console/keys",
        "/console/keys/new",
        f"{HOOKS}/{receiver}",
        f"{HOOKS}/{receiver}/edit",
        f"{HOOKS}/sources/till",
        "/console/changes",
    ]


@pytest.mark.parametrize(("width", "language"), [(360, "ru"), (1440, "en")])
def test_they_are_in_order_for_everybody(
    chromium, address, client, installation, pages, width, language
) -> None:
    signed_in(client, installation, "administrator")
    kept = client.get_cookie(door.COOKIE)
    assert kept is not None
    context = chromium.new_context(
        viewport={"width": width, "height": 800}, locale=language, reduced_motion="reduce"
    )
    context.add_cookies([{"name": door.COOKIE, "value": kept.value, "url": address}])
    page, said, hosts = context.new_page(), [], set()
    page.on("console", lambda line: said.append(line.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: hosts.add(request.url.split("/")[2]))
    faults = []
    for path in pages:
        page.goto(address + path)
        found = Axe().run(page).response["violations"]
        faults += [(path, one["id"], node["target"]) for one in found for node in one["nodes"]]
        if page.evaluate("document.documentElement.scrollWidth") != width:
            faults.append((path, "it is wider than the screen", width))
    # A key is made by keyboard alone, and copied.
    page.goto(f"{address}/console/keys/new")
    page.keyboard.type("Made by hand")
    page.get_by_label("members" if language == "en" else "клиентов", exact=False).first.focus()
    page.keyboard.press("Space")
    page.keyboard.press("Enter")
    page.wait_for_selector("#key")
    assert page.input_value("#key").startswith("kopilka_")
    context.close()
    assert (faults, said) == ([], [])
    assert hosts == {address.split("/")[2]}
