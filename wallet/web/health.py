"""For operators and their machines. Anybody may call `/healthz` and `/readyz`: they say yes or no,
never why. `/health` says why, to operators alone: this machine itself, or a key with all scopes."""

import contextlib
from collections.abc import Iterator
from datetime import datetime

import orjson
import structlog
from flask import Blueprint, Response
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from ledger import words
from ledger.database import troubles
from ledger.database.engine import Database
from wallet import migrations, presence
from wallet.apple import judging
from wallet.apple.signing import Signer
from wallet.errors import CertificateProblem
from wallet.installation import Installation, current_installation
from wallet.presence import Presence
from wallet.running.pumps import WATCHED
from wallet.web.operator_access import require_operator

routes = Blueprint("health", __name__)

log = structlog.get_logger()


@routes.get("/health")
def health() -> Response:
    """The schema, which wallets are set up, every certificate with the days it has left, why no
    push gets through to Apple where none does, and who is at work, in JSON."""
    require_operator()
    installation = current_installation()
    now, certificates = installation.clock(), installation.certificates
    waning = {signer.fingerprint: text for signer, text in certificates.reminders(now)}
    using = {signer.fingerprint for signer in _signing(installation, now)}
    shown = [
        {
            "pass_type": signer.pass_type,
            "team": signer.team,
            "from": words.timestamp(signer.not_before),
            "until": words.timestamp(signer.not_after),
            "days_left": signer.days_left(now),
            "signs": signer.fingerprint in using,
            "warning": waning.get(signer.fingerprint),
        }
        for signer in certificates.every
    ]
    current = migrations.is_current(installation.database.engine)
    takes_writes = _takes_writes(installation.database)
    well = current and takes_writes and not waning and len(using) == len(certificates.pass_types)
    body: dict[str, object] = {
        "schema_current": current,
        "takes_writes": takes_writes,
        "free_bytes": installation.database.free_bytes(),
        "wallets": {
            "apple": installation.apple is not None,
            "google": installation.google is not None,
        },
        "certificates": shown,
    }
    if current:
        with installation.database.reading() as session:
            body["push_faults"] = faults = [
                {
                    "pass_type": topic.pass_type,
                    "reason": topic.fault,
                    "since": _written(topic.fault_since),
                    "pushes_wait": topic.is_suspected,
                }
                for topic in judging.faults(session)
            ]
            work = _work(session, installation)
        body["work"] = {
            "beat_seen_at": _written(work.beat_at),
            "worker_seen_at": _written(work.worker_at),
            "unworked_queues": work.unworked,
            "waiting": {
                one.what: {
                    "number": one.number,
                    "oldest_seconds": int(one.due_for(now).total_seconds()),
                }
                for one in work.waiting
            },
        }
        well = well and not faults and work.is_well
    body = {"well": well, **body}
    return Response(orjson.dumps(body), mimetype="application/json")


def _work(session: Session, installation: Installation) -> Presence:
    silence = presence.patience(installation.settings.beat_s)
    return presence.look(session, WATCHED, installation.clock(), silence)


def _takes_writes(database: Database) -> bool:
    try:
        database.try_writing()
    except SQLAlchemyError:
        return False
    return True


def _written(moment: datetime | None) -> str | None:
    return None if moment is None else words.timestamp(moment)


def _signing(installation: Installation, now: datetime) -> Iterator[Signer]:
    for pass_type in installation.certificates.pass_types:
        with contextlib.suppress(CertificateProblem):
            yield installation.certificates.signing(pass_type, now)


@routes.get("/healthz")
def healthz() -> Response:
    """200 while the process lives."""
    return Response("ok\n", mimetype="text/plain")


@routes.get("/readyz")
def readyz() -> Response:
    """200 if the process can do its work: the database has this release's schema and takes writes,
    and each pass type has a certificate that is valid now (none is needed without Apple).
    Otherwise 503; the log says why.

    Work that waits and that nobody takes up is said in the text: no other web process would do it,
    so tills go on being served."""
    installation = current_installation()
    attended = True
    try:
        ready = migrations.is_current(installation.database.engine)
        installation.database.try_writing()
        for pass_type in installation.certificates.pass_types:
            installation.certificates.signing(pass_type, installation.clock())
        if ready:
            with installation.database.reading() as session:
                attended = _work(session, installation).is_well
    except CertificateProblem as error:
        log.error("not_ready", problem=error.problem)
        ready = False
    except Exception as error:
        log.error("not_ready", problem=troubles.found_in(error) or type(error).__name__)
        ready = False
    if not ready:
        return Response("not ready\n", 503, mimetype="text/plain")
    said = "ready\n" if attended else "ready, but nobody takes up the work: see wallet doctor\n"
    return Response(said, mimetype="text/plain")
