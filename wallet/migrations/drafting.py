"""Every table, and for developers a new revision from what the models have and the database does
not. Both have to know every module that declares tables; running migrations does not need that."""

from alembic import command
from sqlalchemy import Engine, Table

from ledger.book import accounts, holds, journal, lots, purchases
from ledger.catalogue import categories, dated, products
from ledger.database import idempotency, outbox
from ledger.imports import store
from ledger.offers import offers
from ledger.people import cards, consents, members, persons, search_words
from ledger.points import told
from ledger.programmes import base_terms, programmes, stores, units
from ledger.reports import days, tallies
from ledger.sales import limits, published, records
from ledger.seals import inspection, sealing
from ledger.segments import lists, named
from wallet import happenings, presence
from wallet.access import (
    adjustments,
    admission,
    apikeys,
    change_chain,
    changes,
    counter_deeds,
    counter_limits,
    exports,
    letters,
    passkeys,
    second_factors,
    sign_in_delays,
    sources,
    staff,
    staff_sessions,
)
from wallet.apple import arrivals, complaints, devices, judging, signed_passes
from wallet.delivery import waves
from wallet.finding import codes
from wallet.google import alerts, budget, callbacks, messages, mirror
from wallet.migrations import METADATA, config
from wallet.outreach import campaigns, deliveries, rounds, terms
from wallet.outreach.posters import joined
from wallet.passes import badges, barcode_settings, drafts, issuing, news, renewal, templates
from wallet.receivers import log, receivers

TABLES_OF = (
    accounts,
    adjustments,
    admission,
    alerts,
    apikeys,
    arrivals,
    badges,
    base_terms,
    budget,
    callbacks,
    campaigns,
    cards,
    categories,
    change_chain,
    changes,
    codes,
    barcode_settings,
    complaints,
    counter_deeds,
    counter_limits,
    consents,
    mirror,
    dated,
    days,
    deliveries,
    devices,
    drafts,
    exports,
    happenings,
    holds,
    idempotency,
    inspection,
    issuing,
    joined,
    journal,
    judging,
    letters,
    log,
    lots,
    members,
    messages,
    lists,
    named,
    news,
    offers,
    outbox,
    passkeys,
    persons,
    presence,
    published,
    limits,
    records,
    products,
    programmes,
    purchases,
    receivers,
    renewal,
    rounds,
    sealing,
    second_factors,
    search_words,
    signed_passes,
    sign_in_delays,
    sources,
    staff,
    staff_sessions,
    store,
    stores,
    tallies,
    templates,
    terms,
    told,
    units,
    waves,
)


def draft(engine: Engine, revision: str, message: str) -> None:
    """Write it into `versions/`, to be read and corrected."""
    with engine.connect() as connection:
        command.revision(config(connection), message, autogenerate=True, rev_id=revision)


def every_table() -> list[Table]:
    """All tables of both packages; what others refer to comes before those that do."""
    return METADATA.sorted_tables
