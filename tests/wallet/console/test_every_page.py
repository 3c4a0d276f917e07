"""Every page of the console as a browser shows it: found by following links from the first one, as
an administrator. Each page is looked at once, half of them in Russian and half in English, on a
phone and on a desk by turns; `KOPILKA_LOOKS=all` looks at each of them in all four ways, and
`KOPILKA_SHOTS` names a folder for pictures of them."""

import itertools
import os
import re
from collections.abc import Iterator
from urllib.parse import urlsplit

import browsers
import pytest
from flask import Flask
from playwright.sync_api import Browser, BrowserContext, Page
from visitors import signed_in

from wallet.access import grants, sources, staff_sessions, staffing
from wallet.access.changes import Author
from wallet.access.grants import KeyTerms
from wallet.access.staffing import HeldRole
from wallet.console.door import door
from wallet.receivers import receivers
from wallet.receivers.log import Attempt
from wallet.receivers.receivers import ReceiverTerms

LOOKS = [(1440, "ru"), (360, "en"), (360, "ru"), (1440, "en")]
LONG = "ekaterina.konstantinopolskaya@example.com"  # longer than a line of a phone
ALL = os.environ.get("KOPILKA_LOOKS") == "all"
SHOTS = os.environ.get("KOPILKA_SHOTS")
MOST_PAGES = 200
# What an address has of one thing: its id, a code, a number.
OF_ONE_THING = re.compile(r"(?<=/)([0-9a-f]{8}-[0-9a-f-]{27}|\d+)(?=/|$)")
# Answers that are files, or end something.
NO_PAGE = re.compile(r"\.(csv|ndjson|json|html|xlsx|pdf|svg)\b|console/sign-out|/file\b|[?&]lang=")


@pytest.fixture
def contexts(
    chromium: Browser, app: Flask, installation, address: str
) -> Iterator[dict[tuple[int, str], BrowserContext]]:
    """Browsers in which an administrator is signed in, by screen and language."""
    inside = signed_in(app.test_client(), installation, "administrator")
    cookie = inside.client.get_cookie(door.COOKIE)
    made = {}
    for width, language in LOOKS:
        made[width, language] = context = chromium.new_context(
            viewport={"width": width, "height": 800}, locale=language, reduced_motion="reduce"
        )
        browsers.patient(context).add_cookies(
            [{"name": door.COOKIE, "value": cookie.value, "url": address}]
        )
    yield made
    for context in made.values():
        context.close()


@pytest.fixture
def something_of_everything(api, member, installation) -> None:
    """So that lists have rows that lead on."""
    points = {"member": member["id"], "points": 120}
    assert api.post("accruals", points).status_code == 201
    assert api.post("offers", {"programme": "demo", "title": "Латте"}).status_code == 201
    now, by = installation.clock(), grants.operator(Author("employee", LONG))
    with installation.database.transaction() as session:
        roles = [HeldRole("marketer", 1), HeldRole("cashier")]
        staff_sessions.begin(
            session, staffing.invite(session, by, LONG, roles, now).employee.id, now
        )
        grants.issue_key(session, by, KeyTerms("Till 3", ["points:write"], 1), now)
        terms = ReceiverTerms("CRM", "https://crm.example.com/a/long/way", 1, ["points.*"])
        crm, _ = receivers.add(
            session, installation.keys, installation.receivers_at, terms, by, now
        )
        session.add(
            Attempt(
                receiver_id=crm.id,
                event_id=7,
                sent_at=now,
                took_ms=84,
                status=500,
                problem="refused",
                answer="Internal Server Error",
            )
        )
        secret = sources.new_secret()
        sources.add(session, installation.keys, "till", "1c", 1, secret, by.author, now)


def shape(url: str) -> str:
    """The page that an address is of, whatever thing it is about."""
    return OF_ONE_THING.sub("…", urlsplit(url).path)


def wrongs(page: Page, width: int, language: str) -> list[str]:
    """What is wrong with a page as it stands there."""
    found = browsers.faults(page)
    wide = page.evaluate("document.documentElement.scrollWidth")
    if wide > width:
        found.append(f"{wide} px wide")
    if page.evaluate("document.documentElement.lang") != language:
        found.append("another language")
    if page.locator("h1").count() != 1:
        found.append("not one heading")
    return found


def test_every_page_is_in_order(contexts, address: str, something_of_everything) -> None:
    said: list[str] = []
    hosts: set[str] = set()
    pages: dict[tuple[int, str], Page] = {}
    for look, context in contexts.items():
        pages[look] = page = context.new_page()
        page.on("console", lambda line: said.append(line.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("requestfailed", lambda request: said.append(f"{request.url} {request.failure}"))
        page.on("request", lambda request: hosts.add(urlsplit(request.url).netloc))
    turns = itertools.cycle(LOOKS)
    wanted, seen, wrong = [f"{address}/console/"], set(), {}
    while wanted and len(seen) < MOST_PAGES:
        url = wanted.pop(0)
        if shape(url) in seen:
            continue
        seen.add(shape(url))
        for look in LOOKS if ALL else [next(turns)]:
            page = pages[look]
            said.clear()
            answer = page.goto(url)
            assert answer is not None
            found = browsers.complaints(said)
            found += wrongs(page, *look)
            if answer.status != 200:
                found.append(f"status {answer.status}")
            if SHOTS:
                name = shape(url).strip("/").replace("/", "-")
                page.screenshot(path=f"{SHOTS}/{name}-{look[1]}-{look[0]}.png", full_page=True)
            if found:
                wrong[shape(url), *look] = found
            seen.add(shape(page.url))
        links = page.eval_on_selector_all("a[href]", "all => all.map(one => one.href)")
        wanted += [
            link
            for link in links
            if link.startswith(f"{address}/console/") and not NO_PAGE.search(link)
        ]
    assert wrong == {}
    assert hosts - {""} == {urlsplit(address).netloc}
    assert len(seen) < MOST_PAGES
