"""A counter to try the browser's half of the cashier's page on: its page, with a server that knows
a few guests, remembers what it was sent, and has whatever trouble a test wishes."""

import re
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import gallery
from flask import (
    Blueprint,
    Flask,
    Response,
    jsonify,
    make_response,
    redirect,
    render_template,
    request,
)

from wallet.console.counter import offline
from wallet.pages import language
from wallet.web import headers

PAGE = "/console/counter-trial"
GUEST = "4242424242424242"
PROGRAMME = "demo"


@dataclass
class CounterTrial:
    """`keys` are the public keys that it publishes. `refused`: cards whose receipts are refused,
    each with why. `is_out`: the cashier's session has ended."""

    keys: list[dict[str, str]] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)
    is_out: bool = False
    found: list[str] = field(default_factory=list)
    acts: list[dict[str, str]] = field(default_factory=list)
    posts: list[dict[str, Any]] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)
    booked: dict[str, dict[str, str]] = field(default_factory=dict)

    def begin_anew(self) -> None:
        """Forget all, for the next test."""
        vars(self).update(vars(CounterTrial()))

    def add_to(self, app: Flask) -> None:
        routes = Blueprint("trial", __name__, template_folder=str(gallery.HERE / "templates"))
        routes.before_request(self._guard)
        routes.add_url_rule(PAGE, "show", self._show)
        routes.add_url_rule(f"{PAGE}/guest", "guest", self._guest)
        routes.add_url_rule(f"{PAGE}/earn", "earn", self._earn, methods=["POST"])
        routes.add_url_rule(f"{PAGE}/token", "token", self._token)
        routes.add_url_rule(f"{PAGE}/queue", "queue", self._queue, methods=["POST"])
        routes.add_url_rule(f"{PAGE}/keys", "keys", self._keys)
        routes.add_url_rule(f"{PAGE}/worker.js", "worker", lambda: offline.worker(PAGE))
        routes.add_url_rule(f"{PAGE}/app.webmanifest", "manifest", self._manifest)
        app.register_blueprint(routes)
        app.add_url_rule("/console/sign-in-trial", "trial-door", lambda: "<h1>The door")

    def _guard(self) -> Response | None:
        if not self.is_out or request.endpoint == "trial.worker":
            return None
        if request.headers.get("HX-Request") == "true":
            return Response(status=204, headers={"HX-Redirect": "/console/sign-in-trial"})
        return redirect("/console/sign-in-trial", 303)  # type: ignore[return-value]

    def _show(self) -> Response:
        page = make_response(self._drawn("counter", page=PAGE))
        page.headers.update(headers.AT_THE_COUNTER)
        page.headers["Cache-Control"] = "no-store"
        return page

    def _guest(self) -> str:
        code = request.args["scan"].strip()
        self.found.append(code)
        name = "none" if code == "0000" else "guest"
        return self._drawn(f"counter-{name}", card=code, key=uuid4(), page=PAGE)

    def _earn(self) -> tuple[str, int] | str:
        form = request.form.to_dict()
        self.acts.append(form)
        if re.fullmatch(r"\d+([.,]\d+)?", form["amount"]) is None:
            return self._drawn("counter-guest", page=PAGE, problem=True, **form), 422
        self.booked.setdefault(form["key"], form)
        return self._drawn("counter-done", page=PAGE)

    def _token(self) -> Response:
        self.tokens.append(str(uuid4()))
        return jsonify(csrf=self.tokens[-1])

    def _queue(self) -> Response:
        sent = request.get_json()
        assert request.headers["X-CSRFToken"] == self.tokens[-1]
        self.posts.append(sent)
        return jsonify(outcomes=[self._outcome(entry) for entry in sent["entries"]])

    def _outcome(self, entry: dict[str, str]) -> dict[str, str]:
        if entry["card"] in self.refused:
            words = self.refused[entry["card"]]
            return {"key": entry["key"], "outcome": "refused", "words": words}
        self.booked.setdefault(entry["key"], entry)
        return {"key": entry["key"], "outcome": "done", "words": ""}

    def _keys(self) -> Response:
        return jsonify(programme=PROGRAMME, kind="ed25519", keys=self.keys)

    def _manifest(self) -> Response:
        return offline.manifest(PAGE, "Кофейня")

    def _drawn(self, name: str, **given: object) -> str:
        russian = language.current() == "ru"
        return render_template(f"gallery/{name}.html", russian=russian, **given)
