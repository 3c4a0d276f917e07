"""What the doctor says: all that is missing, in words, and in one visit."""

import http.server
import shutil
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import chains
import pushkeys
import pytest
from clocks import StoppedClock
from phones import Phone

from wallet.configuration import settings
from wallet.configuration.keyring import KeyRing
from wallet.running import doctor
from wallet.running.assembly import connect
from wallet.running.pumps import pumps

Examine = Callable[..., dict[str, list[str]]]


@pytest.fixture
def production(
    tmp_path: Path, empty_sqlite: Path, monkeypatch: pytest.MonkeyPatch
) -> dict[str, str]:
    """All is well here but for what has to be reached over the network."""
    outside = chains.stranger()
    chains.let_be_apples(monkeypatch, outside)
    return {
        "WALLET_MODE": "production",
        "WALLET_DATA": str(tmp_path),
        "WALLET_PUBLIC_URL": "https://localhost:9",
        "WALLET_SECRET_KEY": "s" * 32,
        "WALLET_API_KEY": "k" * 32,
        "WALLET_APNS_URL": "https://127.0.0.1:9",
        "WALLET_DATABASE_URL": f"sqlite:///{shutil.copy(empty_sqlite, tmp_path / 'k.db')}",
        "WALLET_APPLE_CERTS": str(
            chains.lay(tmp_path / "certs", chains.leaf(issuer=outside), outside)
        ),
    }


@pytest.fixture
def clock() -> StoppedClock:
    return StoppedClock(chains.NOW)


@pytest.fixture
def examine(production: dict[str, str], clock: StoppedClock) -> Examine:
    """Sentences by verdict, for the environment with these changes; None takes a variable away."""

    def examined(**changes: str | None) -> dict[str, list[str]]:
        environ = {n: v for n, v in {**production, **changes}.items() if v is not None}
        said: dict[str, list[str]] = {"good": [], "bad": [], "note": []}
        for finding in doctor.examine(*settings.read(environ), clock):
            said[finding.verdict].append(finding.sentence)
        return said

    return examined


def test_what_is_well_is_said_too(examine: Examine) -> None:
    said = examine()
    assert [s.split(" at ")[0] for s in said["bad"]] == ["Apple's push service"]
    good = " ".join(said["good"])
    assert f"{chains.PASS_TYPE} (team EXAMPLE001, issued by Apple): 395 days left." in good
    assert "answers and is up to date" in good


def test_without_apple_it_says_what_works_meanwhile(examine: Examine) -> None:
    said = examine(WALLET_APPLE_CERTS="none", WALLET_APNS_KEY="/nowhere/AuthKey_ABC123DEFG.p8")
    assert said["bad"] == []
    (sentence,) = [one for one in said["note"] if one.startswith("Apple: ")]
    assert "not set up yet (WALLET_APPLE_CERTS=none). Cards are on the web;" in sentence
    assert "Google Wallet is not set up." in said["note"]
    assert not [one for one in said["note"] if one.startswith("Pushes show")]


def test_one_visit_names_all_that_is_missing(examine: Examine, tmp_path: Path) -> None:
    said = examine(
        WALLET_PUBLIC_URL=None,
        WALLET_SECRET_KEY=None,
        WALLET_API_KEY="short",
        WALLET_WEBHOOK_SECRET="whsec_short",
        WALLET_APPLE_CERTS=str(tmp_path / "nowhere"),
        WALLET_GOOGLE_ISSUER="3388000000000000001",
        WALLET_GOOGLE_CREDENTIALS=str(tmp_path / "account.json"),
        WALLET_APNS_KEY="push.p8",
        WALLET_BROKER_URL="redis://127.0.0.1:9/0",
        WALLET_DATABASE_URL="postgresql+psycopg://us:secret@127.0.0.1:9/kopilka",
    )
    for name in (
        "WALLET_PUBLIC_URL: ",
        "WALLET_SECRET_KEY: ",
        "WALLET_API_KEY: ",
        "WALLET_WEBHOOK_SECRET: ",
        "missing_folder: ",
        "WALLET_GOOGLE_CREDENTIALS: ",
        "WALLET_APNS_KEY_ID: ",
        "Apple's push service ",
        "Google's API ",
        "Database postgresql+psycopg://us:***@127.0.0.1:9/kopilka does not answer",
        "Broker at 127.0.0.1 does not answer",
    ):
        assert len([s for s in said["bad"] if s.startswith(name)]) == 1, (name, said["bad"])
    assert len(said["bad"]) == 11
    assert "secret@" not in str(said)


def test_a_database_that_is_not_made_yet_is_not_made_by_looking(
    examine: Examine, tmp_path: Path
) -> None:
    said = examine(WALLET_DATABASE_URL=f"sqlite:///{tmp_path / 'new.db'}")
    assert any("is not there yet: run `wallet migrate`" in sentence for sentence in said["bad"])
    assert not (tmp_path / "new.db").exists()


@pytest.mark.parametrize(
    ("left", "words"),
    [
        (31, None),
        (30, "renew it this month"),
        (14, "renew it soon"),
        (7, "renew it this week"),
        (1, "renew it today"),
        (0, "renew it today"),
    ],
)
def test_a_certificate_that_runs_out_is_no_good_news(
    examine: Examine, clock: StoppedClock, left: int, words: str | None
) -> None:
    clock.advance(days=395 - left)
    said = examine()
    (sentence,) = [s for s in (*said["good"], *said["bad"]) if "days left" in s]
    assert f": {left} days left" in sentence
    assert (sentence in said["good"]) == (words is None)
    assert words is None or words in sentence


def test_an_expired_certificate_is_said_once_and_in_words(
    examine: Examine, clock: StoppedClock
) -> None:
    clock.advance(days=396)
    said = examine()
    assert [s.split(": ")[0] for s in said["bad"]].count("expired") == 1
    assert not any("days left" in s for s in (*said["good"], *said["bad"]))


def test_a_push_key_is_read_and_told_of(examine: Examine, tmp_path: Path) -> None:
    key = pushkeys.make(tmp_path)
    assert any(
        pushkeys.KEY_ID in sentence for sentence in examine(WALLET_APNS_KEY=str(key))["note"]
    )
    stranger = examine(WALLET_APNS_KEY=str(key), WALLET_APNS_TEAM="OTHERTEAM0")
    assert any(s.startswith("WALLET_APNS_TEAM: is OTHERTEAM0") for s in stranger["bad"])
    key.write_text("<html>")
    broken = examine(WALLET_APNS_KEY=str(key))
    assert any(s.startswith(f"WALLET_APNS_KEY: {key} is not a key") for s in broken["bad"])


class Health(http.server.BaseHTTPRequestHandler):
    status = 200

    def do_GET(self) -> None:
        self.send_response(self.status if self.path == "/healthz" else 404)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def proxy(chain: Path) -> Iterator[str]:
    """A TLS server under the sandbox's root, as a reverse proxy would be; its address."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain / "server.pem", chain / "server.key")
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Health) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, args=[0.05])
        thread.start()
        yield f"https://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_the_public_address_is_looked_at_as_phones_see_it(
    examine: Examine, chain: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with proxy(chain) as url:
        (mistrusted,) = [s for s in examine(WALLET_PUBLIC_URL=url)["bad"] if s.startswith(url)]
        assert "shows a TLS certificate that phones do not trust" in mistrusted
        assert "unable to get local issuer certificate" in mistrusted
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(chain / "root.pem"))
        assert any(s.startswith(f"{url} answers") for s in examine(WALLET_PUBLIC_URL=url)["good"])
        monkeypatch.setattr(Health, "status", 502)
        assert any("answers 502" in s for s in examine(WALLET_PUBLIC_URL=url)["bad"])
    assert any("cannot be reached from this" in s for s in examine(WALLET_PUBLIC_URL=url)["note"])


def test_what_phones_complained_of_is_shown(client, member, house, environment) -> None:
    client.post("/apple/v1/log", json={"logs": ["the card is upside down"]})
    findings = list(doctor.examine(*settings.read(environment), house.clock))
    bad = [finding.sentence for finding in findings if finding.verdict == "bad"]
    assert len(bad) == 1
    assert "push service" in bad[0]
    assert any("the card is upside down" in finding.sentence for finding in findings)


def test_what_needs_a_key_is_told_before_it_is_taken_away(
    client, member, house, environment
) -> None:
    Phone.with_card(client, member).register()
    old, new = environment["WALLET_SECRET_KEY"], "sandbox-another-key-of-many-letters"
    ids = {secret: KeyRing((secret,)).first.id for secret in (old, new)}

    def said(*ring: str) -> list[str]:
        found = settings.read({**environment, "WALLET_SECRET_KEY": ",".join(ring)})
        return [
            f"{one.verdict}: {one.sentence}"
            for one in doctor.examine(*found, house.clock)
            if "SECRET_KEY" in one.sentence
        ]

    assert said(old) == []
    (unused,) = said(old, new)
    assert unused.startswith(f"note: The older key {ids[new]} of WALLET_SECRET_KEY is needed by no")
    (needed,) = said(new, old)
    assert f"{ids[old]} of WALLET_SECRET_KEY is needed by 1 cards and 1 Apple" in needed
    assert needed.startswith("note: ")
    (missing,) = said(new)
    assert missing.startswith(f"bad: The key {ids[old]} is not in WALLET_SECRET_KEY")
    # A service with both keys brings the phone to the first by itself.
    ring = {**environment, "WALLET_SECRET_KEY": f"{new},{old}"}
    both = connect(settings.from_env(ring), clock=house.clock)
    pumps(both)["upkeep"].run()
    both.database.close()
    (needed,) = said(new, old)
    assert "needed by 1 cards and 0 Apple devices" in needed


def test_a_start_names_every_obstacle_and_what_else_does_not_answer(
    production: dict[str, str], clock: StoppedClock, tmp_path: Path
) -> None:
    away = {"WALLET_BROKER_URL": "redis://127.0.0.1:9/0"}
    assert doctor.obstacles(*settings.read({**production, **away}), clock) == []
    (tmp_path / "certs" / "pass.key").unlink()
    away |= {"WALLET_API_KEY": ""}
    said = doctor.obstacles(*settings.read({**production, **away}), clock)
    assert [sentence.split(" ")[0] for sentence in said] == [
        "WALLET_API_KEY:",
        "missing_file:",
        "Broker",
    ]


def test_room_on_the_disk_is_told_before_it_is_gone(
    examine: Examine, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert any(s.startswith("Disk of the database: ") for s in examine()["good"])
    monkeypatch.setattr(doctor, "LEAST_FREE_MB", 10**9)
    assert any("When it is full, everything that changes" in s for s in examine()["bad"])


def test_secrets_that_no_key_opens_are_named(wallet, house, environment) -> None:
    assert wallet("sources", "add", "till", "demo").exit_code == 0
    assert wallet("receivers", "add", "CRM", "https://crm.example.com/in").exit_code == 0

    def bad(key: str) -> list[str]:
        found = settings.read({**environment, "WALLET_SECRET_KEY": key})
        return [
            one.sentence
            for one in doctor.examine(*found, house.clock)
            if one.verdict == "bad" and "was sealed by a key" in one.sentence
        ]

    assert bad(environment["WALLET_SECRET_KEY"]) == []
    of_source, of_receiver = bad("sandbox-another-key-of-many-letters")
    assert "webhook source till" in of_source
    assert "receiver CRM" in of_receiver
