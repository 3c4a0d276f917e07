"""How often one caller may ask."""

import pytest

from wallet import ratelimits


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


def test_addresses_are_told_apart_behind_the_proxy_that_was_set(client) -> None:
    for address in ("10.0.0.1", "10.0.0.2"):
        headers = {"X-Forwarded-For": f"6.6.6.6, {address}"}
        for _ in range(2):
            assert client.post("/join/demo", headers=headers).status_code == 422
        assert client.post("/join/demo", headers=headers).status_code == 429


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
    counts = ratelimits.ProcessCounts()
    assert [counts.incr("one", 60) for _ in range(3)] == [1, 2, 3]
    assert (counts.get("one"), counts.get_expiry("one")) == (3, 1_060)
    now = 1_060.0
    assert counts.get("one") == 0
    assert counts.incr("one", 60) == 1
    for number in range(10_000):
        now += 1
        counts.incr(f"address {number}", 60)
    assert len(counts._windows) < 250
