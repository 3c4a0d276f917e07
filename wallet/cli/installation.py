"""What commands stand on that need a whole installation: certificates, Apple and Google."""

from wallet.cli.context import environment
from wallet.cli.database import require_current
from wallet.installation import Installation
from wallet.running.assembly import connect


def at_work() -> Installation:
    """The installation, with a database that has this release's schema."""
    installation = connect(environment())
    require_current(installation.database)
    return installation
