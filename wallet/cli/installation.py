"""For commands that need a whole installation: certificates, Apple and Google."""

from wallet.cli.context import environment
from wallet.cli.database import require_current
from wallet.installation import Installation
from wallet.running.assembly import connect


def at_work() -> Installation:
    """The installation, connected. Raises `SettingsError`, `CertificateProblem`, and
    `ClickException` if the schema is that of another release."""
    installation = connect(environment())
    require_current(installation.database)
    return installation
