"""Celery, which tells pumps to look. It carries wake-ups and nothing of value: if every message is
lost, work waits a few seconds for the next beat."""

import functools
import threading
import time
import warnings
from collections.abc import Callable
from typing import Any

import structlog
from celery import Celery, bootsteps
from celery.apps.beat import Beat
from celery.beat import Scheduler, Service
from celery.exceptions import SecurityWarning
from celery.signals import task_received
from celery.worker import WorkController
from kombu import Queue
from sqlalchemy.exc import SQLAlchemyError

from ledger.database import troubles
from ledger.database.engine import Database, Wake
from wallet import presence
from wallet.configuration.clock import system_clock
from wallet.configuration.settings import Settings
from wallet.installation import Installation
from wallet.presence import Pulse
from wallet.running.assembly import connect
from wallet.running.garbage import spare_what_stays
from wallet.running.pumps import PUMP_NAMES, Pump, pumps

PUMP_TASK = "wallet.pump"
WAKE_LIVES_S = 60  # an older wake-up is dropped: a beat has said the same since
# After so many beats without a message, but not before so many seconds, a worker takes its
# connection to the broker for dead.
BEATS_MISSED = 10
LEAST_PATIENCE_S = 20.0
CONFIRM_LIMIT_S = 5.0  # for RabbitMQ to confirm a wake-up
# Wake-ups for a pump within this pause become one message, since each costs as much as a request.
# While they keep coming the pause doubles, up to the longest.
WAKE_PAUSE_S, LONGEST_WAKE_PAUSE_S = 0.01, 0.05

log = structlog.get_logger()


def create_celery(settings: Settings) -> Celery:
    """The Celery application without its task, which is enough to send wake-ups."""
    # kombu wants a host even where there is none, and logs a complaint.
    broker = "memory://localhost/" if settings.embedded else settings.broker_url
    celery = Celery("kopilka", broker=broker)
    options: dict[str, Any] = {}
    if settings.embedded:
        options = {"polling_interval": 0.02}  # a second by default: the phone would wait for it
    elif settings.broker_url.startswith("redis"):
        options = {
            "socket_timeout": 5,
            "socket_connect_timeout": 1,
            "visibility_timeout": 120,
            "unacked_restore_interval": 2,
            "unacked_restore_throttle": 1,
        }
    elif settings.broker_url.startswith("amqp"):
        # Without it a wake-up that is sent to a broker that is gone is lost, and no error tells of
        # it.
        options = {"confirm_publish": True}
    celery.conf.update(
        broker_transport_options=options,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,  # a worker outlives its broker, however long it is away
        # It has no effect where messages are acknowledged before the work, but Celery warns of
        # False.
        worker_cancel_long_running_tasks_on_connection_loss=True,
        task_ignore_result=True,
        accept_content=["json"],  # a message names a pump and can hold nothing else
        task_queues=[Queue(name) for name in PUMP_NAMES],
        task_create_missing_queues=False,
        task_default_queue=PUMP_NAMES[0],
        worker_prefetch_multiplier=1,
        # With it a worker that lost its broker in the middle of tasks may never listen again.
        worker_enable_prefetch_count_reduction=False,
        worker_hijack_root_logger=False,
        worker_redirect_stdouts=False,
        worker_enable_remote_control=False,
        beat_schedule={
            name: {
                "task": PUMP_TASK,
                "schedule": settings.beat_s,
                "args": (name,),
                "options": {"queue": name, "expires": WAKE_LIVES_S},
            }
            for name in PUMP_NAMES
        },
    )
    return celery


class Waker:
    """Sends wake-ups from a thread of its own, so that a dead broker neither slows nor fails the
    request whose commit asked for one. The thread starts with the first wake-up: after any fork."""

    def __init__(self, celery: Celery) -> None:
        self._celery = celery
        self._wanted: set[str] = set()
        self._something = threading.Condition()
        self._thread: threading.Thread | None = None

    def wake(self, names: frozenset[str]) -> None:
        """Ask for these pumps, by name. Returns at once and never fails; what could not be sent is
        logged."""
        with self._something:
            self._wanted |= names
            self._something.notify()
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="waker", daemon=True)
                self._thread.start()

    def _work(self) -> None:
        pause_s = WAKE_PAUSE_S
        while True:
            with self._something:
                pause_s = min(2 * pause_s, LONGEST_WAKE_PAUSE_S) if self._wanted else WAKE_PAUSE_S
                self._something.wait_for(lambda: self._wanted)
                names, self._wanted = self._wanted, set()
            for name in sorted(names):
                self._send(name)
            time.sleep(pause_s)

    def _send(self, name: str) -> None:
        try:
            self._celery.send_task(
                PUMP_TASK,
                args=(name,),
                queue=name,
                expires=WAKE_LIVES_S,
                retry=True,  # once: the broker may have been restarted since the last message
                retry_policy={"max_retries": 1, "interval_start": 0},
                confirm_timeout=CONFIRM_LIMIT_S,
            )
        except Exception as error:
            log.warning("wake_up_not_sent", pump=name, error=type(error).__name__)


def serve_pumps(
    celery: Celery,
    get_pumps: Callable[[], dict[str, Pump]],
    wake: Wake,
    note: Callable[[str], None],
) -> None:
    """Give the application its one task: it runs the pump of this name, and if there may be more to
    do, wakes it again behind the other pumps. `note` is told that the pump is at work."""

    # Not shared: else Celery hands it to every application of this process, and the last one wins.
    @celery.task(name=PUMP_TASK, ignore_result=True, shared=False)
    def pump(name: str) -> None:
        try:
            note(name)
            more = get_pumps()[name].run()
            note(name)
        except SQLAlchemyError as error:
            trouble = troubles.found_in(error)
            if trouble is None:
                raise
            # The rows stay; the next beat looks again.
            log.error("database_trouble", trouble=trouble, pump=name)
            return
        if more:
            wake(frozenset({name}))


def _pulse(settings: Settings, database: Database) -> Pulse:
    return Pulse(database, system_clock, presence.patience(settings.beat_s))


class SeenScheduler(Scheduler):
    """A beat that leaves signs of itself, with the pulse in the configuration of its
    application."""

    def tick(self, *arguments: Any, **options: Any) -> Any:
        """Celery calls this when something may be due; the answer is for how long it may wait."""
        self.app.conf.pulse.note(presence.BEAT)
        return super().tick(*arguments, **options)


class Embedded:
    """Worker and beat inside this process, for the broker `memory://`."""

    def __init__(self, celery: Celery, installation: Installation, wake: Wake) -> None:
        celery.set_default()  # a thread of the pool takes its tasks from the default application
        pulse = _pulse(installation.settings, installation.database)
        serve_pumps(celery, functools.cache(lambda: dict(pumps(installation))), wake, pulse.note)
        self._worker = WorkController(
            app=celery,
            pool="threads",
            concurrency=len(PUMP_NAMES) + 1,
            without_mingle=True,
            without_gossip=True,
            without_heartbeat=True,
        )
        celery.conf.pulse = pulse
        self._beat = Service(celery, max_interval=1, scheduler_cls=SeenScheduler)
        self._threads = [
            threading.Thread(target=self._worker.start, name="worker", daemon=True),
            threading.Thread(target=self._beat.start, name="beat", daemon=True),
        ]

    def start(self) -> None:
        """Start worker and beat, each in a thread of its own."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Let running pumps finish. What they leave to do stands in the rows."""
        self._beat.stop()
        # Its thread would see `state.should_stop` only after it had listened for messages twice
        # more: up to four seconds.
        self._worker.stop()


class Listening(bootsteps.StartStopStep):
    """A worker that has heard nothing for many beats takes a new connection to its broker.

    Celery may come back from a lost broker with a connection that it never reads. One connection
    too many costs nothing: work that waits stands in rows."""

    requires = ("celery.worker.consumer.tasks:Tasks",)

    def __init__(self, consumer: Any, **options: Any) -> None:
        super().__init__(consumer, **options)
        self._patience_s = max(LEAST_PATIENCE_S, BEATS_MISSED * consumer.app.conf.beat_s)
        self._heard_at = time.monotonic()
        self._look: Any = None
        task_received.connect(self._hear, weak=False)

    def start(self, consumer: Any) -> None:
        """Celery calls this when it has a connection to the broker."""
        self._heard_at = time.monotonic()
        self._look = consumer.timer.call_repeatedly(1, self._check)

    def stop(self, consumer: Any) -> None:
        """Celery calls this before it takes another connection, and at the end."""
        if self._look is not None:
            self._look.cancel()

    def _hear(self, **_: object) -> None:
        self._heard_at = time.monotonic()

    def _check(self) -> None:
        if time.monotonic() - self._heard_at > self._patience_s:
            self._heard_at = time.monotonic()
            log.warning("worker_heard_nothing", seconds=self._patience_s)
            raise ConnectionResetError("no message for too long")  # as if the broker had gone


def run_worker(settings: Settings, queues: tuple[str, ...], concurrency: int) -> None:
    """A worker process that listens to these queues until it is told to stop."""
    celery = create_celery(settings)
    celery.conf.beat_s = settings.beat_s
    celery.steps["consumer"].add(Listening)
    waker = Waker(celery)

    # Connected in each child, at its first task: neither database nor push connection is forked.
    @functools.cache
    def get_house() -> Installation:
        house = connect(settings, wake=waker.wake)
        spare_what_stays()
        return house

    get_pumps = functools.cache(lambda: dict(pumps(get_house())))
    get_pulse = functools.cache(lambda: _pulse(settings, get_house().database))
    serve_pumps(celery, get_pumps, waker.wake, lambda name: get_pulse().note(name))
    # It tells root, in eight lines, that messages might bring code along. Ours cannot.
    warnings.filterwarnings("ignore", category=SecurityWarning)
    celery.worker_main(
        [
            "--quiet",  # a banner is no line of our log
            "worker",
            "--without-gossip",
            "--without-mingle",
            "--loglevel=WARNING",
            f"--concurrency={concurrency}",
            f"--queues={','.join(queues)}",
        ]
    )


def run_beat(settings: Settings) -> None:
    """The one process that says "look" every few seconds."""
    celery = create_celery(settings)
    celery.conf.pulse = _pulse(settings, Database(settings.ledger))
    Beat(
        app=celery,
        # In memory: the default keeps a file that can rot.
        scheduler=SeenScheduler,  # type: ignore[arg-type] # a class will do
        loglevel="WARNING",
        quiet=True,
        redirect_stdouts=False,
    ).run()
