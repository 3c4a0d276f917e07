"""What tests stand on: databases, a clock, an installation with a programme and a member."""

import os
import shutil
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import hypothesis
import pytest
import servers
import structlog
from argon2 import PasswordHasher
from books import check_books
from click.testing import CliRunner, Result
from clocks import Pause, StoppedClock
from flask import Flask
from flask.testing import FlaskClient
from servers import Postgres
from werkzeug.test import TestResponse

from ledger.database.engine import Database
from ledger.programmes.programmes import TIMEZONE
from ledger.settings import LedgerSettings
from wallet import migrations
from wallet.access import passwords
from wallet.cli import main
from wallet.configuration import settings
from wallet.installation import Installation
from wallet.running.assembly import connect
from wallet.running.pumps import pumps
from wallet.sandbox import certificates, demo
from wallet.web.app import create_app

hypothesis.settings.register_profile("untimed", deadline=None)
hypothesis.settings.load_profile("untimed")

pytest_plugins = ["made_once", "order", "stand_ins"]

# Files of tests need not survive a crash of the machine either. The first process decides, and its
# testers work in folders of its own.
if memory := servers.memory_folder():
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(memory))

API_KEY = "sandbox-test-key-of-32-characters"


# To draw a trace with all its variables takes seconds.
PLAIN = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)


@pytest.fixture(autouse=True)
def _logs_of_its_own() -> None:
    """A command that ran in an earlier test has told where to log, and that is gone."""
    structlog.reset_defaults()
    *first, _drawn = structlog.get_config()["processors"]
    structlog.configure([*first, PLAIN])


@dataclass(frozen=True)
class Hashing:
    """What the product hashes passwords with, and what it checks where there is none."""

    hasher: PasswordHasher
    of_nobody: str


@pytest.fixture(scope="session", autouse=True)
def product_hashing() -> Iterator[Hashing]:
    """The product's own. Tests hash with a thousandth of the work: what makes a guess dear would
    make each of them as dear."""
    light = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
    own = Hashing(passwords._HASHER, passwords._NOBODYS)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords, "_HASHER", light)
        patch.setattr(passwords, "_NOBODYS", light.hash("a password that nobody has"))
        yield own


@pytest.fixture
def clock() -> StoppedClock:
    return StoppedClock()


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A PostgreSQL server with two migrated databases to copy: an empty one, and one in which the
    demo programme stands."""
    with servers.postgres() as server:
        server.execute("CREATE DATABASE template_empty")
        _migrate(server.url("template_empty"))
        server.copy("template_empty", "template_demo")
        _begin_demo(server.url("template_demo"))
        yield server


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    with servers.redis() as url:
        yield url


@pytest.fixture(scope="session")
def empty_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file to copy."""
    path = tmp_path_factory.mktemp("sqlite") / "empty.db"
    _migrate(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def sqlite_template(empty_sqlite: Path) -> Path:
    """What a fresh SQLite file is a copy of: here one with the demo programme. To copy it costs
    nothing, and to make its card forty milliseconds."""
    path = shutil.copy(empty_sqlite, empty_sqlite.with_name("demo.db"))
    _begin_demo(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def postgres_template() -> str:
    """What a fresh database on PostgreSQL is a copy of."""
    return "template_demo"


def _migrate(url: str) -> None:
    database = Database(LedgerSettings(url))
    migrations.upgrade(database.engine)
    database.close()


def _begin_demo(url: str) -> None:
    database = Database(LedgerSettings(url))
    with database.transaction() as session:
        demo.ensure(session, datetime.now(UTC).replace(microsecond=0))
    database.close()


@pytest.fixture
def sqlite_url(sqlite_template: Path, tmp_path: Path) -> str:
    return f"sqlite:///{shutil.copy(sqlite_template, tmp_path / 'kopilka.db')}"


@pytest.fixture
def postgres_url(postgres: Postgres, postgres_template: str) -> Iterator[str]:
    name = f"test_{uuid.uuid4().hex}"
    postgres.copy(postgres_template, name)
    yield postgres.url(name)
    postgres.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """SQLite here; tests of the ledger and of whole flows run on both, see their conftest."""
    return sqlite_url


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """For tests without an installation. Whatever they did, the books are in order after it."""
    database = Database(LedgerSettings(database_url))
    yield database
    with database.reading() as session:
        check_books(session)
    database.close()


@pytest.fixture(scope="session")
def chain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sandbox certificates. Valid today, whatever the stopped clock says: makers of signatures read
    the machine's clock, and so do the TLS stacks that check."""
    folder = tmp_path_factory.mktemp("certs")
    certificates.ensure_chain(folder, datetime.now(UTC))
    return folder


@dataclass
class House:
    """An installation and the hands to work it: `run()` pumps until nothing is due."""

    installation: Installation
    clock: StoppedClock
    pause: Pause

    def run(self, *names: str) -> None:
        ready = pumps(self.installation)
        for name in names or ("upkeep", "relay", "waves", "apple"):
            while ready[name].run():
                pass

    def today(self) -> date:
        """The day at the place of programmes that are made here, which in the evening of UTC is the
        next one already."""
        return self.clock().astimezone(ZoneInfo(TIMEZONE)).date()


@pytest.fixture
def environment(tmp_path: Path, database_url: str, chain: Path) -> dict[str, str]:
    return {
        "WALLET_DATA": str(tmp_path),
        "WALLET_DATABASE_URL": database_url,
        "WALLET_APPLE_CERTS": str(chain),
        "WALLET_APNS_CA": str(chain / "root.pem"),
        "WALLET_APNS_URL": "https://127.0.0.1:9",
        "WALLET_PUBLIC_URL": "http://127.0.0.1:8080",
        "WALLET_API_KEY": API_KEY,
        "WALLET_SECRET_KEY": "sandbox-test-secret-of-many-characters",
    }


@pytest.fixture
def clock_now() -> StoppedClock:
    """A stopped clock at the present second, for what is signed and checked against it."""
    return StoppedClock(datetime.now(UTC).replace(microsecond=0))


@pytest.fixture
def house(environment: dict[str, str], clock_now: StoppedClock) -> Iterator[House]:
    pause = Pause(clock_now)
    installation = connect(settings.from_env(environment), clock=clock_now, pause=pause)
    yield House(installation, clock_now, pause)
    for provider in installation.providers:
        provider.close()
    installation.events.close()
    installation.database.close()


@pytest.fixture
def installation(house: House) -> Installation:
    return house.installation


@pytest.fixture
def app(installation: Installation) -> Flask:
    return create_app(installation)


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@dataclass
class Api:
    """The JSON API as an integration calls it; keys of its own unless one is given."""

    client: FlaskClient

    def post(self, path: str, body: object, key: str | None = None) -> TestResponse:
        headers = {
            "Authorization": f"Bearer {API_KEY}",
            "Idempotency-Key": uuid.uuid4().hex if key is None else key,
        }
        return self.client.post(f"/api/v1/{path}", json=body, headers=headers)

    def delete(self, path: str) -> TestResponse:
        headers = {"Authorization": f"Bearer {API_KEY}"}
        return self.client.delete(f"/api/v1/{path}", headers=headers)

    def get(self, path: str) -> TestResponse:
        return self.call("GET", path)

    def call(self, method: str, path: str, body: object = None, **headers: str) -> TestResponse:
        """Any call; without a body it has none."""
        own = {"Authorization": f"Bearer {API_KEY}", "Idempotency-Key": uuid.uuid4().hex}
        return self.client.open(
            f"/api/v1/{path}", method=method, json=body, headers={**own, **headers}
        )


@pytest.fixture
def api(client: FlaskClient) -> Api:
    return Api(client)


@pytest.fixture
def join(api: Api) -> Callable[..., dict]:
    """Make a member of the demo programme through the API."""

    def joined(**profile: str) -> dict:
        answer = api.post("members", {"programme": "demo", **profile})
        assert answer.status_code == 201, answer.text
        return answer.get_json()

    return joined


@pytest.fixture
def member(join: Callable[..., dict]) -> dict:
    return join(name="Анна")


@pytest.fixture
def wallet(environment: dict[str, str], house) -> Callable[..., Result]:
    """Runs a command in the environment of the house."""

    def run(*arguments: str, **changes: str) -> Result:
        return CliRunner().invoke(main, arguments, env={**environment, **changes})

    return run
