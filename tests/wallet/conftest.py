"""Ways by which messages leave, for whatever sends some."""

from collections.abc import Iterator

import pytest
from gateways import Gateway
from mailing import Mailing, mail_server


@pytest.fixture
def mail() -> Iterator[Mailing]:
    with mail_server() as mailing:
        yield mailing


@pytest.fixture
def gateway() -> Iterator[Gateway]:
    there = Gateway()
    yield there
    there.server.shutdown()
    there.server.server_close()
