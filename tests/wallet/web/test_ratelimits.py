"""How often one caller may ask."""

from dataclasses import replace

import pytest
from flask import Flask
from flask.testing import FlaskClient
from limits.storage import RedisStorage

from wallet.configuration.settings import Settings
from wallet.web import ratelimits


@pytest.fixture
def environment(environment: dict[str, str]) -> dict[str, str]:
    limits = "api=3/hour,join=2/hour,apple=4/hour,guess=5/hour"
    return {**environment, "WALLET_RATE_LIMITS": limits, "WALLET_PROXY_HOPS": "1"}


def test_a_key_that_asks_too_often_is_told_to_wait(client) -> None:
    headers = {"Authorization": "Bearer one"}
    answers = [client.get("/api/v1/members/x", headers=headers) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [401, 401, 401, 429]
    assert answers[-1].get_json()["code"] == "too_many_requests"
    assert 1 <= int(answers[-1].headers["Retry-After"]) <= 3600
    other = client.get("/api/v1/members/x", headers={"Authorization": "Bearer two"})
    assert other.status_code == 401


def test_a_person_who_tries_too_often_gets_a_page(client) -> None:
    answers = [client.post("/join/demo?lang=ru") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [422, 422, 429]
    assert answers[-1].mimetype == "text/html"
    assert client.get("/join/demo").status_code == 200  # looking is free


def test_a_made_up_key_opens_no_count_of_its_own(client) -> None:
    for number in range(3):
        headers = {"Authorization": f"Bearer {number}"}
        assert client.post("/join/demo", headers=headers).status_code == (
            422 if number < 2 else 429
        )
    for number in range(6):
        answer = client.get("/api/v1/members/x", headers={"Authorization": f"Bearer {number}"})
        assert answer.status_code == (401 if number < 5 else 429)


def test_wrong_keys_do_not_lock_out_right_ones_behind_the_same_address(client) -> None:
    for number in range(9):
        client.get("/api/v1/programmes", headers={"Authorization": f"Bearer {number}"})
    right = {"Authorization": "Bearer sandbox-test-key-of-32-characters"}
    assert client.get("/api/v1/programmes", headers=right).status_code == 200
    wrong = client.get("/api/v1/programmes", headers={"Authorization": "Bearer 10"})
    assert (wrong.status_code, wrong.get_json()["code"]) == (429, "too_many_requests")
    assert 1 <= int(wrong.headers["Retry-After"]) <= 3600


def test_addresses_are_told_apart_behind_the_proxy_that_was_set(client) -> None:
    for address in ("10.0.0.1", "10.0.0.2"):
        headers = {"X-Forwarded-For": f"6.6.6.6, {address}"}
        for _ in range(2):
            assert client.post("/join/demo", headers=headers).status_code == 422
        assert client.post("/join/demo", headers=headers).status_code == 429


def test_whoever_has_many_addresses_of_ipv6_is_counted_as_one(client) -> None:
    for number in range(3):
        headers = {"X-Forwarded-For": f"2001:db8:0:1::{number}"}
        answer = client.post("/join/demo", headers=headers)
        assert answer.status_code == (422 if number < 2 else 429)
    headers = {"X-Forwarded-For": "2001:db8:0:2::1"}
    assert client.post("/join/demo", headers=headers).status_code == 422


def test_health_and_styles_are_not_limited(client) -> None:
    assert {client.get("/healthz").status_code for _ in range(50)} == {200}


def test_every_answer_names_its_request(client) -> None:
    own = client.get("/healthz").headers["X-Request-Id"]
    assert len(own) == 32
    brought = client.get("/healthz", headers={"X-Request-Id": "from-a-proxy-1"})
    assert brought.headers["X-Request-Id"] == "from-a-proxy-1"
    forged = client.get("/healthz", headers={"X-Request-Id": "a b"})
    assert forged.headers["X-Request-Id"] not in ("a b", own)


def test_counts_begin_anew_after_each_window_and_what_is_over_is_cleared_away(monkeypatch) -> None:
    now = 1_000.0
    monkeypatch.setattr(ratelimits.time, "time", lambda: now)
    monkeypatch.setattr(ratelimits, "FEWEST_CLEARED", 100)
    counts = ratelimits.Counts()
    assert [counts.add("one", 60) for _ in range(3)] == [1, 2, 3]
    assert (counts.get("one"), counts.ends_at("one")) == (3, 1_060)
    now = 1_060.0
    assert counts.get("one") == 0
    assert counts.add("one", 60) == 1
    for number in range(10_000):
        now += 1
        counts.add(f"address {number}", 60)
    assert len(counts._windows) < 250


def test_several_processes_count_together_in_redis(redis_url, installation, monkeypatch) -> None:
    """Each may let a fiftieth of the limit more through, and none of them any after that."""
    settings = installation.settings
    limits = {**settings.rate_limits, "apple": "200/hour"}
    shared = replace(settings, broker_url=redis_url, rate_limits=limits)
    processes = [_limited(shared) for _ in range(3)]
    statuses = [one.get("/apple/v1/x").status_code for _ in range(100) for one in processes]
    let_through = statuses.count(404)
    assert 200 <= let_through <= 200 + 3 * 4
    assert set(statuses[200 + 3 * 4 * 3 :]) == {429}
    with monkeypatch.context() as patch:  # nobody asks Redis for somebody who has none left
        patch.setattr(RedisStorage, "incr", None)
        assert processes[0].get("/apple/v1/x").status_code == 429


def test_a_limit_that_cannot_be_counted_stops_nobody(installation) -> None:
    settings = installation.settings
    limits = {**settings.rate_limits, "apple": "1/hour"}
    nobody = replace(settings, broker_url="redis://127.0.0.1:9/0", rate_limits=limits)
    process = _limited(nobody)
    assert {process.get("/apple/v1/x").status_code for _ in range(5)} == {404}


def _limited(settings: Settings) -> FlaskClient:
    app = Flask(__name__)
    ratelimits.RateLimits(settings).add_to(app)
    return app.test_client()
