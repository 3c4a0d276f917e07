"""Logging: one JSON object a line, constant event names, ids as fields, and nothing secret.

No code should log a secret. If some does, fields with the names in `SECRET_FIELDS` lose their
values here."""

import logging
import sys
from contextvars import ContextVar

import orjson
import structlog
from structlog.typing import EventDict, WrappedLogger

# The id of the request that this thread is answering; None outside of requests.
request_id: ContextVar[str | None] = ContextVar("request_id", default=None)

HIDDEN = "…"
SECRET_FIELDS = frozenset(
    {
        "authorization",
        "api_key",
        "barcode",
        "birthday",
        "body",
        "card",
        "card_number",
        "device_id",
        "email",
        "key",
        "library_id",
        "name",
        "password",
        "phone",
        "push_token",
        "secret",
        "token",
    }
)


def configure(level: str, *, readable: bool) -> None:
    """Log to standard error; `readable` for people at a terminal, otherwise JSON."""
    number = logging.getLevelNamesMapping()[level.upper()]
    renderer: structlog.typing.Processor = (
        structlog.dev.ConsoleRenderer(colors=False)
        if readable
        else structlog.processors.JSONRenderer(serializer=_json)
    )
    structlog.configure(
        processors=[
            _name_request,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            hide_secrets,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
    lines = logging.StreamHandler(sys.stderr)
    lines.setFormatter(_OneLine())
    logging.basicConfig(level=max(number, logging.WARNING), handlers=[lines], force=True)
    # They log each of many attempts to reach a broker that is away, and with a trace.
    for chatty in ("kombu", "celery.worker.consumer.consumer", "celery.beat"):
        logging.getLogger(chatty).setLevel(logging.CRITICAL)


class _OneLine(logging.Formatter):
    """A line of a library in the form of ours; of an error only its class, without a trace."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "event": "library",
            "logger": record.name,
            "level": record.levelname.lower(),
            "message": record.getMessage().partition("\n")[0][:300],
        }
        if record.exc_info and record.exc_info[0]:
            line["error"] = record.exc_info[0].__name__
        return _json(line)


def _name_request(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    if (request := request_id.get()) is not None:
        event.setdefault("request_id", request)
    return event


def _json(line: object, **_options: object) -> str:
    return orjson.dumps(line, default=repr).decode()


def hide_secrets(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Replace the values of fields whose name says that they are secret (a processor of
    structlog)."""
    for name in SECRET_FIELDS & event.keys():
        event[name] = HIDDEN
    return event
