"""For operators and their machines. Who may call: anybody; it tells yes or no, never why."""

import structlog
from flask import Blueprint, Response
from sqlalchemy import text

from wallet import migrations
from wallet.errors import CertificateProblem
from wallet.installation import here

routes = Blueprint("health", __name__)

log = structlog.get_logger()


@routes.get("/healthz")
def healthz() -> Response:
    """The process lives."""
    return Response("ok\n", mimetype="text/plain")


@routes.get("/readyz")
def readyz() -> Response:
    """It can do its work: the database answers in today's shape, and there is a valid certificate
    to sign with."""
    installation = here()
    try:
        with installation.database.reading() as session:
            session.execute(text("SELECT 1"))
        ready = migrations.is_current(installation.database.engine)
        for signer in installation.signers.values():
            signer.check(installation.clock())
    except CertificateProblem as error:
        log.error("not_ready", problem=error.problem)
        ready = False
    except Exception as error:
        log.error("not_ready", problem=type(error).__name__)
        ready = False
    return Response(
        "ready\n" if ready else "not ready\n", 200 if ready else 503, mimetype="text/plain"
    )
