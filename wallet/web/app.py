"""The web application: every edge on one Flask app."""

import functools
import re
import time
from collections.abc import Callable, Iterable, MutableMapping, Sequence
from datetime import datetime
from typing import Any, cast

import structlog
from apiflask import APIFlask
from flask import Flask, Request, Response, abort, g, request
from flask.json.provider import DefaultJSONProvider
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface
from flask.templating import Environment as FlaskTemplates
from gunicorn.http.errors import ParseException
from itsdangerous import BadSignature
from sqlalchemy.orm import Session
from uuid_utils.compat import uuid7
from werkzeug.exceptions import BadRequest, HTTPException, InternalServerError
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.wrappers import Response as AnyResponse

from ledger import strict_json
from ledger.database import troubles
from ledger.errors import Refusal
from wallet.api import nouns, refusals
from wallet.apple.web import PassKitService
from wallet.configuration import logs
from wallet.console import errors as console_errors
from wallet.console import site as console
from wallet.delivery.refresh import refresh
from wallet.google.web import GoogleService
from wallet.installation import EXTENSION, Installation
from wallet.pages import errors, lost_way, site
from wallet.problems import ASK_AGAIN_S, TYPES, TYPES_PATH, of_error, of_status, of_trouble, refuse
from wallet.web import compression, headers, health, metrics, public_keys
from wallet.web.addresses import accept_readable
from wallet.web.ratelimits import RateLimits

MOST_BODY_BYTES = 1024 * 1024
REQUEST_ID = re.compile(r"[A-Za-z0-9_-]{8,64}")
A_DAY_S = 24 * 3600
MACHINE_PATHS = ("/api/", "/apple/", "/webhooks/", "/google/", "/ledger/", "/codes/", "/metrics")

log = structlog.get_logger()

Wsgi = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class PageSessions(SecureCookieSessionInterface):
    """Sessions for pages alone. Machines bring none, and looking for one costs as much as asking
    the database. A browser sends the same cookie with each page, so it is read once."""

    def __init__(self) -> None:
        self.get_signing_serializer = functools.lru_cache(4)(  # type: ignore[method-assign]
            super().get_signing_serializer
        )
        self._texts = functools.lru_cache(4096)(self._read)

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        """None, at once, for paths that machines call."""
        if request.path.startswith(MACHINE_PATHS):
            return None
        cookie = request.cookies.get(self.get_cookie_name(app))
        texts = self._texts(app, cookie, int(time.time()) // A_DAY_S) if cookie else None
        return super().open_session(app, request) if texts is None else self.session_class(texts)

    def _read(self, app: Flask, cookie: str, _day: int) -> dict[str, str] | None:
        """What the cookie holds, if these are texts, which nobody can change in the copy that is
        kept; None for anything else, and for what is no cookie of ours. Its age is looked at once a
        day."""
        serializer = self.get_signing_serializer(app)
        oldest_s = int(app.permanent_session_lifetime.total_seconds())
        try:
            held = serializer.loads(cookie, max_age=oldest_s) if serializer else None
        except BadSignature:
            return None
        is_plain = isinstance(held, dict) and all(type(one) is str for one in held.values())
        return held if is_plain else None


class StrictJson(DefaultJSONProvider):
    """Bodies of requests are read as everything is that comes from outside. Names in answers stand
    in the order in which models have them, whichever way an answer is written."""

    sort_keys = False

    def loads(self, s: str | bytes, **_options: Any) -> Any:
        return strict_json.read(s)


class PageTemplates(FlaskTemplates):
    """Templates that all know the same names from the beginning. Each page takes a copy of them,
    and a copy of one dictionary is cheap; that of two in a chain was a sixteenth of a page."""

    def make_globals(self, d: MutableMapping[str, Any] | None) -> MutableMapping[str, Any]:
        return {**self.globals, **(d or {})}


class Application(APIFlask):
    """The framework, without what it does at each request and we do not need."""

    jinja_environment = PageTemplates
    json_provider_class = StrictJson

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        return func  # nothing of ours is a coroutine


def create_app(installation: Installation) -> Flask:
    """The web application of an installation: the API, webhooks, what Apple's phones and Google
    call, pages, and what operators ask."""
    app = Application(
        __name__,
        title="Kopilka",
        version="1",
        spec_path="/api/openapi.json",
        docs_path=None,
        json_errors=False,
        static_folder=None,  # type: ignore[arg-type] # pages bring their own
    )
    app.session_interface = PageSessions()
    app.extensions[EXTENSION] = installation
    app.config.update(
        MAX_CONTENT_LENGTH=MOST_BODY_BYTES,
        **{TYPES: installation.settings.public_url + TYPES_PATH},
        SECRET_KEY=installation.keys.first.derive("flask"),
        MAX_FORM_MEMORY_SIZE=64 * 1024,
        OPENAPI_VERSION="3.1.0",
        AUTO_404_RESPONSE=False,  # `wallet.api.contract` knows how our calls are refused
        AUTO_VALIDATION_ERROR_RESPONSE=False,
        SYNC_LOCAL_SPEC=False,
    )
    app.url_map.strict_slashes = False
    accept_readable(app.url_map)
    _name_requests(app)
    RateLimits(installation.settings).add_to(app)
    _refuse_packed_bodies(app)
    _bound_bodies(app)
    nouns.add_to(app)

    def renew(session: Session, pass_ids: Sequence[int], now: datetime) -> int:
        return refresh(session, pass_ids, installation.make_due, now)

    if installation.signed_passes is not None:
        passkit = PassKitService(
            installation.database,
            installation.keys,
            installation.signed_passes,
            installation.clock,
            renew,
        )
        app.register_blueprint(passkit.blueprint())
    if installation.google is not None:
        google = installation.google.settings
        app.register_blueprint(
            GoogleService(installation.database, google, installation.clock).blueprint()
        )
    app.register_blueprint(health.routes)
    app.register_blueprint(metrics.routes)
    app.register_blueprint(public_keys.routes)
    app.register_blueprint(public_keys.codes)
    site.add_to(app)
    console.add_to(app, installation.settings.public_url)
    _answer_errors(app)
    _log_requests(app)
    compression.add_to(app)
    headers.add_to(app, installation.settings.public_url)
    if hops := installation.settings.proxy_hops:
        app.wsgi_app = ProxyFix(app.wsgi_app, hops, hops, hops)  # type: ignore[method-assign]
    app.wsgi_app = _one_slash(app.wsgi_app)  # type: ignore[method-assign, assignment]
    return app


def _answer_errors(app: APIFlask) -> None:
    """Machines get problem documents, people get pages; neither gets a trace."""

    def on_refusal(error: Refusal) -> Response:
        refusal = of_error(error)
        if request.path.startswith(MACHINE_PATHS):
            return refusal
        return _error_page(refusal.status_code)

    def on_http_error(error: HTTPException) -> AnyResponse:
        if error.response is not None:
            return cast(AnyResponse, error.response)
        status = error.code or 500
        if request.path.startswith(MACHINE_PATHS):
            answer: AnyResponse = of_status(status)
        else:
            answer = _error_page(status)
        for name, value in error.get_headers():
            if name in ("Allow", "Retry-After"):
                answer.headers[name] = value
        return answer

    def on_nesting(_error: RecursionError) -> AnyResponse:
        return on_http_error(BadRequest())  # JSON nested thousands deep

    def on_bug(error: Exception) -> AnyResponse:
        return _in_trouble(error) or on_http_error(InternalServerError())

    app.error_callback = refusals.of_validation
    app.register_error_handler(Refusal, on_refusal)
    app.register_error_handler(HTTPException, on_http_error)
    app.register_error_handler(RecursionError, on_nesting)
    app.register_error_handler(Exception, on_bug)


def _error_page(status: int) -> Response:
    """In the looks of the pages that the request was for."""
    is_console = console_errors.is_ours(request.path)
    return console_errors.error_page(status) if is_console else lost_way.page(status)


def _page_without_database() -> Response:
    """Whose page it was stands in the database, which is not to be asked once more."""
    is_console = console_errors.is_ours(request.path)
    return console_errors.error_page(503) if is_console else errors.error_page(503)


def _in_trouble(error: Exception) -> AnyResponse | None:
    """503 if the database has trouble, which is no mistake of ours. Many requests may meet it, so
    it is one line in the log for each, and no trace. None for a mistake, which is logged."""
    trouble = troubles.found_in(error)
    if trouble is None:
        log.exception("request_failed", route=str(request.url_rule))
        return None
    log.error("database_trouble", trouble=trouble, route=str(request.url_rule))
    is_machine = request.path.startswith(MACHINE_PATHS)
    answer: AnyResponse = of_trouble(trouble) if is_machine else _page_without_database()
    answer.headers["Retry-After"] = str(ASK_AGAIN_S[trouble])
    return answer


def _name_requests(app: Flask) -> None:
    """Each request has an id, in the answer and on every line it logs. An id that a proxy or client
    sends is kept if it looks like one."""

    @app.before_request
    def _bind() -> None:
        brought = request.headers.get("X-Request-Id", "")
        logs.request_id.set(brought if REQUEST_ID.fullmatch(brought) else uuid7().hex)

    @app.after_request
    def _tell(response: AnyResponse) -> AnyResponse:
        response.headers["X-Request-Id"] = logs.request_id.get() or ""
        return response


def _refuse_packed_bodies(app: Flask) -> None:
    """415 for a body that is compressed: what it holds could be of any size."""

    @app.before_request
    def _look() -> None:
        if request.headers.get("Content-Encoding", "identity").strip().lower() == "identity":
            return
        if request.path.startswith(MACHINE_PATHS):
            refuse(415, "body_compressed")
        abort(415)


def _bound_bodies(app: Flask) -> None:
    """413 for a chunked body that is too large, before a view reads the part of it that fits. The
    framework measures a body that has a Content-Length. Of chunks it hands on as many as fit, and
    does not say that there were more."""

    @app.before_request
    def _measure() -> None:
        if request.content_length is not None or not request.environ.get("wsgi.input_terminated"):
            return
        try:
            fits = len(request.get_data()) < MOST_BODY_BYTES or not request.environ[
                "wsgi.input"
            ].read(1)
        except ParseException:
            abort(400)  # chunks that are none
        if not fits:
            abort(413)


def _log_requests(app: Flask) -> None:
    """One line a request, by the route's pattern: the address itself may hold a token."""
    lines = log.bind()

    @app.before_request
    def _begin() -> None:
        g.began = time.perf_counter()

    @app.after_request
    def _end(response: AnyResponse) -> AnyResponse:
        lines.info(
            "request",
            method=request.method,
            route=request.url_rule.rule if request.url_rule else None,
            status=response.status_code,
            ms=round(1000 * (time.perf_counter() - g.get("began", time.perf_counter())), 1),
        )
        return response


def _one_slash(wsgi: Wsgi) -> Wsgi:
    """Some wallets join webServiceURL and path carelessly and ask for `/apple//v1/…`; a redirect
    would cost them their token."""

    def collapsed(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        if "//" in environ.get("PATH_INFO", ""):
            environ["PATH_INFO"] = re.sub("/{2,}", "/", environ["PATH_INFO"])
        return wsgi(environ, start_response)

    return collapsed
