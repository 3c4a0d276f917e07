"""What Google asks of us: it sends its callbacks, and fetches the pictures of a design.

Callers: anybody. A callback proves by its signatures that it comes from Google; pictures are as
public as the cards that show them. robots.txt and firewalls must let Google reach these addresses:
it comes as Googlebot."""

import functools

import structlog
from flask import Blueprint, Response, abort, request

from ledger.database.engine import Database
from wallet.configuration.clock import Clock
from wallet.configuration.settings import GoogleSettings
from wallet.google import callbacks, pictures
from wallet.google.callbacks import CallbackRefused, RootKeys
from wallet.passes import templates
from wallet.passes.templates import Template
from wallet.problems import refuse

MOST_BODY_BYTES = 64 * 1024
LARGEST_ID = 2**63 - 1
FOR_GOOD = "public, max-age=31536000, immutable"  # a year: the address names the revision
KEPT_PICTURES = 32  # in memory, by each process
PICTURES = {"logo.png": pictures.logo, "hero.png": pictures.hero, "poster.png": pictures.poster}

log = structlog.get_logger()


class GoogleService:
    """The routes that Google calls, on one database."""

    def __init__(self, database: Database, settings: GoogleSettings, clock: Clock) -> None:
        self._database = database
        self._issuer = settings.issuer
        self._roots = RootKeys(callbacks.fetch_from(settings.keys_url))
        self._clock = clock
        # Revisions never change, so a picture that was made once stays right.
        self._made = functools.lru_cache(KEPT_PICTURES)(self._make)

    def blueprint(self) -> Blueprint:
        """The routes, below `/google`."""
        routes = Blueprint("google", __name__, url_prefix="/google")
        routes.add_url_rule("/callback", "callback", self.callback, methods=["POST"])
        routes.add_url_rule(
            f"/designs/<int(max={LARGEST_ID}):template_id>/<name>", "picture", self.picture
        )
        return routes

    def callback(self) -> Response:
        """200 for every message that is Google's, new or known. 400 for any other, so that a forged
        message cannot look like trouble on our side."""
        if (request.content_length or 0) > MOST_BODY_BYTES:
            refuse(413, "body_too_large")
        now = self._clock()
        try:
            event = callbacks.read(request.get_data(), self._issuer, self._roots, now)
        except CallbackRefused as error:
            log.warning("google_callback_refused", problem=error.problem)
            refuse(400, error.code, error.facts())
        self._database.run(lambda session: callbacks.hear(session, event, now))
        log.info("google_callback", kind=event.kind)
        return Response(status=200)

    def picture(self, template_id: int, name: str) -> Response:
        """A picture of a design's revision, as PNG; 404 if there is none."""
        if name not in PICTURES:
            abort(404)
        answer = Response(self._made(template_id, name), mimetype="image/png")
        answer.headers["Cache-Control"] = FOR_GOOD
        return answer

    def _make(self, template_id: int, name: str) -> bytes:
        with self._database.reading() as session:
            template = session.get(Template, template_id)
            images = templates.images(session, template_id)
        if template is None:
            abort(404)
        made = PICTURES[name](templates.design(template), images)
        if made is None:
            abort(404)
        return made
