"""One call to Google, and what its answer means."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import servers

from wallet.delivery.outcome import Deferred, Rejected, Sent
from wallet.google import account, objects
from wallet.google.client import Google, Reply
from wallet.google.objects import Pictures
from wallet.passes import templates
from wallet.sandbox.google import CallFault, RunningGoogle, ensure_account

NOW = datetime(2026, 5, 20, 12, tzinfo=UTC)
DESIGN = templates.standard("Копилка")
PICTURES = Pictures("https://cards.example/logo.png", "https://cards.example/hero.png")


@pytest.fixture
def client(google: RunningGoogle) -> Iterator[Google]:
    client = Google(google.url, account.load(google.credentials))
    yield client
    client.close()


def body(google: RunningGoogle) -> objects.GoogleBody:
    id_ = objects.class_id(google.stand_in.resources.issuer, "demo")
    return objects.class_body(id_, DESIGN, PICTURES, None)


def insert(client: Google, google: RunningGoogle, limit_s: float = 5.0) -> Reply:
    return client.insert("loyaltyClass", body(google), NOW, limit_s)


def test_what_is_taken_is_sent(client, google) -> None:
    assert insert(client, google).outcome == Sent()
    id_ = str(body(google)["id"])
    patch = objects.class_patch(body(google))
    assert client.patch("loyaltyClass", id_, patch, NOW, 5.0).outcome == Sent()


def test_what_is_there_or_not_there_is_told_apart(client, google) -> None:
    insert(client, google)
    again = insert(client, google)
    assert (again.exists, again.missing) == (True, False)
    unknown = f"{google.stand_in.resources.issuer}.unknown"
    nothing = client.patch("loyaltyObject", unknown, {"state": "ACTIVE"}, NOW, 5.0)
    assert (nothing.exists, nothing.missing) == (False, True)


@pytest.mark.parametrize(
    ("status", "reason", "pause"),
    [
        (401, "authError", True),
        (403, "permissionDenied", True),
        (403, "rateLimitExceeded", True),
        (403, "quotaExceeded", False),
        (429, "rateLimitExceeded", True),
        (500, "backendError", False),
        (502, "backendError", False),
        (503, "backendError", False),
        (504, "backendError", False),
    ],
)
def test_what_may_pass_is_deferred(client, google, status, reason, pause) -> None:
    google.stand_in.faults.order(CallFault("status", status=status, reason=reason))
    outcome = insert(client, google).outcome
    assert isinstance(outcome, Deferred)
    assert outcome.until > NOW
    assert outcome.pause is pause
    assert reason in outcome.reason


def test_what_is_wrong_in_itself_is_rejected_in_googles_words(client, google) -> None:
    spoiled = {**body(google), "unknown": 1}
    outcome = client.insert("loyaltyClass", spoiled, NOW, 5.0).outcome
    assert isinstance(outcome, Rejected)
    assert "unknown" in outcome.reason


def test_a_pause_that_google_asks_for_is_kept(client, google) -> None:
    google.stand_in.faults.order(CallFault("status", status=429, retry_after_s=7))
    outcome = insert(client, google).outcome
    assert outcome == Deferred(NOW + timedelta(seconds=7), outcome.reason, pause=True)


def test_a_notice_too_many_is_told_from_a_refusal(client, google) -> None:
    google.stand_in.faults.order(CallFault("status", status=403, reason="quotaExceeded"))
    assert insert(client, google).no_more_notices


def test_a_token_that_ran_out_is_renewed_once(client, google) -> None:
    insert(client, google)
    google.stand_in.doorkeeper.forget()
    assert insert(client, google).exists


@pytest.mark.parametrize("manner", ["silent", "lost"])
def test_an_answer_that_never_comes_ends_with_the_time_limit(client, google, manner) -> None:
    google.stand_in.faults.order(CallFault(manner))
    outcome = insert(client, google, limit_s=0.2).outcome
    assert isinstance(outcome, Deferred)
    assert outcome.pause


def test_a_google_that_is_not_there_is_waited_for(google) -> None:
    nobody = Google(f"http://127.0.0.1:{servers.free_port()}", account.load(google.credentials))
    outcome = insert(nobody, google).outcome
    assert isinstance(outcome, Deferred)
    assert outcome.reason.startswith("unreachable")


def test_a_key_that_google_does_not_know_must_be_mended(tmp_path, google) -> None:
    """The operator deleted it in the console. Nothing is lost until there is a new one."""
    path = tmp_path / "foreign.json"
    ensure_account(path, f"{google.url}/token", NOW)
    foreign = account.load(path)
    outcome = insert(Google(google.url, foreign), google).outcome
    assert isinstance(outcome, Deferred)
    assert outcome.reason.startswith("no_token")
    assert outcome.until - NOW > timedelta(minutes=1)


def test_an_answer_of_a_machine_in_between_is_read_as_far_as_it_goes(client, google) -> None:
    outcome = client.insert("../nothing", {}, NOW, 5.0).outcome
    assert isinstance(outcome, Rejected)
