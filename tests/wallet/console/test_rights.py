"""Every page of the console for every role: in its own programme, in another, and for nobody. It
is allowed exactly where the table of rights says so, and no page shows a link or a form that its
reader may not use. New routes are taken up by themselves; one whose address has a part that is not
known here needs a line in `Samples`."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from html import unescape
from typing import NamedTuple
from urllib.parse import urlsplit

import pytest
from flask import Flask
from visitors import FORM_TOKEN, Visitor, signed_in
from werkzeug.exceptions import HTTPException
from werkzeug.routing import Rule

from ledger.offers import offers
from ledger.offers.offers import OfferDraft
from ledger.people import members
from ledger.programmes import programmes, stores
from ledger.programmes.programmes import Terms
from ledger.programmes.stores import StoreTerms, TillTerms
from ledger.segments import named
from ledger.segments.kinds.everyone import Everyone
from wallet.access import apikeys, grants, sources, staff
from wallet.access.changes import Author
from wallet.access.roles import ROLES, Role, allows
from wallet.console.door import door
from wallet.installation import Installation
from wallet.outreach import campaigns
from wallet.outreach.campaigns import CampaignDraft
from wallet.passes import coupons, drafts, templates
from wallet.receivers import receivers
from wallet.receivers.receivers import ReceiverTerms

OWN, OTHER = "demo", "other"
WORDS = {
    "step",
    "purpose",
    "of",
    "file",
    "picture",
    "message_kind",
    "ending",
}  # parts of addresses that are there in every programme
# Parts of addresses whose samples are somebody else's, or nothing.
NOT_THERE = {"passkey_id", "id_", "import_id", "adjustment_id", "posting_id", "deed_id"}
BY = Author("command", "wallet test")
DOOR = "console.door."

# Addresses that lead somewhere, and where a form without a method leads.
HREF = re.compile(r'<(?:a|form)\b[^>]*?\b(?:href|action)="([^"]*)"', re.DOTALL)
# A form that only shows what is there has no button.
POSTED = re.compile(
    r'<form\b(?=[^>]*\bmethod="post")(?:[^>]*?\baction="([^"]*)")?[^>]*>'
    r'(?=(?:(?!</form>).)*?\btype="submit")',
    re.DOTALL,
)


@dataclass(frozen=True)
class Samples:
    """What stands for the parts of addresses: something that is there, in the programme `demo`."""

    parts: dict[str, object]

    @classmethod
    def made(cls, installation: Installation, member_id: str) -> "Samples":
        now, keys = installation.clock(), installation.keys
        with installation.database.transaction() as session:
            programmes.create(session, Terms(OTHER, "Другая"), now)
            demo = programmes.by_code(session, OWN).id
            apikeys.issue(session, "crm", ["members:read"], now, demo)
            terms = ReceiverTerms("crm", "http://127.0.0.1:9999/", demo)
            by = grants.operator(BY)
            receiver, _ = receivers.add(session, keys, installation.receivers_at, terms, by, now)
            sources.add(session, keys, "till", "generic", demo, sources.new_secret(), BY, now)
            somebody = staff.welcomed(session, "somebody@example.com", now)
            session.add(
                staff.EmployeeRole(employee_id=somebody.id, programme_id=demo, role="cashier")
            )
            everybody = Everyone(kind="everyone")
            named.save(session, programmes.by_id(session, demo), "till", everybody, "x", now)
            stores.put_store(session, demo, StoreTerms("centre"), now)
            stores.put_till(session, demo, TillTerms("1", "centre"), now)
            draft = CampaignDraft("x", {"ru": "x"})
            campaign = campaigns.create(session, programmes.by_id(session, demo), draft, now)
            offer = offers.publish(session, demo, None, OfferDraft({"ru": "x"}), now)
            member = members.by_public_id(session, member_id)
            coupon = coupons.issue(session, member, offer, "pass.x", keys.first.id, now)
            cards = templates.standard("Другая")
            templates.store(session, programmes.by_code(session, OTHER).id, cards, {}, now)
            templates.store(session, demo, cards, {}, now)
            drafts.begin(session, programmes.by_code(session, OWN), "card", "x", now)
            session.flush()
            return cls(
                {
                    "campaign_id": campaign.public_id,
                    "message_kind": "birthday",
                    "offer_id": offer.public_id,
                    "coupon_id": coupon.serial,
                    "employee_id": somebody.id,
                    "key_id": apikeys.named(session, "crm").id,
                    "receiver_id": receiver.public_id,
                    "name": "till",
                    "passkey_id": 1,
                    "kind": "import",
                    "id_": "01a20f23-0b7e-7a10-9c5e-3a1f0c2d4e5f",
                    "turn": "pause",
                    "store": "centre",
                    "purpose": "card",
                    "of": "draft",
                    "file": "logo",
                    "ending": "svg",
                    "picture": "logo",
                    "number": 2,
                    "serial": "0" * 32,
                    "till": "1",
                    "deed_id": "01a20f23-0b7e-7a10-9c5e-3a1f0c2d4e5f",
                    "step": "import",
                    "member_id": member_id,
                    "posting_id": "01a20f23-0b7e-7a10-9c5e-3a1f0c2d4e5f",
                    "adjustment_id": "01a20f23-0b7e-7a10-9c5e-3a1f0c2d4e5f",
                    "import_id": "01a20f23-0b7e-7a10-9c5e-3a1f0c2d4e5f",
                }
            )

    def address(self, rule: Rule, programme: str) -> str:
        """The rule's address in this programme."""
        unknown = rule.arguments - self.parts.keys() - {"programme"}
        assert not unknown, f"{rule.rule}: give a sample for {', '.join(unknown)}"
        given = {**self.parts, "programme": programme}
        built = rule.build({name: given[name] for name in rule.arguments})
        assert built is not None
        return str(built[1])


@pytest.fixture
def samples(installation, member) -> Samples:
    return Samples.made(installation, member["id"])


@pytest.fixture
def behind(app: Flask) -> list[Rule]:
    """The rules of all that is behind the door."""
    rules = [rule for rule in app.url_map.iter_rules() if rule.endpoint.startswith("console.")]
    return [
        rule
        for rule in rules
        if rule.endpoint not in {*door.OPEN, "console.static"}
        and not rule.endpoint.startswith(DOOR)
    ]


def rights_of(app: Flask, rule: Rule) -> tuple[str, ...]:
    view = app.view_functions[rule.endpoint]
    assert hasattr(view, "rights"), f"{rule.endpoint} states no right: pages.needs"
    rights: tuple[str, ...] = view.rights
    return rights


def is_allowed(role: Role, rights: tuple[str, ...]) -> bool:
    return all(allows(role, right) for right in rights)


def employee(app: Flask, installation: Installation, role: Role, programme: str = OWN) -> Visitor:
    with installation.database.reading() as session:
        there = programmes.by_code(session, programme).id
    return signed_in(app.test_client(), installation, role, there)


class TestEveryRoute:
    @pytest.mark.parametrize("role", ROLES)
    def test_a_page_is_there_exactly_for_who_has_its_right(
        self, app, installation, samples, behind, role: Role
    ) -> None:
        visitor = employee(app, installation, role)
        for rule in behind:
            if "GET" not in (rule.methods or ()):
                continue
            answer = visitor.get(samples.address(rule, OWN))
            if is_allowed(role, rights_of(app, rule)):
                good = (200, 303, 404) if rule.arguments & NOT_THERE else (200, 303)
                assert answer.status_code in good, (rule.rule, answer.status_code)
            else:
                assert answer.status_code == 403, (rule.rule, answer.status_code)

    @pytest.mark.parametrize("role", ROLES)
    def test_a_form_is_taken_exactly_from_who_has_its_right(
        self, app, installation, samples, behind, role: Role
    ) -> None:
        visitor = employee(app, installation, role)
        token = FORM_TOKEN.search(visitor.read("/console/rights"))[1]
        for rule in behind:
            if "POST" not in (rule.methods or ()):
                continue
            answer = visitor.post(samples.address(rule, OWN), csrf_token=token)
            if is_allowed(role, rights_of(app, rule)):
                assert answer.status_code in (200, 303, 404, 409, 422), rule.rule
            else:
                assert answer.status_code == 403, (rule.rule, answer.status_code)

    def test_another_programme_is_not_there_for_anybody(
        self, app, installation, samples, behind
    ) -> None:
        """Neither are things of a programme, by the address of another: whoever may everything in
        both finds them where they are."""
        elsewhere = employee(app, installation, "administrator", OTHER)
        everywhere = signed_in(app.test_client(), installation, "administrator", email="a@b.ru")
        for rule in behind:
            if "programme" not in rule.arguments:
                continue
            for method in {"GET", "POST"} & (rule.methods or set()):
                assert status(elsewhere, method, samples.address(rule, OWN)) == 404, rule.rule
                if rule.arguments - {"programme", *WORDS}:
                    assert status(everywhere, method, samples.address(rule, OTHER)) == 404, (
                        rule.rule
                    )

    def test_things_of_another_programme_are_not_there_on_pages_of_no_programme(
        self, app, installation, samples, behind
    ) -> None:
        elsewhere = employee(app, installation, "administrator", OTHER)
        for rule in behind:
            if "programme" in rule.arguments or not rule.arguments:
                continue
            for method in {"GET", "POST"} & (rule.methods or set()):
                assert status(elsewhere, method, samples.address(rule, OTHER)) == 404, rule.rule

    def test_who_is_not_signed_in_is_led_to_the_door(
        self, app, installation, samples, behind
    ) -> None:
        nobody = Visitor(app.test_client())
        for rule in behind:
            for method in {"GET", "POST"} & (rule.methods or set()):
                answer = status(nobody, method, samples.address(rule, OWN))
                assert answer in ((303,) if method == "GET" else (303, 400)), rule.rule


def status(visitor: Visitor, method: str, address: str) -> int:
    if method == "GET":
        return visitor.get(address).status_code
    found = FORM_TOKEN.search(visitor.get("/console/rights").text)
    token = {"csrf_token": found[1]} if found else {}
    return visitor.post(address, **token).status_code


class TestNobodyIsShownWhatTheyMayNot:
    @pytest.mark.parametrize("role", ROLES)
    def test_every_link_and_form_works_for_its_reader(
        self, app, installation, samples, behind, role: Role
    ) -> None:
        visitor, routes = employee(app, installation, role), app.url_map.bind("localhost")
        pages = {
            samples.address(rule, OWN): bool(rule.arguments & NOT_THERE)
            for rule in behind
            if "GET" in (rule.methods or ()) and is_allowed(role, rights_of(app, rule))
        }
        for seen in crawl(visitor, list(pages)):
            good = (200, 303, 204, 404) if pages.get(seen.address) else (200, 303, 204)
            assert seen.status in good, seen
            for action in seen.posted:
                address = urlsplit(action or seen.address).path
                try:
                    endpoint, parts = routes.match(address, method="POST")
                except HTTPException as error:
                    pytest.fail(f"{seen.address}: {address} takes no form ({error.code})")
                if not endpoint.startswith(DOOR):
                    rights = app.view_functions[endpoint].rights
                    assert is_allowed(role, rights), (seen.address, address, rights)
                    assert parts.get("programme", OWN) == OWN


class SeenPage(NamedTuple):
    """A page that was visited, one that leads there, and where its forms go."""

    address: str
    led_there_by: str
    status: int
    posted: list[str]


def crawl(visitor: Visitor, pages: list[str]) -> Iterator[SeenPage]:
    """These pages and, as far as `MOST_PAGES` go, every page that they lead to within the console,
    each once."""
    found, waiting = set(pages), [(page, "") for page in pages]
    while waiting:
        page, led_there_by = waiting.pop()
        answer = visitor.get(page)
        text = answer.text if answer.mimetype == "text/html" else ""
        posted = [unescape(action) for action in POSTED.findall(text)]
        yield SeenPage(page, led_there_by, answer.status_code, posted)
        for target in map(without_fragment, map(unescape, HREF.findall(text))):
            if target in posted or not target.startswith("/console") or target in found:
                continue
            if target.startswith("/console/static") or "lang=" in target:
                continue
            found.add(target)
            if len(found) < MOST_PAGES:
                waiting.append((target, page))


MOST_PAGES = 300


def without_fragment(link: str) -> str:
    return link.partition("#")[0]


def test_a_page_that_showed_too_much_would_be_noticed() -> None:
    button = '<button type="submit"></form>'
    form = f'<form method="post" action="/console/d"><b>x</b>{button}'
    page = f'<a class="x" href="/console/a?b=1&amp;c=2">x</a>{form}'
    assert HREF.findall(page) == ["/console/a?b=1&amp;c=2", "/console/d"]
    assert POSTED.findall(page) == ["/console/d"]
    assert POSTED.findall(f'<form class="k-form" method="post" novalidate>{button}') == [""]
    assert POSTED.findall(f'<form method="post"></form><form action="/x">{button}') == []
