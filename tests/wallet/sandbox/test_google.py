"""The stand-in for Google Wallet keeps Google's rules, as far as they are known."""

import base64
import hashlib
import html
import json
import re
import socket
import stat
import struct
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import googles
import jwt
import pytest
import requests
from clocks import StoppedClock
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_der_public_key
from google.auth.transport.requests import AuthorizedSession
from google.oauth2 import service_account
from googleapiclient import discovery_cache
from googleapiclient.discovery import build_from_document
from googleapiclient.http import BatchHttpRequest
from processes import wait_until
from werkzeug.serving import make_server
from werkzeug.test import Client as Browser
from werkzeug.wrappers import Request, Response

from wallet.configuration.settings import SANDBOX_GOOGLE_ISSUER as ISSUER
from wallet.sandbox import google
from wallet.sandbox.google.account import SCOPE
from wallet.sandbox.google.callbacks import FOREIGN_ISSUER
from wallet.sandbox.google.resources import MOST_LINKED
from wallet.sandbox.google.schema import SHAPES, WORDS
from wallet.sandbox.google.server import GoogleWeb
from wallet.sandbox.troubles import SandboxTrouble

WAIT_S = 10.0
CLASS_ID = f"{ISSUER}.demo"
SKINNY = {"loyaltyObjects": [{"id": f"{ISSUER}.m-1"}]}
LOGO = {"sourceUri": {"uri": "http://127.0.0.1:8080/logo.png"}}


def class_body(**changes: Any) -> dict:
    body = {
        "id": CLASS_ID,
        "issuerName": "Кофейня",
        "programName": "Зёрна",
        "programLogo": LOGO,
        "reviewStatus": "UNDER_REVIEW",
    }
    return {**body, **changes}


def object_body(name: str = "m-1", **changes: Any) -> dict:
    body = {
        "id": f"{ISSUER}.{name}",
        "classId": CLASS_ID,
        "state": "ACTIVE",
        "loyaltyPoints": {"label": "Баллы", "balance": {"int": 0}},
        "barcode": {"type": "QR_CODE", "value": "4600"},
    }
    return {**body, **changes}


@dataclass
class Client:
    """Calls the stand-in as google-auth does."""

    session: AuthorizedSession
    url: str

    def ask(self, method: str, path: str, body: object = None, **options: Any):
        address = f"{self.url}/walletobjects/v1/{path}"
        return self.session.request(method, address, json=body, timeout=5, **options)

    def good(self, method: str, path: str, body: object = None) -> dict:
        answer = self.ask(method, path, body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def refused(self, method: str, path: str, body: object = None) -> tuple[int, str]:
        """Status and reason; the body must be one that clients can read."""
        answer = self.ask(method, path, body)
        error = answer.json()["error"]
        assert error["code"] == answer.status_code
        assert error["errors"][0]["domain"] == "walletobjects"
        assert error["message"] == error["errors"][0]["message"]
        return answer.status_code, error["errors"][0]["reason"]

    def points(self, value: object, name: str = "m-1", **more: Any) -> dict:
        body = {"loyaltyPoints": {"balance": {"int": value}}, **more}
        return self.good("PATCH", f"loyaltyObject/{ISSUER}.{name}", body)

    def save(self, link: str) -> requests.Response:
        return requests.get(link, headers={"Accept": "application/json"}, timeout=5)


@pytest.fixture
def callbacks() -> Iterator["Mailbox"]:
    box = Mailbox([])
    server = make_server("127.0.0.1", 0, box, threaded=True)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    box.url = f"http://127.0.0.1:{server.port}/google/callback"
    yield box
    server.shutdown()
    server.server_close()


@pytest.fixture
def stand_in(tmp_path: Path, clock_now: StoppedClock, callbacks) -> Iterator[google.RunningGoogle]:
    folder = tmp_path / "google"
    with googles.stood_in(folder, callback_url=callbacks.url, clock=clock_now) as running:
        yield running


@pytest.fixture
def info(stand_in: google.RunningGoogle) -> dict[str, str]:
    return json.loads(stand_in.credentials.read_text())


@pytest.fixture
def client(stand_in: google.RunningGoogle, info: dict[str, str]) -> Client:
    credentials = service_account.Credentials.from_service_account_info(info, scopes=[SCOPE])
    return Client(AuthorizedSession(credentials), stand_in.url)


@pytest.fixture
def card(client: Client) -> dict:
    client.good("POST", "loyaltyClass", class_body())
    return client.good("POST", "loyaltyObject", object_body())


@pytest.fixture
def link(stand_in: google.RunningGoogle, info: dict[str, str]) -> Callable[..., str]:
    """A save link; `payload` or any claim may be another, None takes a claim away."""

    def made(payload: object = SKINNY, key: str = info["private_key"], **claims: Any) -> str:
        whole = {
            "iss": info["client_email"],
            "aud": "google",
            "typ": "savetowallet",
            "iat": int(time.time()),
            "payload": payload,
            **claims,
        }
        kept = {name: value for name, value in whole.items() if value is not None}
        return stand_in.save_url + jwt.encode(kept, key, algorithm="RS256")

    return made


# The service account and its tokens


def test_the_account_is_made_once_and_follows_the_port(tmp_path: Path) -> None:
    path, now = tmp_path / "google" / "account.json", datetime.now(UTC)
    assert google.ensure_account(path, "http://127.0.0.1:1/token", now)
    first = json.loads(path.read_text())
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert not google.ensure_account(path, "http://127.0.0.1:1/token", now)
    assert google.ensure_account(path, "http://127.0.0.1:2/token", now)
    assert json.loads(path.read_text()) == {**first, "token_uri": "http://127.0.0.1:2/token"}
    assert first["type"] == "service_account"


def test_google_auth_gets_a_token_and_a_new_one_when_it_is_worth_nothing(client, stand_in) -> None:
    client.good("POST", "loyaltyClass", class_body())
    first = client.session.credentials.token
    stand_in.stand_in.doorkeeper.forget()
    client.good("GET", f"loyaltyClass/{CLASS_ID}")
    assert client.session.credentials.token != first


def test_a_token_runs_out_after_an_hour(client, stand_in, clock_now) -> None:
    client.good("POST", "loyaltyClass", class_body())
    headers = {"Authorization": f"Bearer {client.session.credentials.token}"}
    address = f"{stand_in.url}/walletobjects/v1/loyaltyClass/{CLASS_ID}"
    clock_now.advance(minutes=59)
    assert requests.get(address, headers=headers, timeout=5).status_code == 200
    clock_now.advance(minutes=2)
    answer = requests.get(address, headers=headers, timeout=5)
    assert (answer.status_code, answer.json()["error"]["status"]) == (401, "UNAUTHENTICATED")
    assert requests.get(address, timeout=5).status_code == 401


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": "https://example.org/token"},
        {"scope": "https://www.googleapis.com/auth/userinfo"},
        {"iss": "somebody@else.iam.gserviceaccount.com"},
        {"iat": int(time.time()) - 7200, "exp": int(time.time()) - 3600},
        {"exp": int(time.time()) + 7200},
        {"iat": str(int(time.time()))},
        {"exp": None},
    ],
)
def test_an_assertion_must_be_googles_in_every_claim(stand_in, info, changes) -> None:
    def ask(more: dict, key: str = info["private_key"]) -> requests.Response:
        now = int(time.time())
        claims = {
            "iss": info["client_email"],
            "scope": SCOPE,
            "aud": "https://oauth2.googleapis.com/token",
            "iat": now,
            "exp": now + 3600,
            **more,
        }
        kept = {name: value for name, value in claims.items() if value is not None}
        form = {
            "grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer",
            "assertion": jwt.encode(kept, key, algorithm="RS256"),
        }
        return requests.post(f"{stand_in.url}/token", data=form, timeout=5)

    assert ask({}).json()["expires_in"] == 3600
    assert ask({"aud": info["token_uri"]}).status_code == 200
    refused = ask(changes)
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")
    other = stand_in.credentials.with_name("other.json")
    google.ensure_account(other, info["token_uri"], datetime.now(UTC))
    assert ask({}, json.loads(other.read_text())["private_key"]).status_code == 400


# Classes and objects


def test_an_object_needs_its_class_and_exists_once(client: Client) -> None:
    missing = client.ask("POST", "loyaltyObject", object_body())
    assert missing.status_code == 404
    assert missing.json()["error"]["message"] == f"Wallet Object Class {CLASS_ID} not found."
    missing = client.ask("GET", f"loyaltyObject/{ISSUER}.m-1")
    assert missing.json()["error"]["message"] == f"Wallet Object {ISSUER}.m-1 not found."
    client.good("POST", "loyaltyClass", class_body())
    assert client.refused("POST", "loyaltyClass", class_body())[0] == 409
    made = client.good("POST", "loyaltyObject", object_body())
    assert made["hasUsers"] is False
    assert made["classReference"]["id"] == CLASS_ID
    assert client.refused("POST", "loyaltyObject", object_body()) == (409, "existingResource")


@pytest.mark.parametrize(
    ("id_", "refusal"),
    [
        ("demo", (400, "invalidResource")),
        (f"{ISSUER}.", (400, "invalidResource")),
        (f"{ISSUER}.naïve", (400, "invalidResource")),
        (f"{ISSUER}.a b", (400, "invalidResource")),
        (7, (400, "badRequest")),
        (None, (400, "invalidResource")),
        (f"{FOREIGN_ISSUER}.demo", (403, "permissionDenied")),
    ],
)
def test_ids_have_one_form_and_begin_with_the_issuer(client, id_, refusal) -> None:
    assert client.refused("POST", "loyaltyClass", class_body(id=id_)) == refusal


def test_a_class_is_approved_when_it_is_read_and_refused_when_that_is_sent_back(client) -> None:
    client.good("POST", "loyaltyClass", class_body())
    read = client.good("GET", f"loyaltyClass/{CLASS_ID}")
    assert read["reviewStatus"] == "APPROVED"
    assert client.refused("PUT", f"loyaltyClass/{CLASS_ID}", read)[0] == 400
    assert client.refused("PATCH", f"loyaltyClass/{CLASS_ID}", {"countryCode": "RU"})[0] == 400
    draft = {"reviewStatus": "DRAFT"}
    assert client.refused("PATCH", f"loyaltyClass/{CLASS_ID}", draft)[0] == 400
    for spelled in ("UNDER_REVIEW", "UNDER_REVIEW"):
        put = client.good("PUT", f"loyaltyClass/{CLASS_ID}", {**read, "reviewStatus": spelled})
        assert put["reviewStatus"] == "APPROVED"
    assert client.refused("POST", "loyaltyClass", class_body(reviewStatus="APPROVED"))[0] == 409
    other = class_body(id=f"{ISSUER}.other", reviewStatus="APPROVED")
    assert client.refused("POST", "loyaltyClass", other) == (400, "invalid")


def test_a_draft_has_no_objects(client) -> None:
    client.good("POST", "loyaltyClass", class_body(reviewStatus="DRAFT"))
    assert client.refused("POST", "loyaltyObject", object_body()) == (400, "invalid")
    client.good("PATCH", f"loyaltyClass/{CLASS_ID}", {"reviewStatus": "UNDER_REVIEW"})
    client.good("POST", "loyaltyObject", object_body())


def test_patch_merges_replaces_lists_and_clears_with_null(client, card) -> None:
    path = f"loyaltyObject/{card['id']}"
    modules = [{"id": "a", "body": "1"}, {"id": "b", "body": "2"}]
    client.good("PATCH", path, {"textModulesData": modules, "accountName": "Анна"})
    patched = client.good("PATCH", path, {"loyaltyPoints": {"balance": {"int": 5}}})
    assert patched["loyaltyPoints"] == {"label": "Баллы", "balance": {"int": 5}}
    assert patched["accountName"] == "Анна"
    patched = client.good("PATCH", path, {"textModulesData": modules[:1], "accountName": None})
    assert patched["textModulesData"] == modules[:1]
    assert "accountName" not in patched
    two = {"loyaltyPoints": {"balance": {"string": "5/8"}}}
    assert client.refused("PATCH", path, two)[0] == 400
    two["loyaltyPoints"]["balance"]["int"] = None
    assert client.good("PATCH", path, two)["loyaltyPoints"]["balance"] == {"string": "5/8"}
    assert client.refused("PATCH", path, {"id": f"{ISSUER}.m-2"})[0] == 400


def test_put_replaces_everything(client, card) -> None:
    client.points(5)
    body = {"classId": CLASS_ID, "state": "INACTIVE"}
    put = client.good("PUT", f"loyaltyObject/{card['id']}", body)
    assert (put["state"], "loyaltyPoints" in put, put["id"]) == ("INACTIVE", False, card["id"])
    assert client.refused("PUT", f"loyaltyObject/{card['id']}", {"state": "ACTIVE"})[0] == 400


def test_what_was_read_can_be_put_back_for_an_object(client, card) -> None:
    read = client.good("GET", f"loyaltyObject/{card['id']}")
    assert client.good("PUT", f"loyaltyObject/{card['id']}", read) == read


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"balance": 5}, "loyaltyObject"),
        ({"loyaltyPoints": {"points": 5}}, "loyaltyObject.loyaltyPoints"),
        ({"loyalty_points": {}}, "loyaltyObject"),
        ({"textModulesData": [{"title": "x"}]}, "loyaltyObject.textModulesData[0]"),
        ({"loyaltyPoints": {"balance": {"int": "5"}}}, "loyaltyObject.loyaltyPoints.balance.int"),
        ({"loyaltyPoints": {"balance": {"int": 2**31}}}, "loyaltyObject.loyaltyPoints.balance.int"),
        ({"state": "DELETED"}, "loyaltyObject.state"),
        ({"textModulesData": {"id": "x"}}, "loyaltyObject.textModulesData"),
        ({"heroImage": "http://x/y.png"}, "loyaltyObject.heroImage"),
    ],
)
def test_names_and_kinds_that_google_does_not_know_are_named(client, card, changes, where) -> None:
    error = client.ask("PATCH", f"loyaltyObject/{card['id']}", changes).json()["error"]
    assert (error["code"], error["status"]) == (400, "INVALID_ARGUMENT")
    assert [one["field"] for one in error["details"][0]["fieldViolations"]] == [where]


def module(id_: str) -> dict:
    return {"id": id_, "header": "h", "body": "b"}


ROW = {"oneItem": {"item": {"firstValue": {"fields": [{"fieldPath": "object.accountId"}]}}}}
DAY = "2026-12-31T00:00:00"


@pytest.mark.parametrize(
    "changes",
    [
        {"messages": [{"header": "h", "body": "b"}] * 11},
        {"merchantLocations": [{"latitude": 1.5, "longitude": 2}] * 11},
        {"valueAddedModuleData": [{"uri": "https://x.example"}] * 16},
        {"textModulesData": [module("with.dot")]},
        {"heroImage": {}},
        {"heroImage": {"sourceUri": {"uri": "hero.png"}}},
        {"linksModuleData": {"uris": [{"uri": "www.example.org"}]}},
        {"loyaltyPoints": {"balance": {"money": {"micros": "1.5", "currencyCode": "EUR"}}}},
        {"barcode": {"type": None}},
        {"validTimeInterval": {"start": {"date": DAY}, "end": {"date": f"{DAY}Z"}}},
        {"validTimeInterval": {"end": {"date": "tomorrow"}}},
        {"linkedObjectIds": [f"{ISSUER}.m-1"]},
    ],
)
def test_limits_of_an_object_are_kept(client, card, changes) -> None:
    assert client.refused("PATCH", f"loyaltyObject/{card['id']}", changes)[0] == 400
    assert client.good("GET", f"loyaltyObject/{card['id']}") == card


@pytest.mark.parametrize(
    "changes",
    [
        {"hexBackgroundColor": "navy"},
        {"callbackOptions": {"url": "http://shop.example/callback"}},
        {"programLogo": None},
        {"classTemplateInfo": {"cardTemplateOverride": {"cardRowTemplateInfos": [ROW] * 4}}},
        {"classTemplateInfo": {"cardTemplateOverride": {"cardRowTemplateInfos": [{}]}}},
        {"issuerName": ""},
    ],
)
def test_limits_of_a_class_are_kept(client, changes) -> None:
    assert client.refused("POST", "loyaltyClass", class_body(**changes))[0] == 400


def test_links_between_objects_end_at_fifty_without_a_word(client, card) -> None:
    ids = [f"{ISSUER}.o-{number}" for number in range(MOST_LINKED + 1)]
    for id_ in ids:
        client.good("POST", "loyaltyObject", object_body(id_.partition(".")[2]))
    linked = client.good("PATCH", f"loyaltyObject/{card['id']}", {"linkedObjectIds": ids})
    assert linked["linkedObjectIds"] == ids[:MOST_LINKED]
    nowhere = {"linkedObjectIds": [f"{ISSUER}.nowhere"]}
    assert client.refused("PATCH", f"loyaltyObject/{card['id']}", nowhere)[0] == 404


@pytest.mark.parametrize("body", [[], "text", None])
def test_a_body_is_an_object(client, body) -> None:
    assert client.refused("POST", "loyaltyClass", body)[0] == 400


def test_lists_come_in_pages(client, card) -> None:
    for number in range(2, 6):
        client.good("POST", "loyaltyObject", object_body(f"m-{number}"))
    seen, token = [], None
    while True:
        more = f"&token={token}" if token else ""
        page = client.good("GET", f"loyaltyObject?classId={CLASS_ID}&maxResults=2{more}")
        seen.append([one["id"].partition(".")[2] for one in page["resources"]])
        token = page["pagination"].get("nextPageToken")
        if token is None:
            break
    assert seen == [["m-1", "m-2"], ["m-3", "m-4"], ["m-5"]]
    whole = client.good("GET", f"loyaltyObject?classId={CLASS_ID}")
    assert whole["pagination"] == {"resultsPerPage": 5}
    classes = client.good("GET", f"loyaltyClass?issuerId={ISSUER}")
    assert [one["id"] for one in classes["resources"]] == [CLASS_ID]
    assert client.refused("GET", f"loyaltyObject?classId={CLASS_ID}&pageToken=x")[0] == 400
    assert client.refused("GET", f"loyaltyObject?classId={CLASS_ID}&token=x")[0] == 400
    assert client.refused("GET", f"loyaltyClass?issuerId={FOREIGN_ISSUER}")[0] == 403


def test_only_the_fields_that_were_asked_for_come(client, card) -> None:
    path = f"loyaltyObject/{card['id']}?fields=id,hasUsers,loyaltyPoints/label"
    assert client.good("GET", path) == {
        "id": card["id"],
        "hasUsers": False,
        "loyaltyPoints": {"label": "Баллы"},
    }
    path = f"loyaltyObject?classId={CLASS_ID}&fields=resources(id,hasUsers),pagination"
    assert client.good("GET", path) == {
        "resources": [{"id": card["id"], "hasUsers": False}],
        "pagination": {"resultsPerPage": 1},
    }
    assert client.refused("GET", f"loyaltyObject/{card['id']}?fields=)")[0] == 400


# Messages and notices


def message(number: int, kind: str = "TEXT_AND_NOTIFY") -> dict:
    body = {"id": f"m{number}", "header": "Скидка", "body": f"№{number}", "messageType": kind}
    return {"message": body}


def test_three_messages_a_day_may_notify(client, card, clock_now) -> None:
    path = f"loyaltyObject/{card['id']}/addMessage"
    for number in range(3):
        assert "resource" in client.good("POST", path, message(number))
    assert client.refused("POST", path, message(3)) == (403, "quotaExceeded")
    kept = client.good("POST", path, message(3, "TEXT"))["resource"]["messages"]
    assert [one["id"] for one in kept] == ["m0", "m1", "m2", "m3"]
    client.good("POST", f"loyaltyClass/{CLASS_ID}/addMessage", message(0))
    clock_now.advance(hours=24, seconds=1)
    client.good("POST", path, message(4))


def test_an_eleventh_message_finds_no_place(client, card) -> None:
    path = f"loyaltyObject/{card['id']}/addMessage"
    for number in range(10):
        client.good("POST", path, message(number, "TEXT"))
    assert client.refused("POST", path, message(10, "TEXT"))[0] == 400
    assert client.refused("POST", path, {"text": "x"})[0] == 400
    unknown = {"message": {"message_type": "TEXT"}}
    assert client.refused("POST", path, unknown)[0] == 400


def test_the_fourth_update_of_a_day_lands_without_a_notice(
    client, card, stand_in, link, clock_now
) -> None:
    client.save(link())
    for points in (10, 20, 30, 40):
        client.points(points, notifyPreference="NOTIFY_ON_UPDATE")
    kept = client.good("GET", f"loyaltyObject/{card['id']}")
    assert kept["loyaltyPoints"]["balance"] == {"int": 40}
    assert "notifyPreference" not in kept
    client.points(50)
    notices = stand_in.stand_in.resources.card(card["id"]).notices
    assert [(one.header, one.body) for one in notices] == [
        ("Баллы", "10"),
        ("Баллы", "20"),
        ("Баллы", "30"),
    ]
    client.good("POST", f"loyaltyObject/{card['id']}/addMessage", message(1))
    clock_now.advance(hours=25)
    client.points(60, notifyPreference="NOTIFY_ON_UPDATE")
    notices = stand_in.stand_in.resources.card(card["id"]).notices
    assert [one.body for one in notices][-2:] == ["№1", "60"]


def test_a_message_to_the_class_reaches_whoever_holds_a_card(client, card, stand_in, link) -> None:
    client.good("POST", "loyaltyObject", object_body("m-2"))
    client.save(link())
    client.good("POST", f"loyaltyClass/{CLASS_ID}/addMessage", message(7))
    cards = [stand_in.stand_in.resources.card(f"{ISSUER}.{name}") for name in ("m-1", "m-2")]
    assert [[one.body for one in card.notices] for card in cards] == [["№7"], []]


# Saving


def test_a_person_saves_a_skinny_link(client, card, link) -> None:
    saved = client.save(link())
    assert saved.json() == {"objectIds": [card["id"]]}
    assert client.good("GET", f"loyaltyObject/{card['id']}")["hasUsers"] is True


def test_a_browser_is_told_in_its_language(card, link) -> None:
    headers = {"Accept": "text/html,*/*;q=0.8", "Accept-Language": "ru"}
    page = requests.get(link(), headers=headers, timeout=5)
    assert page.headers["Content-Type"].startswith("text/html")
    assert "Карта сохранена" in page.text


def test_a_fat_link_makes_what_is_new_and_leaves_what_is_known(client, link) -> None:
    payload = {"loyaltyClasses": [class_body()], "loyaltyObjects": [object_body()]}
    assert client.save(link(payload)).status_code == 200
    payload["loyaltyObjects"] = [object_body(state="INACTIVE")]
    assert client.save(link(payload)).status_code == 200
    assert client.good("GET", f"loyaltyObject/{ISSUER}.m-1")["state"] == "ACTIVE"


BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"
CHROME = f"{BROWSER},image/apng,application/signed-exchange;v=b3;q=0.7"


@pytest.mark.parametrize("accept", [BROWSER, CHROME])
@pytest.mark.parametrize(
    ("language", "title"), [("ru-RU,ru;q=0.9", "Карта сохранена"), ("de,en;q=0.5", "is saved")]
)
def test_a_browser_that_opens_a_save_link_sees_the_card_and_the_way_to_the_phone(
    client, card, tmp_path, stand_in, link, accept, language, title
) -> None:
    client.good("PATCH", f"loyaltyObject/{card['id']}", {"loyaltyPoints": {"balance": {"int": 7}}})
    saved = requests.get(link(), headers={"Accept": accept, "Accept-Language": language}, timeout=5)
    assert saved.headers["Content-Type"].startswith("text/html")
    assert title in saved.text
    assert "Кофейня" in saved.text
    assert "<dd>7</dd>" in saved.text
    assert "<a " not in saved.text  # this stand-in knows no phone's page
    (style,) = re.findall(r"<style>(.*?)</style>", saved.text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}'" in saved.headers["Content-Security-Policy"]
    assert client.good("GET", f"loyaltyObject/{card['id']}")["hasUsers"] is True


def test_what_a_card_says_is_text_on_the_page_and_no_markup(client, card, link) -> None:
    client.good(
        "PATCH",
        f"loyaltyClass/{CLASS_ID}",
        {"programName": "<script>alert(1)</script>", "reviewStatus": "UNDER_REVIEW"},
    )
    page = requests.get(link(), headers={"Accept": CHROME}, timeout=5).text
    assert "<script" not in page
    assert "&lt;script&gt;" in page


def test_the_page_leads_to_the_virtual_phone_with_the_link_and_the_language(
    client, card, link, stand_in
) -> None:
    phone = "http://127.0.0.1:8081/"
    web = Browser(GoogleWeb(stand_in.stand_in, phone))
    path = link().removeprefix(stand_in.url)
    page = web.get(path, headers={"Accept": CHROME, "Accept-Language": "ru"}, base_url=stand_in.url)
    address = html.unescape(re.search(r'<a href="([^"]+)"', page.text)[1])
    assert address.startswith(phone)
    query = parse_qs(urlsplit(address).query)
    assert query == {"card": [stand_in.url + path], "lang": ["ru"]}


@pytest.mark.parametrize("accept", ["application/json", "*/*", None])
def test_a_program_that_opens_a_save_link_reads_json(client, card, link, accept) -> None:
    answer = requests.get(link(), headers={"Accept": accept}, timeout=5)
    assert answer.json() == {"objectIds": [card["id"]]}


def test_a_link_to_nothing_is_refused(client, card, link) -> None:
    assert client.save(link({"loyaltyObjects": [{"id": f"{ISSUER}.m-9"}]})).status_code == 404


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "somebody@else"},
        {"aud": "Google"},
        {"aud": None},
        {"typ": "JWT"},
        {"iat": None},
        {"iat": "1777629600"},
        {"iat": int(time.time() * 1000)},
        {"payload": {}},
        {"payload": {"loyaltyObjects": []}},
        {"payload": {"offerObjects": [{"id": "x"}]}},
        {"payload": {"loyaltyObjects": {"id": "x"}}},
        {"payload": "text"},
        {"payload": {"loyaltyObjects": [{"id": f"{ISSUER}.m-1", "accountId": "x" * 1800}]}},
    ],
)
def test_a_token_that_google_would_not_take_is_refused(client, card, link, claims) -> None:
    assert client.save(link(**claims)).status_code == 400
    assert client.good("GET", f"loyaltyObject/{card['id']}")["hasUsers"] is False


def test_a_token_of_another_key_or_kind_is_refused(client, card, link, stand_in, info) -> None:
    other = stand_in.credentials.with_name("other.json")
    google.ensure_account(other, info["token_uri"], datetime.now(UTC))
    assert client.save(link(key=json.loads(other.read_text())["private_key"])).status_code == 400
    claims = jwt.decode(link().rpartition("/")[2], options={"verify_signature": False})
    symmetric = jwt.encode(claims, "k" * 32, algorithm="HS256")
    unsigned = jwt.encode(claims, None, algorithm="none")
    for token in (symmetric, unsigned, "x.y.z"):
        assert client.save(stand_in.save_url + token).status_code == 400


def test_jwt_insert_makes_a_short_link_and_overwrites_nothing(client, link) -> None:
    text = "x" * 2000
    payload = {"loyaltyClasses": [class_body()], "loyaltyObjects": [object_body(accountName=text)]}
    token = link(payload).rpartition("/")[2]
    inserted = client.good("POST", "jwt", {"jwt": token})
    assert inserted["saveUri"].endswith(token)
    assert inserted["resources"]["loyaltyObjects"][0]["id"] == f"{ISSUER}.m-1"
    payload["loyaltyObjects"] = [object_body(state="INACTIVE")]
    client.good("POST", "jwt", {"jwt": link(payload).rpartition("/")[2]})
    assert client.good("GET", f"loyaltyObject/{ISSUER}.m-1")["state"] == "ACTIVE"
    assert client.refused("POST", "jwt", {"jwt": "x"})[0] == 400


# Batches, limits and faults


def googles_client(url: str, session: AuthorizedSession):
    """Google's own Python client, told to call the stand-in."""
    path = Path(discovery_cache.__file__).parent / "documents" / "walletobjects.v1.json"
    document = json.loads(path.read_text())
    document |= {"rootUrl": f"{url}/", "baseUrl": f"{url}/"}
    document.pop("mtlsRootUrl", None)
    return build_from_document(document, credentials=session.credentials)


def test_googles_own_client_sends_batches_and_reads_each_answer(client, card, stand_in) -> None:
    wallet = googles_client(stand_in.url, client.session)
    answers: dict[str, Any] = {}

    def heard(id_: str, answer: Any, trouble: Any) -> None:
        answers[id_] = answer["loyaltyPoints"]["balance"] if answer else trouble.resp.status

    batch = BatchHttpRequest(heard, batch_uri=f"{stand_in.url}/batch")
    for name, points in (("m-1", 5), ("m-9", 6), ("m-1", 7)):
        body = {"loyaltyPoints": {"balance": {"int": points}}, "accountName": "Анна"}
        batch.add(wallet.loyaltyobject().patch(resourceId=f"{ISSUER}.{name}", body=body))
    batch.execute()
    assert list(answers.values()) == [{"int": 5}, 404, {"int": 7}]
    assert client.good("GET", f"loyaltyObject/{card['id']}")["accountName"] == "Анна"
    assert stand_in.stand_in.stats.parts == 3


def batch_of(stand_in: google.RunningGoogle, wallet: Any, *points: int) -> dict[str, Any]:
    """Google's own client patches m-1, m-2 … in one batch: what it heard of each, by number."""
    answers: dict[str, Any] = {}

    def heard(id_: str, answer: Any, trouble: Any) -> None:
        answers[id_] = answer["loyaltyPoints"]["balance"]["int"] if answer else trouble.resp.status

    batch = BatchHttpRequest(heard, batch_uri=f"{stand_in.url}/batch")
    for number, value in enumerate(points, 1):
        body = {"loyaltyPoints": {"balance": {"int": value}}}
        resource_id = f"{ISSUER}.m-{number}"
        batch.add(
            wallet.loyaltyobject().patch(resourceId=resource_id, body=body), request_id=str(number)
        )
    batch.execute()
    return answers


@pytest.fixture
def cards(client: Client, card: dict) -> list[str]:
    """Four of them; `m-1` is `card`."""
    names = ["m-1", "m-2", "m-3", "m-4"]
    for name in names[1:]:
        client.good("POST", "loyaltyObject", object_body(name))
    return names


def kept(client: Client, names: list[str]) -> list[int]:
    cards = [client.good("GET", f"loyaltyObject/{ISSUER}.{name}") for name in names]
    return [card["loyaltyPoints"]["balance"]["int"] for card in cards]


def test_one_call_of_a_batch_can_fail_alone(client, cards, stand_in) -> None:
    wallet = googles_client(stand_in.url, client.session)
    order(stand_in, manner="status", status=429, reason="rateLimitExceeded", where="m-3", times=1)
    assert batch_of(stand_in, wallet, 1, 2, 3, 4) == {"1": 1, "2": 2, "3": 429, "4": 4}
    assert kept(client, cards) == [1, 2, 0, 4]


def test_a_batch_can_be_cut_when_half_of_it_was_done(client, cards, stand_in) -> None:
    wallet = googles_client(stand_in.url, client.session)
    order(stand_in, manner="cut", where="POST /batch", times=2)  # the client's HTTP tries twice
    with pytest.raises((OSError, HTTPException)):
        batch_of(stand_in, wallet, 1, 2, 3, 4)
    assert kept(client, cards) == [1, 2, 0, 0]
    assert batch_of(stand_in, wallet, 1, 2, 3, 4) == {"1": 1, "2": 2, "3": 3, "4": 4}


def test_the_answers_of_a_batch_can_come_in_another_order(client, cards, stand_in) -> None:
    """They are told apart by Content-ID alone."""
    wallet = googles_client(stand_in.url, client.session)
    order(stand_in, manner="shuffled", where="POST /batch", times=1)
    assert batch_of(stand_in, wallet, 1, 2, 3, 4) == {"1": 1, "2": 2, "3": 3, "4": 4}


def test_a_batch_that_is_none_is_refused(client, stand_in) -> None:
    for kind, body in (("application/json", b"{}"), ("multipart/mixed; boundary=b", b"--b--")):
        headers = {"Content-Type": kind}
        answer = client.session.post(f"{stand_in.url}/batch", data=body, headers=headers, timeout=5)
        assert answer.status_code == 400


def test_the_twenty_first_call_of_a_second_is_too_fast(client, card, stand_in) -> None:
    stand_in.stand_in.rate_per_s = 20
    path = f"loyaltyObject/{card['id']}"

    def statuses_of_a_second() -> tuple[list[int], float]:
        time.sleep(1.05)
        began = time.monotonic()
        return [client.ask("GET", path).status_code for _ in range(21)], time.monotonic() - began

    # A machine with much to do may need more than the second for them.
    statuses, seconds = next(one for one in iter(statuses_of_a_second, None) if one[1] < 1)
    assert statuses == [200] * 20 + [429], seconds
    time.sleep(1.05)
    assert client.ask("GET", path).status_code == 200


def order(stand_in: google.RunningGoogle, **what: Any) -> None:
    answer = requests.post(f"{stand_in.url}/faults", json=what, timeout=5)
    assert answer.status_code == 200, answer.text


def test_a_fault_answers_so_often_and_where_it_was_ordered(client, card, stand_in) -> None:
    order(stand_in, manner="status", status=503, times=1, where="PATCH", retry_after_s=2)
    path = f"loyaltyObject/{card['id']}"
    client.good("GET", path)
    answer = client.ask("PATCH", path, {"state": "INACTIVE"})
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "2")
    assert client.good("PATCH", path, {"accountName": "x"})["state"] == "ACTIVE"
    order(stand_in, manner="status", status=403, reason="rateLimitExceeded")
    assert client.refused("GET", path) == (403, "rateLimitExceeded")
    order(stand_in, clear=True)
    client.good("GET", path)


@pytest.mark.parametrize(("manner", "points"), [("lost", 5), ("silent", 0)])
def test_an_answer_can_fail_to_come_after_the_work_or_before(
    client, card, stand_in, manner, points
) -> None:
    stand_in.stand_in.hang_s = 5
    order(stand_in, manner=manner, times=1)
    with pytest.raises(requests.ReadTimeout):
        client.session.patch(
            f"{stand_in.url}/walletobjects/v1/loyaltyObject/{card['id']}",
            json={"loyaltyPoints": {"balance": {"int": 5}}},
            timeout=0.3,
        )
    kept = client.good("GET", f"loyaltyObject/{card['id']}")
    assert kept["loyaltyPoints"]["balance"] == {"int": points}


def test_a_connection_can_be_cut_after_the_work(client, card, stand_in) -> None:
    order(stand_in, manner="cut", times=1)
    with pytest.raises(requests.ConnectionError):
        client.points(5)
    read = client.good("GET", f"loyaltyObject/{card['id']}")
    assert read["loyaltyPoints"]["balance"] == {"int": 5}


def test_a_connection_that_hung_long_enough_is_cut(client, card, stand_in) -> None:
    stand_in.stand_in.hang_s = 0.1
    order(stand_in, manner="silent", times=1)
    with pytest.raises(requests.ConnectionError):
        client.ask("GET", f"loyaltyObject/{card['id']}")


def test_a_slow_answer_comes_all_the_same(client, card, stand_in) -> None:
    order(stand_in, manner="slow", delay_s=0.3, times=1)
    began = time.monotonic()
    client.good("GET", f"loyaltyObject/{card['id']}")
    assert time.monotonic() - began > 0.3


@pytest.mark.parametrize(
    "wrong",
    [{"manner": "odd"}, {"status": 200, "manner": "status"}, {"x": 1}, [], {"callbacks": 1}],
)
def test_an_order_that_makes_no_sense_is_refused(stand_in, wrong) -> None:
    assert requests.post(f"{stand_in.url}/faults", json=wrong, timeout=5).status_code == 400


def test_a_form_of_another_site_orders_nothing(stand_in) -> None:
    answer = requests.post(f"{stand_in.url}/faults", data='{"clear": true}', timeout=5)
    assert answer.status_code == 404


def test_a_taken_port_is_said(stand_in, tmp_path: Path) -> None:
    with (
        pytest.raises(SandboxTrouble) as trouble,
        google.running(tmp_path / "account.json", port=stand_in.port),
    ):
        pass
    assert trouble.value.problem == "port_taken"


def test_a_closed_stand_in_leaves_no_connection_open(tmp_path: Path) -> None:
    with google.running(tmp_path / "account.json") as running:
        connection = socket.create_connection(("127.0.0.1", running.port), 5)
        ask = b"GET /stats HTTP/1.1\r\nHost: x\r\n\r\n"
        connection.sendall(ask)
        assert connection.recv(10) == b"HTTP/1.1 2"
    connection.sendall(ask)
    connection.settimeout(5)
    while connection.recv(4096):
        pass
    connection.close()


def test_what_is_kept_outlives_a_restart(tmp_path: Path) -> None:
    memory = tmp_path / "state.json"
    for is_first in (True, False):
        with google.running(tmp_path / "account.json", memory=memory) as running:
            resources = running.stand_in.resources
            if is_first:
                resources.insert(google.resources.CLASS, class_body())
                resources.insert(google.resources.OBJECT, object_body())
                resources.hold(f"{ISSUER}.m-1", is_held=True)
            assert resources.card(f"{ISSUER}.m-1").is_held


# Callbacks


class Mailbox:
    """Whoever hears Google's callbacks: keeps them, and checks them by Google's description alone
    (google-wallet "Verify the signature", ECv2SigningOnly)."""

    def __init__(self, bodies: list[dict]) -> None:
        self.bodies = bodies
        self.url = ""
        self.statuses: list[int] = []

    @Request.application
    def __call__(self, request: Request) -> Response:
        assert "Googlebot" in request.headers["User-Agent"]
        self.bodies.append(request.get_json())
        return Response(status=self.statuses.pop(0) if self.statuses else 200)

    def opened(self, keys: dict, now: datetime) -> list[dict]:
        return [verified(body, keys, now) for body in self.bodies]


def lengthened(*texts: str) -> bytes:
    return b"".join(struct.pack("<I", len(text.encode())) + text.encode() for text in texts)


def is_signed(key: str, signature: str, data: bytes) -> bool:
    public = load_der_public_key(base64.b64decode(key))
    try:
        public.verify(base64.b64decode(signature), data, ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        return False
    return True


def verified(body: dict, keys: dict, now: datetime) -> dict:
    ms = now.timestamp() * 1000
    intermediate = body["intermediateSigningKey"]
    signed = lengthened("GooglePayPasses", "ECv2SigningOnly", intermediate["signedKey"])
    assert any(
        is_signed(key["keyValue"], signature, signed)
        for key in keys["keys"]
        for signature in intermediate["signatures"]
        if key["protocolVersion"] == "ECv2SigningOnly" and int(key["keyExpiration"]) > ms
    )
    key = json.loads(intermediate["signedKey"])
    assert int(key["keyExpiration"]) > ms
    assert body["protocolVersion"] == "ECv2SigningOnly"
    text = body["signedMessage"]
    signed = lengthened("GooglePayPasses", ISSUER, "ECv2SigningOnly", text)
    if not is_signed(key["keyValue"], body["signature"], signed):
        return {"refused": "signature"}
    message = json.loads(text)
    return message if message["expTimeMillis"] > ms else {"refused": "expired"}


@pytest.fixture
def happened(stand_in, callbacks, clock_now) -> Callable[[], list[dict]]:
    """What the callbacks said that have come."""

    def read() -> list[dict]:
        assert stand_in.stand_in.postman.settled(WAIT_S)
        return callbacks.opened(requests.get(stand_in.keys_url, timeout=5).json(), clock_now())

    return read


def remove(stand_in: google.RunningGoogle, id_: str) -> None:
    answer = requests.post(f"{stand_in.url}/phone/remove", json={"id": id_}, timeout=5)
    assert answer.status_code == 200


def test_saving_and_removing_are_told_with_a_signature(
    client, card, link, stand_in, happened
) -> None:
    client.save(link())
    client.save(link())  # on another device: one callback per object
    remove(stand_in, card["id"])
    told = happened()
    assert [one["eventType"] for one in told] == ["save", "del"]
    assert {one["objectId"] for one in told} == {card["id"]}
    assert {one["classId"] for one in told} == {CLASS_ID}
    assert len({one["nonce"] for one in told}) == 2
    assert client.good("GET", f"loyaltyObject/{card['id']}")["hasUsers"] is False


@pytest.mark.parametrize(
    ("oddity", "refused"),
    [
        ("expired", "expired"),
        ("foreign_issuer", "signature"),
        ("bad_signature", "signature"),
    ],
)
def test_callbacks_can_be_wrong_on_purpose(
    client, card, link, stand_in, happened, oddity, refused
) -> None:
    order(stand_in, callbacks=[oddity])
    client.save(link())
    assert happened() == [{"refused": refused}]


def test_callbacks_can_come_twice_late_or_never(client, card, link, stand_in, happened) -> None:
    stand_in.stand_in.postman.late_s = 0.3
    order(stand_in, callbacks=["duplicate", "late"])
    began = time.monotonic()
    client.save(link())
    told = happened()
    assert len(told) == 2
    assert told[0] == told[1]
    assert time.monotonic() - began > 0.3
    order(stand_in, callbacks=["silence"])
    remove(stand_in, card["id"])
    assert len(happened()) == 2


def test_a_callback_that_failed_is_tried_again(client, card, link, callbacks, happened) -> None:
    callbacks.statuses = [503]
    client.save(link())
    wait_until(lambda: len(callbacks.bodies) == 2, "the second try", WAIT_S)
    told = happened()
    assert told[0] == told[1]


def test_a_refused_callback_is_not_tried_again(client, card, link, callbacks, happened) -> None:
    callbacks.statuses = [400]
    client.save(link())
    assert len(happened()) == 1


# The table of names


def test_every_name_is_one_of_googles() -> None:
    path = Path(discovery_cache.__file__).parent / "documents" / "walletobjects.v1.json"
    schemas = json.loads(path.read_text())["schemas"]
    ours = {
        "TotpDetails": "RotatingBarcodeTotpDetails",
        "TotpParameters": "RotatingBarcodeTotpDetailsTotpParameters",
        "AppLinkInfo": "AppLinkDataAppLinkInfo",
        "AppTarget": "AppLinkDataAppLinkInfoAppTarget",
        "BarcodeSection": "CardBarcodeSectionDetails",
        "BarcodeDetail": "BarcodeSectionDetail",
        "CardRow": "CardRowTemplateInfo",
        "OneItem": "CardRowOneItem",
        "TwoItems": "CardRowTwoItems",
        "ThreeItems": "CardRowThreeItems",
        "DetailsItem": "DetailsItemInfo",
        "FirstRow": "FirstRowOption",
    }
    for shape, names in SHAPES.items():
        properties = schemas[ours.get(shape, shape)]["properties"]
        assert names.keys() <= properties.keys(), shape
        for name, kind in names.items():
            known = properties[name]
            assert (known["type"] == "array" if "type" in known else False) == kind.endswith(
                "*"
            ) or (kind == "any"), name
            if kind in WORDS:
                assert set(WORDS[kind].split()) <= set(known["enum"]), name
    for shape in ("LoyaltyClass", "LoyaltyObject"):
        assert SHAPES[shape].keys() == schemas[shape]["properties"].keys()


def test_the_times_of_keys_lie_ahead(stand_in, clock_now) -> None:
    (key,) = requests.get(stand_in.keys_url, timeout=5).json()["keys"]
    expires = datetime.fromtimestamp(int(key["keyExpiration"]) / 1000, UTC)
    assert timedelta() < expires - clock_now() <= timedelta(days=1)
