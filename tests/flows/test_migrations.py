"""The history of the schema, on both databases."""

import io
import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import device_rows
import pyotp
import pytest
import releases
import traces
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from books import check_books
from clocks import StoppedClock
from dayfigures import Days
from processes import processes
from sealing import Sealer
from sqlalchemy import bindparam, insert, inspect, select, text, update
from sqlalchemy.orm import Session

from ledger import enrolment
from ledger.book import accounts, audit, holds, reversals, statements
from ledger.book.journal import Posting
from ledger.catalogue import categories, completing, dated, price_lists, putting
from ledger.catalogue.categories import CategoryTerms
from ledger.catalogue.price_lists import FloorWish
from ledger.catalogue.putting import ProductTerms, ProductWish
from ledger.database.compiled import within
from ledger.database.engine import Database
from ledger.database.tables import Instant
from ledger.errors import CardBlocked, CardExpired, CardVoid, ListExists, PhoneTaken
from ledger.imports import store
from ledger.imports.columns import RowContent
from ledger.imports.store import Row
from ledger.languages import ENGLISH
from ledger.money import Money
from ledger.offers import offers
from ledger.offers.offers import Offer, OfferDraft
from ledger.people import cards, finding, persons, search_words
from ledger.people.cards import Card
from ledger.people.members import Member
from ledger.people.persons import Person, Profile
from ledger.people.search_words import SearchWord
from ledger.points import accruals, corrections, households, redemptions, told, upkeep
from ledger.points.accruals import Grant
from ledger.points.causes import Cause
from ledger.points.corrections import Reversal
from ledger.points.redemptions import Spend
from ledger.points.told import BalanceIs
from ledger.programmes import base_terms, programmes, stores, units
from ledger.programmes.programmes import Terms
from ledger.programmes.stores import StoreTerms
from ledger.promotions.promotions import PromotionRules
from ledger.reports import days
from ledger.reports.figures import FigureOf
from ledger.sales import limits, months, published, purchases, quoting, records
from ledger.sales.published import DecidedBy, Publishing
from ledger.sales.purchases import Payer, Ticket
from ledger.sales.receipts import ReceiptLine, TillReceipt
from ledger.seals import inspection
from ledger.segments import lists
from ledger.settings import LedgerSettings
from wallet import happenings, migrations
from wallet.access import (
    apikeys,
    change_chain,
    changes,
    exports,
    letters,
    second_factors,
    staff_sessions,
    tokens,
)
from wallet.access.change_chain import ChangeWalk
from wallet.access.changes import Author, ChangedThing, RecordedChange
from wallet.access.staff_sessions import StaffSession
from wallet.apple import devices, judging
from wallet.apple.device_secrets import DeviceSecrets
from wallet.apple.devices import Device, PushRow, Registration
from wallet.configuration.keyring import KeyRing
from wallet.delivery import waves
from wallet.delivery.waves import Wave
from wallet.finding.codes import CodeRequest
from wallet.google import mirror
from wallet.google.mirror import DueRow, GoogleClass, GoogleObject
from wallet.happenings import ListeningRow
from wallet.outreach import campaigns, results, terms
from wallet.outreach.campaigns import CampaignDraft
from wallet.outreach.posters import joined
from wallet.passes import badges, barcode_settings, issued, renewal, templates
from wallet.passes.barcode_settings import BarcodeSettings
from wallet.passes.issued import Pass
from wallet.passes.templates import Template
from wallet.people import importing, lost_cards
from wallet.people.importing import Desk

BY = Author("command", "wallet test")

KEYS = KeyRing(("a-secret-for-the-devices-of-tests",))
# What releases after 0002 added to a pass, for one of which they know nothing more.
NEW_PASS = dict.fromkeys(("trial_id", "used_at", "used_by_kind", "used_by"))
MOVED = {  # to the programme's unit, and into several languages
    "ledger_programme": {"points_live_days"},
    "ledger_offer": {"title", "text"},
}


@pytest.fixture
def empty(request, tmp_path):
    """A database with nothing in it, of the kind that `database_url` has."""
    kind = request.node.callspec.params["database_url"]
    if kind == "sqlite":
        url = f"sqlite:///{tmp_path / 'empty.db'}"
    else:
        server = request.getfixturevalue("postgres")
        name = f"empty_{uuid.uuid4().hex}"
        server.execute(f"CREATE DATABASE {name}")
        url = server.url(name)
    database = Database(LedgerSettings(url))
    yield database
    database.close()
    if kind != "sqlite":
        server.execute(f"DROP DATABASE {name} WITH (FORCE)")


def test_from_nothing_to_today_and_back(empty: Database, database_url: str) -> None:
    assert not migrations.is_current(empty.engine)
    migrations.upgrade(empty.engine)
    assert migrations.is_current(empty.engine)
    migrations.upgrade(empty.engine)
    migrations.downgrade(empty.engine, "base")
    assert set(inspect(empty.engine).get_table_names()) <= {"alembic_version"}


def test_what_a_release_left_is_there_after_an_upgrade(empty: Database, database_url: str) -> None:
    migrations.upgrade(empty.engine, "0002")
    releases.load(empty, "0002")
    before = everything(empty)
    migrations.upgrade(empty.engine)
    after = everything(empty)
    for name, rows in before.items():
        columns = (set(rows[0]) if rows else set()) - MOVED.get(name, set())
        for was, is_ in zip(rows, after[name], strict=True):
            assert {one: is_[one] for one in columns} == {one: was[one] for one in columns}, name
    migrations.downgrade(empty.engine, "0002")
    assert everything(empty) == before


def test_points_of_an_earlier_release_are_a_unit_and_go_on(
    empty: Database, database_url: str
) -> None:
    """What 0005 makes of a book that knew points only."""
    migrations.upgrade(empty.engine, "0002")
    releases.load(empty, "0002")
    migrations.upgrade(empty.engine)
    now = datetime(2026, 5, 21, 12, tzinfo=UTC)
    with empty.transaction() as session:
        check_books(session)
        tea = programmes.by_code(session, "tea")
        unit = units.named(session, tea.id, None)
        assert (unit.code, unit.kind, unit.live_days) == ("points", "points", 30)
        anna = session.get_one(Member, 1)
        assert upkeep.turn(session, now) is False
        spent = redemptions.redeem(session, anna, Spend(20), now).posting_id
        earlier = session.scalars(select(Posting).where(Posting.receipt == "1002")).one()
        corrections.reverse(session, earlier, Reversal(), now)
        corrections.reverse(session, reversals.find(session, spent), Reversal(5), now)
        (_, balance), *_ = statements.all_balances(session, anna, now)
        check_books(session)
    # 120 + 50 were granted and 60 spent, out of the 50 first; those ran out before they came back.
    assert (balance.available, balance.pending, balance.debt) == (105, 30, 0)


def test_a_card_at_google_is_read_again_and_its_class_written_anew(
    empty: Database, database_url: str
) -> None:
    """What 0003 makes of an installation that was at Google before it."""
    now = datetime(2026, 5, 20, 12, tzinfo=UTC)
    migrations.upgrade(empty.engine, "0002")
    releases.load(empty, "0002")
    with empty.transaction() as session:
        session.execute(
            text(
                "INSERT INTO google_object (pass_id, object_id, version, saved, created_at)"
                " VALUES (:id, '33.a', 1, :saved, :now)"
            ).bindparams(bindparam("now", type_=Instant())),
            {"id": 1, "saved": True, "now": now},
        )
        session.execute(
            text(
                "INSERT INTO google_class (programme_id, class_id, template_id, lease_until)"
                " VALUES (:id, '33.demo', :template, :now)"
            ).bindparams(bindparam("now", type_=Instant())),
            {"id": 1, "template": 1, "now": now},
        )
    before = everything(empty)
    migrations.upgrade(empty.engine)
    with empty.reading() as session:
        known = session.scalars(select(GoogleObject)).one()
        assert (known.object_id, known.version, known.saved) == ("33.a", 1, True)
        assert known.check_at == known.created_at == now
        assert session.scalars(select(GoogleClass.template_id)).one() is None
    migrations.downgrade(empty.engine, "0002")
    assert everything(empty)["google_object"] == before["google_object"]


def test_members_who_shared_a_phone_number_go_on_and_nobody_joins_them(
    empty: Database, database_url: str
) -> None:
    """What 0004 makes of members of the releases before it."""
    now = datetime(2026, 5, 20, 12, tzinfo=UTC)
    migrations.upgrade(empty.engine, "0002")
    releases.load(empty, "0002")
    migrations.upgrade(empty.engine, "0003")
    phone, email = "+79991234567", "anna@example.com"  # Anna has them already
    with empty.transaction() as session:
        session.execute(text("UPDATE ledger_person SET phone = :phone"), {"phone": phone})
        session.execute(
            text("UPDATE ledger_person SET email = :email WHERE member_id = 3"), {"email": email}
        )
    migrations.upgrade(empty.engine)
    with empty.reading() as session:
        people = session.scalars(select(Person).order_by(Person.member_id)).all()
        assert [one.phone for one in people] == [phone] * 3
        assert [one.phone_shared for one in people] == [False, True, False]
        assert [one.email_shared for one in people] == [False, False, False]
    with pytest.raises(PhoneTaken), empty.transaction() as session:
        persons.add(session, 1, Profile(phone=phone), now)
    with empty.transaction() as session:
        first, second = session.get_one(Member, 1), session.get_one(Member, 2)
        persons.change(session, first, {"phone": "+79990000000"}, now)
        assert not session.get_one(Person, second.id, populate_existing=True).phone_shared
    migrations.downgrade(empty.engine, "0003")
    with empty.reading() as session:
        query = text("SELECT phone FROM ledger_person ORDER BY member_id")
        assert session.scalars(query).all() == ["+79990000000", phone, phone]


def everything(database: Database) -> dict[str, list[dict[str, object]]]:
    """The rows of all tables."""
    names = {one for one in inspect(database.engine).get_table_names() if not months.is_one(one)}
    names -= {"alembic_version"}
    with database.reading() as session:
        return {
            name: sorted(
                map(dict, session.execute(text(f"SELECT * FROM {name}")).mappings()),  # noqa: S608
                key=repr,
            )
            for name in names
        }


def test_the_schema_is_what_the_models_say(empty: Database, database_url: str) -> None:
    migrations.upgrade(empty.engine)
    with empty.engine.connect() as connection:
        opts = {
            "compare_type": True,
            "include_name": lambda name, *_of: not months.is_one(name or ""),
        }
        context = MigrationContext.configure(connection, opts=opts)
        assert compare_metadata(context, migrations.METADATA) == []


def test_machines_may_migrate_at_once(empty: Database, environment, tmp_path) -> None:
    url = empty.engine.url.render_as_string(hide_password=False)
    with processes({**environment, "WALLET_DATABASE_URL": url}, tmp_path) as service:
        started = [service.start("migrate") for _ in range(4)]
        assert [one.wait(60) for one in started] == [0] * 4, service.log_of("migrate")
    assert migrations.is_current(empty.engine)


def test_what_was_posted_before_there_were_seals_is_sealed(
    empty: Database, database_url: str
) -> None:
    """What 0006 makes of a book that had none."""
    migrations.upgrade(empty.engine, "0002")
    releases.load(empty, "0002")
    migrations.upgrade(empty.engine, "0005")
    before = everything(empty)
    migrations.upgrade(empty.engine)
    clock = StoppedClock(datetime(2026, 6, 1, 12, tzinfo=UTC))
    sealer = Sealer(empty, clock)
    sealer.run(limit=2)
    sealer.close_the_day()
    with empty.reading() as session:
        check_books(session)
        codes = session.scalars(select(programmes.Programme.code)).all()
    assert sealer.unsealed() == 0
    assert [sealer.fault(code=code) for code in codes] == [None] * len(codes)
    assert [root.first for code in codes for root in sealer.roots(code)] == [1, 1]
    with empty.transaction() as session:
        session.execute(text("UPDATE ledger_posting SET reason = NULL"))
    assert [seal.note_salt for seal in sealer.seals() if seal.note_salt] == []
    migrations.downgrade(empty.engine, "0005")
    after = everything(empty)
    for row in before["ledger_posting"]:
        row["reason"] = None
    assert after == before


def test_a_wave_of_the_release_before_goes_on(empty: Database, database_url: str) -> None:
    """What 0011 makes of a change for all that was under way."""
    migrations.upgrade(empty.engine, "0002")
    releases.load(empty, "0002")
    migrations.upgrade(empty.engine, "0008")
    with empty.transaction() as session:
        first = session.scalars(text("SELECT min(id) FROM wallet_pass")).one()
        total = session.scalars(
            text("SELECT count(*) FROM wallet_pass WHERE programme_id = 1")
        ).one()
        for after_id in (first, 0):
            session.execute(
                text(
                    "INSERT INTO wallet_wave (programme_id, after_id, created_at)"
                    " VALUES (1, :after_id, :now)"
                ).bindparams(bindparam("now", datetime(2026, 5, 20, tzinfo=UTC), type_=Instant())),
                {"after_id": after_id},
            )
    before = everything(empty)
    migrations.upgrade(empty.engine)
    with empty.reading() as session:
        begun, fresh = session.scalars(select(Wave).order_by(Wave.id)).all()
        assert [(one.seen, one.total, one.state) for one in (begun, fresh)] == [
            (1, total, "running"),
            (0, total, "running"),
        ]
        assert begun.public_id != fresh.public_id
    migrations.downgrade(empty.engine, "0008")
    assert everything(empty) == before


def test_members_of_the_release_before_erasure_are_not_erased(
    empty: Database, database_url: str
) -> None:
    """What 0008 makes of members."""
    migrations.upgrade(empty.engine, "0002")
    releases.load(empty, "0002")
    migrations.upgrade(empty.engine, "0007")
    before = everything(empty)
    migrations.upgrade(empty.engine)
    with empty.reading() as session:
        assert session.get_one(Member, 1).erased_at is None
    migrations.downgrade(empty.engine, "0007")
    assert everything(empty) == before


def test_cards_of_the_release_before_messages_go_on(empty: Database, database_url: str) -> None:
    """What 0009 makes of cards that knew no messages: nothing, they show what they showed."""
    migrations.upgrade(empty.engine, "0002")
    releases.load(empty, "0002")
    migrations.upgrade(empty.engine, "0008")
    before = everything(empty)
    migrations.upgrade(empty.engine)
    now = datetime(2026, 5, 20, 12, tzinfo=UTC)
    with empty.reading() as session:
        passes = session.scalars(select(Pass).order_by(Pass.id)).all()
        assert passes
        assert {issued.content(one).message for one in passes} == {""}
        wanted = terms.of_programme(session, passes[0].programme_id)
        assert [one.on for one in wanted.values()] == [False] * 5
        assert results.of_member(session, passes[0].member_id, None, 10, now) == []
    migrations.downgrade(empty.engine, "0008")
    assert everything(empty) == before


def test_programmes_of_the_release_before_codes_have_plain_numbers(
    empty: Database, database_url: str
) -> None:
    """What 0012 makes of cards, and that a programme can choose codes then."""
    migrations.upgrade(empty.engine, "0002")
    releases.load(empty, "0002")
    migrations.upgrade(empty.engine, "0011")
    before = everything(empty)
    migrations.upgrade(empty.engine)
    keys, now = KeyRing(("a-secret-for-the-codes-of-tests",)), datetime(2026, 6, 1, tzinfo=UTC)
    with empty.transaction() as session:
        tea = programmes.by_code(session, "tea")
        assert barcode_settings.of(session, tea.id) == BarcodeSettings()
        card = session.scalars(select(cards.Card).where(cards.Card.member_id == 3)).one()
        assert renewal.accept(session, keys, card.number, now).member.id == 3
    migrations.downgrade(empty.engine, "0011")
    assert everything(empty) == before
    migrations.upgrade(empty.engine)
    with empty.transaction() as session:
        renewal.change_terms(session, programmes.by_code(session, "tea"), BarcodeSettings("hmac"))
    while empty.run(lambda session: renewal.turn(session, keys, now, limit=1)):
        pass
    with empty.transaction() as session:
        text_ = renewal.shown(session, [3])[3]
        assert renewal.accept(session, keys, text_, now).refusal is None


def test_campaigns_of_the_release_before_keep_the_terms_they_were_made_with(
    empty: Database, database_url: str
) -> None:
    """What 0020 makes of campaigns and built-in messages: advertising had no quiet hours then, and
    went to those who were never asked."""
    migrations.upgrade(empty.engine, "0002")
    releases.load(empty, "0002")
    migrations.upgrade(empty.engine, "0016")
    with empty.transaction() as session:
        for number, consent in enumerate(("not_refused", "any", "given"), start=1):
            session.execute(
                text(
                    "INSERT INTO outreach_campaign (id, public_id, programme_id, name, audience,"
                    " texts, holdout_percent, consent, state, not_before, created_at, after_id,"
                    " last_id, recipients, done, counted_done) VALUES (:id, :public_id, 1, 'x',"
                    " '{}', '{}', 0, :consent, 'draft', :now, :now, 0, 0, 0, 0, 0)"
                ).bindparams(bindparam("now", datetime(2026, 5, 20, tzinfo=UTC), type_=Instant())),
                {"id": number, "public_id": str(number), "consent": consent},
            )
        for kind in ("lapsed", "birthday"):
            session.execute(
                text(
                    "INSERT INTO outreach_message_terms (programme_id, kind, is_on, texts,"
                    " from_hour, until_hour, since)"
                    " VALUES (1, :kind, :on, '{}', '10:00', '21:00', :now)"
                ).bindparams(bindparam("now", datetime(2026, 5, 20, tzinfo=UTC), type_=Instant())),
                {"kind": kind, "on": True},
            )
    before = everything(empty)
    migrations.upgrade(empty.engine)
    with empty.reading() as session:
        drafts = [
            campaigns.drafted(one)
            for one in session.scalars(select(campaigns.Campaign).order_by(campaigns.Campaign.id))
        ]
        assert [(one.purpose, one.consent, one.quiet) for one in drafts] == [
            ("advertising", "not_refused", None),
            ("service", "any", None),
            ("advertising", "given", None),
        ]
        wanted = terms.of_programme(session, 1)
        assert (wanted["lapsed"].consent, wanted["birthday"].consent) == ("not_refused", "any")
    migrations.downgrade(empty.engine, "0016")
    assert everything(empty) == before


def test_what_waited_in_queues_of_the_release_before_waits_on(
    empty: Database, database_url: str
) -> None:
    """What 0013 makes of pushes and writes under way, and of PostgreSQL's care for their tables."""
    now = datetime(2026, 5, 20, 12, tzinfo=UTC)
    migrations.upgrade(empty.engine, "0002")
    releases.load(empty, "0002")
    migrations.upgrade(empty.engine, "0012")
    with empty.transaction() as session:
        _put_phone(session, 1, "phone", "ab" * 32, "pass.a", now)
        waiting = {"due_at": now, "lease_until": now, "attempts": 0}
        rows = [{"device_id": 1, "pass_id": n, "generation": n, **waiting} for n in (1, 2)]
        session.execute(insert(PushRow), rows)
        session.execute(insert(DueRow), [{"pass_id": 1, "generation": 3, **waiting}])
    before = everything(empty)
    migrations.upgrade(empty.engine, keys=KEYS)
    after = everything(empty)
    assert [after[name] for name in QUEUES] == [before[name] for name in QUEUES]
    if not empty.is_sqlite:
        assert all("autovacuum_vacuum_scale_factor=0" in one for one in _care(empty).values())
    with empty.transaction() as session:
        claimed = sorted(devices.claim(session, (), now, 10, timedelta(seconds=60)))
        assert [(one.pass_id, one.generation) for one in claimed] == [(1, 1), (2, 2)]
        (write,) = mirror.WRITES.claim(session, now, 10, timedelta(seconds=60))
        assert (write.pass_id, write.generation) == (1, 3)
        session.rollback()
    migrations.downgrade(empty.engine, "0012", keys=KEYS)
    assert everything(empty) == before
    assert empty.is_sqlite or set(_care(empty).values()) == {""}


def test_members_of_households_and_merged_ones_go_on_where_they_are(
    empty: Database, database_url: str
) -> None:
    """What 0014 finds out is what is written since: which accounts are closed, and in which lots
    points were first. Points that were left behind before it are named, and brought home."""
    migrations.upgrade(empty.engine)
    now = datetime(2026, 5, 20, 12, tzinfo=UTC)
    with empty.transaction() as session:
        tea = programmes.create(session, Terms("tea", "Tea", overdrawn="debt"), now)
        anna, boris, vera, gleb = (
            enrolment.join(session, tea, Profile(name=name), now).member
            for name in ("Anna", "Boris", "Vera", "Gleb")
        )
        earned = accruals.grant(session, anna, Grant(100), now).posting_id
        spent = redemptions.redeem(session, anna, Spend(30), now).posting_id
        accruals.grant(session, anna, Grant(7, expires_at=now + timedelta(days=9)), now)
        households.merge(session, anna, boris, now)
        households.merge(session, boris, vera, now)
        households.join(session, gleb, vera, now)
    as_written = everything(empty)
    migrations.downgrade(empty.engine, "0013")
    with empty.transaction() as session:
        session.execute(text("UPDATE ledger_member SET household_id = NULL WHERE id = 1"))
        session.execute(  # three points of the fourth, as a race left them
            text("UPDATE ledger_balance SET available = 3 WHERE account_id = :id"),
            {"id": accounts.account_id_of(session, units.named(session, tea.id, None).id, gleb.id)},
        )
    migrations.upgrade(empty.engine)
    found = everything(empty)
    assert found["ledger_lot"] == as_written["ledger_lot"]
    assert found["ledger_member"] == as_written["ledger_member"]
    assert [row["closed"] for row in found["ledger_balance"]] == [1, 1, 0, 1]
    with empty.transaction() as session:
        broken = {one.rule for one in audit.check(session)}
        assert "nothing is left on an account that nobody uses" in broken
        corrections.reverse(session, reversals.find(session, spent), Reversal(10), now)
        corrections.reverse(session, reversals.find(session, earned), Reversal(), now)
        (_, balance), *_ = statements.all_balances(session, vera, now)
    # Ten of the thirty spent points came back; of the other twenty seven were there, 13 are owed.
    assert (balance.available, balance.debt) == (0, 13)


def test_programmes_of_the_release_before_speak_what_they_spoke(
    empty: Database, database_url: str
) -> None:
    """What 0015 finds: their own language, the two that texts could be in, and those of designs."""
    migrations.upgrade(empty.engine, "0002")
    releases.load(empty, "0002")
    migrations.upgrade(empty.engine, "0014")
    with empty.transaction() as session:
        session.execute(text("UPDATE ledger_programme SET locale = 'kk' WHERE code = 'tea'"))
        tea = session.scalars(text("SELECT id FROM ledger_programme WHERE code = 'tea'")).one()
        known = select(Template.id, Template.design).where(Template.programme_id == tea)
        template = session.execute(known).one()
        spoken = {**template.design, "languages": ["ru", "de-AT"]}
        session.execute(update(Template).where(Template.id == template.id).values(design=spoken))
    before = everything(empty)
    migrations.upgrade(empty.engine)
    with empty.reading() as session:
        found = {one.code: one.languages for one in programmes.every(session)}
    assert found == {"demo": ["ru", "en"], "tea": ["kk", "ru", "en", "de-AT"]}
    migrations.downgrade(empty.engine, "0014")
    assert everything(empty) == before


def test_programmes_of_the_release_before_are_in_the_country_of_their_clock(
    empty: Database, database_url: str
) -> None:
    migrations.upgrade(empty.engine, "0002")
    releases.load(empty, "0002")
    migrations.upgrade(empty.engine, "0015")
    with empty.transaction() as session:
        session.execute(
            text("UPDATE ledger_programme SET timezone = 'Asia/Almaty' WHERE code = 'tea'")
        )
    before = everything(empty)
    migrations.upgrade(empty.engine)
    with empty.reading() as session:
        found = {one.code: one.country for one in programmes.every(session)}
    assert found == {"demo": "RU", "tea": "KZ"}
    migrations.downgrade(empty.engine, "0015")
    assert everything(empty) == before


def test_phones_of_the_release_before_are_pushed_to_and_nothing_is_known_of_their_tokens(
    empty: Database, database_url: str
) -> None:
    """What 0018 finds: devices of whose tokens nobody remembers whether Apple accepted them."""
    now = datetime(2026, 5, 20, 12, tzinfo=UTC)
    migrations.upgrade(empty.engine, "0002")
    releases.load(empty, "0002")
    migrations.upgrade(empty.engine, "0016")
    moment = bindparam("now", type_=Instant())
    with empty.transaction() as session:
        cards = session.execute(text("SELECT id, pass_type FROM wallet_pass ORDER BY id")).all()
        for card in cards:
            facts = {"id": card.id, "now": now}
            _put_phone(session, card.id, f"phone-{card.id}", "abcd", card.pass_type, now)
            session.execute(
                text(
                    "INSERT INTO apple_registration (device_id, pass_id, created_at)"
                    " VALUES (:id, :id, :now)"
                ).bindparams(moment),
                facts,
            )
    phones = len(cards)
    assert phones
    before = everything(empty)
    migrations.upgrade(empty.engine, keys=KEYS)
    with empty.transaction() as session:
        known = session.scalars(select(Device)).all()
        assert [(one.accepted_at, one.doubted_at) for one in known] == [(None, None)] * phones
        devices.make_due(session, list(session.scalars(select(Registration.pass_id))), now)
        claimed = devices.claim(session, [], now, 100, timedelta(minutes=1))
        assert not any(push.is_proven for push in claimed)
        judging.judge(session, KEYS, claimed[0].pass_type, sent=claimed, others=[], now=now)
        session.expire_all()
        told = {push.device_id for push in claimed}
        assert {one.id for one in session.scalars(select(Device)) if one.accepted_at} == told
        session.rollback()
    migrations.downgrade(empty.engine, "0016", keys=KEYS)
    assert everything(empty) == before


def test_cards_that_were_void_or_replaced_before_are_refused_from_now_on(
    empty: Database, database_url: str
) -> None:
    """What 0017 finds: a void pass hid a number that tills took."""
    migrations.upgrade(empty.engine, "0002")
    releases.load(empty, "0002")
    migrations.upgrade(empty.engine, "0016")
    now = datetime(2026, 11, 29, 12, tzinfo=UTC)
    later = now + timedelta(days=9)
    moment = bindparam("at", type_=Instant())
    with empty.transaction() as session:
        ends = text("UPDATE wallet_pass SET ends_at = :at WHERE member_id = 2").bindparams(moment)
        session.execute(text("UPDATE wallet_pass SET state = 'void' WHERE member_id = 1"))
        session.execute(ends, {"at": later})
        blocked = text("UPDATE ledger_card SET blocked_at = :at WHERE member_id = 3")
        session.execute(blocked.bindparams(moment), {"at": now})
        session.execute(
            text(
                "INSERT INTO ledger_card (number, member_id, created_at)"
                " VALUES ('4000000000000002', 3, :at)"
            ).bindparams(moment),
            {"at": now},
        )
        session.execute(
            text(
                "INSERT INTO wallet_api_key (name, digest, scopes, created_at)"
                " VALUES ('till', 'x', '[\"*\"]', :at)"
            ).bindparams(moment),
            {"at": now},
        )
    before = everything(empty)
    migrations.upgrade(empty.engine)
    with empty.reading() as session:
        found = {
            card.number: (type(cards.objection(card, now)), type(cards.objection(card, later)))
            for card in session.scalars(select(Card))
        }
        assert found == {
            "2118452375886890": (CardVoid, CardVoid),
            "5377422101566164": (type(None), CardExpired),
            "8186031421017272": (CardBlocked, CardBlocked),
            "4000000000000002": (type(None), type(None)),
        }
        passes = session.scalars(select(Pass)).all()
        assert {(one.lost_at, one.link_generation) for one in passes} == {(None, 0)}
        (key,) = apikeys.listed(session)
        assert key.programme_id is None
    migrations.downgrade(empty.engine, "0016")
    assert everything(empty) == before


def test_what_the_release_before_cannot_hold_goes_with_a_downgrade(
    empty: Database, database_url: str
) -> None:
    """A pass that was lost, and a key that would open all programmes there."""
    migrations.upgrade(empty.engine, "0002")
    releases.load(empty, "0002")
    migrations.upgrade(empty.engine)
    now = datetime(2026, 11, 29, 12, tzinfo=UTC)
    keys = KeyRing(("a-key-of-many-letters",))
    with empty.transaction() as session:
        lost_cards.replace(session, session.get_one(Member, 1), keys, (), now)
        apikeys.issue(session, "all", ["*"], now)
        apikeys.issue(session, "one", ["*"], now, programme_id=1)
        live = issued.card_of(session, 1).serial
    migrations.downgrade(empty.engine, "0016")
    with empty.reading() as session:
        query = "SELECT serial FROM wallet_pass WHERE member_id = 1"
        assert session.scalars(text(query)).all() == [live]
        assert session.scalars(text("SELECT name FROM wallet_api_key")).all() == ["all"]
    migrations.upgrade(empty.engine)


def test_imports_of_the_release_before_wait_on(empty: Database, database_url: str) -> None:
    """What 0019 finds: an import that waits to be applied, which goes on; and one whose reader was
    killed, of whose file nothing is there, which is forgotten."""
    migrations.upgrade(empty.engine, "0002")
    releases.load(empty, "0002")
    migrations.upgrade(empty.engine, "0016")
    now = datetime(2026, 5, 20, 12, tzinfo=UTC)
    given = bindparam("now", type_=Instant())
    with empty.transaction() as session:
        unit = session.scalars(text("SELECT id FROM ledger_unit ORDER BY id")).first()
        for id_, state in ((1, "checked"), (2, "reading")):
            counts = (
                "skip_bad rows bad new_members found_members points_in_file points_good applied"
            )
            counts += " left_out joined postings points_applied points_posted balances_moved"
            columns = ", ".join(counts.split())
            zeros = ", ".join([":no", *["0"] * (len(counts.split()) - 1)])
            session.execute(
                text(
                    "INSERT INTO ledger_import (id, public_id, programme_id, unit_id, kind, digest,"  # noqa: S608
                    f" size, format, titles, left_aside, state, rows_digest, created_at, {columns})"
                    " VALUES (:id, :public, 1, :unit, 'members', :public, 9, 'csv', '{}', '[]',"
                    f" :state, '', :now, {zeros})"
                ).bindparams(given),
                {
                    "id": id_,
                    "public": f"import-{id_}",
                    "unit": unit,
                    "state": state,
                    "now": now,
                    "no": False,
                },
            )
            rows = [Row(2, RowContent(phone=f"+7916000000{id_}"))]
            session.execute(
                text("INSERT INTO ledger_import_part VALUES (:id, 2, :body)"),
                {"id": id_, "body": store.packed(rows)},
            )
    before = everything(empty)
    migrations.upgrade(empty.engine)
    keys = KeyRing(("a-secret-key-of-tests-of-many-characters",))
    desk = Desk(empty, keys, "pass.sandbox.loyalty", StoppedClock(now))
    assert importing.read_one(desk)
    with empty.reading() as session:
        assert session.scalars(select(store.Import.public_id)).all() == ["import-1"]
    checked = importing.find(desk, "import-1")
    assert (checked.facts, checked.refusal, checked.rows_in_file) == ({}, None, None)
    importing.start(desk, "import-1", BY, skip_bad=False)
    while importing.advance(desk):
        pass
    assert importing.find(desk, "import-1").joined == 1
    migrations.downgrade(empty.engine, "0016")
    migrations.upgrade(empty.engine)
    migrations.downgrade(empty.engine, "0016")
    assert set(everything(empty)) == set(before)


def test_a_release_back_forgets_what_it_cannot_know(empty: Database, database_url: str) -> None:
    """Files that wait to be read, and those that were refused: they can be sent again."""
    migrations.upgrade(empty.engine, "0002")
    releases.load(empty, "0002")
    migrations.upgrade(empty.engine)
    keys = KeyRing(("a-secret-key-of-tests-of-many-characters",))
    desk = Desk(empty, keys, "pass.sandbox.loyalty", StoppedClock())
    order = store.ImportRequest("demo", "members")
    kept = importing.read(desk, io.BytesIO(b"phone\n+79160000001\n"), order)
    importing.receive(desk, io.BytesIO(b"nothing\n1\n"), order)
    assert importing.read_one(desk)
    importing.receive(desk, io.BytesIO(b"phone\n+79160000002\n"), order)
    with empty.reading() as session:
        states = session.scalars(select(store.Import.state).order_by(store.Import.id)).all()
        assert states == ["checked", "refused", "reading"]
    migrations.downgrade(empty.engine, "0016")
    assert [row["public_id"] for row in everything(empty)["ledger_import"]] == [kept.public_id]


def test_receivers_come_without_a_change_of_what_is_there(
    empty: Database, database_url: str
) -> None:
    migrations.upgrade(empty.engine, "0002")
    releases.load(empty, "0002")
    migrations.upgrade(empty.engine, "0020")
    before = everything(empty)
    migrations.upgrade(empty.engine, "0022")
    with empty.reading() as session:
        assert not happenings.is_listened_to(session)
        assert session.scalar(select(ListeningRow.last_event)) == 0
    after = everything(empty)
    assert {name: after[name] for name in before} == before
    migrations.downgrade(empty.engine, "0020")
    assert everything(empty) == before


def test_purchases_come_without_a_change_of_what_is_there(
    empty: Database, database_url: str
) -> None:
    """Postings of the release before belong to no purchase and are undone as ever; what is told
    from now on goes with a step back, and the book stays as it is."""
    migrations.upgrade(empty.engine, "0002")
    releases.load(empty, "0002")
    migrations.upgrade(empty.engine, "0023", keys=KEYS)
    before = everything(empty)
    migrations.upgrade(empty.engine, "0024", keys=KEYS)
    after = everything(empty)
    assert {name: after[name] for name in before} == before
    migrations.upgrade(empty.engine, keys=KEYS)
    now = datetime(2026, 11, 29, 12, tzinfo=UTC)
    with empty.transaction() as session:
        member = session.scalars(select(Member).order_by(Member.id)).first()
        accruals.grant(session, member, Grant(10, Cause(purchase=Money("99.90", "RUB"))), now)
        old = session.scalars(
            select(Posting).where(Posting.kind == "accrual").order_by(Posting.id)
        ).first()
        assert corrections.reverse(session, old, Reversal(1), now).purchase is None
        told.hear(session, member, BalanceIs(5, "crm", Cause(occurred_at=now)), now)
    with empty.reading() as session:
        check_books(session)
    book = everything(empty)["ledger_entry"]
    migrations.downgrade(empty.engine, "0023", keys=KEYS)
    assert everything(empty)["ledger_entry"] == book


def test_cards_and_holds_of_the_release_before_stand_in_lists(
    empty: Database, database_url: str
) -> None:
    """What 0026 finds: cards and holds that do not say of which programme they are."""
    now = datetime(2026, 5, 20, 12, tzinfo=UTC)
    migrations.upgrade(empty.engine, "0002")
    releases.load(empty, "0002")
    migrations.upgrade(empty.engine, "0023", keys=KEYS)
    with empty.transaction() as session:
        session.execute(
            text(
                "INSERT INTO ledger_hold (public_id, account_id, amount, captured, state,"
                " placed_at, expires_at) SELECT 'hold-' || id, id, 5, 0, 'open', :now, :now"
                " FROM ledger_account WHERE kind = 'member'"
            ).bindparams(bindparam("now", type_=Instant())),
            {"now": now},
        )
    before = everything(empty)
    migrations.upgrade(empty.engine, "0026", keys=KEYS)
    with empty.reading() as session:
        found = 0
        for programme_id in session.scalars(text("SELECT id FROM ledger_programme")).all():
            theirs = set(
                session.scalars(select(Member.public_id).where(Member.programme_id == programme_id))
            )
            wanted = cards.CardFilter(programme_id)
            issued_ = cards.listed(session, wanted, None, 100, now)
            held = holds.listed(session, programme_id, None, "open", None, 100)
            assert {one.member for one in issued_} <= theirs
            assert {one.member for one in held} <= theirs
            found += len(issued_) + len(held)
        assert found == len(before["ledger_card"]) + len(before["ledger_hold"])
        assert exports.listed(session, None, None, 10) == []
    migrations.downgrade(empty.engine, "0023", keys=KEYS)
    assert everything(empty) == before


def _put_phone(
    session: Session, id_: int, name: str, token: str, pass_type: str, now: datetime
) -> None:
    """A device as releases before 0023 kept it: readable."""
    session.execute(
        text(
            "INSERT INTO apple_device (id, library_id, pass_type, push_token, refreshed_at)"
            " VALUES (:id, :name, :type, :token, :now)"
        ).bindparams(bindparam("now", type_=Instant())),
        {"id": id_, "name": name, "type": pass_type, "token": token, "now": now},
    )


# What sealing writes, and what it moves on.
SEALED = {f"ledger_{name}" for name in ("seal", "chain", "sealing", "rollup", "block", "root")}

QUEUES = ("apple_push", "google_due", "ledger_outbox")


def _care(database: Database) -> dict[str, str]:
    """Storage parameters of the queues."""
    parameters = text(
        "SELECT relname, coalesce(array_to_string(reloptions, ' '), '') FROM pg_class"
        " WHERE relname IN ('apple_push', 'google_due', 'ledger_outbox')"
    )
    with database.reading() as session:
        return {row[0]: row[1] for row in session.execute(parameters)}


def test_devices_of_the_release_before_are_encrypted_and_go_on_at_once(
    empty: Database, database_url: str
) -> None:
    """What 0023 makes of identifiers and tokens that could be read: nothing of them is left in the
    tables, nor in the file of the table."""
    now = datetime(2026, 5, 20, 12, tzinfo=UTC)
    migrations.upgrade(empty.engine, "0002")
    releases.load(empty, "0002")
    migrations.upgrade(empty.engine, "0022")
    phones = {n: (f"{n:032x}", f"{n:064x}") for n in range(10**6, 10**6 + 2500)}  # three batches
    with empty.transaction() as session:
        card = session.execute(text("SELECT id, pass_type, serial FROM wallet_pass")).first()
        for id_, (name, token) in phones.items():
            _put_phone(session, id_, name, token, card.pass_type, now)
        first, *_ = phones
        session.execute(
            text(
                "INSERT INTO apple_registration (device_id, pass_id, created_at)"
                " VALUES (:device, :card, :now)"
            ).bindparams(bindparam("now", type_=Instant())),
            {"device": first, "card": card.id, "now": now},
        )
        line = f"Get serial #s task (for device {phones[first][0]}; serial number {card.serial})"
        session.execute(
            text("INSERT INTO apple_complaint (received_at, line) VALUES (:now, :line)").bindparams(
                bindparam("now", type_=Instant())
            ),
            {"now": now, "line": line},
        )
    before = everything(empty)
    words = [word for secrets in phones.values() for word in secrets]
    with pytest.raises(RuntimeError, match="key ring"):
        migrations.upgrade(empty.engine)
    assert everything(empty) == before
    migrations.upgrade(empty.engine, keys=KEYS)
    lies = _file_of_devices(empty)
    assert [word for word in words if word.encode() in lies] == []
    assert traces.in_tables(empty, words[:2]) == []
    with empty.reading() as session:
        complaint = session.scalars(text("SELECT line FROM apple_complaint")).one()
        assert complaint == line.replace(phones[first][0], "…")
    name, token = phones[first]
    listing = devices.updated(empty, KEYS, name, card.pass_type, None)
    assert listing is not None
    assert listing.serials == [card.serial]
    with empty.transaction() as session:
        assert {one.id: one[1:] for one in device_rows.plain(session, KEYS)} == phones
        devices.make_due(session, [card.id], now)
        (push,) = devices.claim(session, [], now, 100, timedelta(minutes=1))
        assert DeviceSecrets(KEYS).read_push_token(push.push_token, push.library_id) == token
        assert devices.register(
            session, KEYS, session.get_one(Pass, card.id), name, token, now
        ) is (False)
        session.rollback()
    migrations.downgrade(empty.engine, "0022", keys=KEYS)
    after = everything(empty)
    assert after.pop("apple_complaint") != before.pop("apple_complaint")
    assert after == before


def test_keys_of_the_release_before_never_end_and_its_programmes_are_not_listed(
    empty: Database, database_url: str
) -> None:
    """What 0025 finds, and what goes with a downgrade: a key that would have no end there."""
    now = datetime(2026, 5, 20, 12, tzinfo=UTC)
    migrations.upgrade(empty.engine, "0002")
    releases.load(empty, "0002")
    migrations.upgrade(empty.engine, "0023", keys=KEYS)
    with empty.transaction() as session:
        session.execute(
            text(
                "INSERT INTO wallet_api_key (name, digest, scopes, created_at)"
                " VALUES ('till', 'x', '[\"*\"]', :at)"
            ).bindparams(bindparam("at", type_=Instant())),
            {"at": now},
        )
    before = everything(empty)
    migrations.upgrade(empty.engine, keys=KEYS)
    with empty.transaction() as session:
        (key,) = apikeys.listed(session)
        assert (key.expires_at, key.is_live(now)) == (None, True)
        assert not any(one.listed for one in programmes.every(session))
        apikeys.issue(session, "for a day", ["*"], now, expires_at=now + timedelta(days=1))
        badge = b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 180 50"/>'
        badges.put(session, "apple", "ru", "badge.svg", badge, now)
    migrations.downgrade(empty.engine, "0023", keys=KEYS)
    assert everything(empty) == before
    migrations.upgrade(empty.engine, keys=KEYS)


def _file_of_devices(database: Database) -> bytes:
    """The bytes on the disk: of the whole database, or of the table and its indexes."""
    if database.is_sqlite:
        assert database.wipe()
        file = Path(database.engine.url.database or "")
        return file.read_bytes() + file.with_name(f"{file.name}-wal").read_bytes()
    with database.engine.connect().execution_options(begin="") as connection:
        connection.execute(text("CHECKPOINT"))
        names = ("apple_device", "uq_apple_device_library_id_pass_type")
        read = text("SELECT pg_read_binary_file(pg_relation_filepath(CAST(:name AS regclass)))")
        return b"".join(bytes(connection.scalar(read, {"name": one}) or b"") for one in names)


def test_offers_of_the_release_before_are_in_the_programmes_language(
    empty: Database, database_url: str
) -> None:
    """What 0027 makes of offers in one language, and what a release back makes of the others."""
    migrations.upgrade(empty.engine, "0002")
    releases.load(empty, "0002")
    migrations.upgrade(empty.engine, "0023", keys=KEYS)
    before = everything(empty)
    now = datetime(2026, 5, 21, 12, tzinfo=UTC)
    migrations.upgrade(empty.engine, keys=KEYS)
    with empty.transaction() as session:
        tea = programmes.by_code(session, "tea")
        kept = {one.id: one for one in session.scalars(select(Offer))}
        for row in before["ledger_offer"]:
            offer = kept[row["id"]]
            locale = programmes.by_id(session, offer.programme_id).locale
            assert offer.titles == {locale: row["title"]}
            assert offer.texts == ({locale: row["text"]} if row["text"] else {})
            assert (offer.revision, offer.audience, offer.is_for_all()) == (
                1,
                None,
                row["member_id"] is None,
            )
        assert tea.keeps_personal
        published = offers.publish(
            session,
            tea.id,
            None,
            OfferDraft({"en": "Tea", tea.locale: "Чай"}, audience={"kind": "everyone"}),
            now,
        )
        id_ = published.id
    while empty.run(lambda session: upkeep.write_audiences(session, now)):
        pass
    with empty.transaction() as session:
        theirs = session.scalars(select(Member.id).where(Member.programme_id == tea.id)).all()
        assert set(offers.audience(session, id_, 0, 10)) == set(theirs) != set()
        for shown in offers.shown(session, tea.id, theirs, now).values():
            assert id_ in {one.id for one in shown}
        waves.start(session, tea.id, now, id_)
    migrations.downgrade(empty.engine, "0023", keys=KEYS)
    after = everything(empty)
    (new,) = [row for row in after["ledger_offer"] if row["id"] == id_]
    assert (new["title"], new["text"]) == ("Чай", "")
    assert new["withdrawn_at"] is not None  # it would be shown to all
    after["ledger_offer"] = [row for row in after["ledger_offer"] if row["id"] != id_]
    for name in ("ledger_offer", "wallet_wave", "ledger_programme", "google_class"):
        assert after[name] == before[name], name


def test_the_staff_of_the_release_before_stays_signed_in_without_a_second_factor(
    empty: Database, database_url: str
) -> None:
    """What 0030 finds, and what goes with a downgrade."""
    now = datetime(2026, 5, 20, 12, tzinfo=UTC)
    migrations.upgrade(empty.engine, "0029", keys=KEYS)
    with empty.transaction() as session:
        at = bindparam("at", type_=Instant())
        session.execute(
            text(
                "INSERT INTO wallet_employee (email, password_hash, created_at)"
                " VALUES ('anna@example.com', 'x', :at)"
            ).bindparams(at),
            {"at": now},
        )
        session.execute(
            text("INSERT INTO wallet_employee_role (employee_id, role) VALUES (1, 'administrator')")
        )
        session.execute(
            text(
                "INSERT INTO wallet_staff_session (digest, employee_id, began_at, seen_at)"
                " VALUES (:digest, 1, :at, :at)"
            ).bindparams(at),
            {"digest": tokens.digest("token"), "at": now},
        )
    before = everything(empty)
    migrations.upgrade(empty.engine, keys=KEYS)
    signed_in = staff_sessions.recognise(empty, "token", now)
    assert signed_in is not None
    assert (signed_in.email, signed_in.strong) == ("anna@example.com", False)
    assert not signed_in.has_proved(now)
    with empty.transaction() as session:
        secret = second_factors.new_secret()
        code = pyotp.TOTP(secret).at(now)
        second_factors.set_up(session, KEYS, signed_in.employee_id, secret, code, now)
        letters.send_forgotten(session, signed_in.email, ENGLISH, now)
    migrations.downgrade(empty.engine, "0029", keys=KEYS)
    assert everything(empty) == before
    migrations.upgrade(empty.engine, keys=KEYS)


def test_days_of_the_release_before_are_counted_from_its_book(
    empty: Database, database_url: str
) -> None:
    """What 0031 finds: postings and members without a table of days, and cards in phones."""
    migrations.upgrade(empty.engine, "0002")
    releases.load(empty, "0002")
    migrations.upgrade(empty.engine, "0029", keys=KEYS)
    before = everything(empty)
    migrations.upgrade(empty.engine, keys=KEYS)
    now = datetime(2026, 11, 29, 12, tzinfo=UTC)
    table = Days(empty, StoppedClock(now))
    table.run()
    with empty.reading() as session:
        told_ = {
            programme.id: days.sums(session, programme.id)
            for programme in programmes.every(session)
        }
        held = session.execute(
            text(
                "SELECT a.programme_id, u.code, sum(b.available + b.pending + b.held)"
                " FROM ledger_balance b JOIN ledger_account a ON a.id = b.account_id"
                " JOIN ledger_unit u ON u.id = a.unit_id GROUP BY a.programme_id, u.code"
            )
        ).all()
        cards_there = session.execute(
            text(
                "SELECT p.programme_id, count(DISTINCT r.pass_id) FROM apple_registration r"
                " JOIN wallet_pass p ON p.id = r.pass_id WHERE p.offer_id IS NULL"
                " GROUP BY p.programme_id"
            )
        ).all()
    assert held
    for programme_id, unit, points in held:
        assert told_[programme_id].get(FigureOf("owed", unit), 0) == points
    for programme_id, number in cards_there:
        assert told_[programme_id][FigureOf("card_added", "apple")] == number
    assert sum(sums[FigureOf("joined")] for sums in told_.values()) == len(before["ledger_member"])
    kept = table.table()
    table.rebuild()
    assert table.table() == kept
    migrations.downgrade(empty.engine, "0029", keys=KEYS)
    after = everything(empty)
    assert {name: rows for name, rows in after.items() if name not in SEALED} == {
        name: rows for name, rows in before.items() if name not in SEALED
    }


def test_programmes_of_the_release_before_have_their_first_hour_behind_them(
    empty: Database, database_url: str
) -> None:
    """What 0032 finds stays as it is; nobody is asked again what kind of shop it is, and purchases
    earn nothing by themselves until somebody says how much."""
    migrations.upgrade(empty.engine, "0002")
    releases.load(empty, "0002")
    migrations.upgrade(empty.engine, "0031", keys=KEYS)
    before = everything(empty)
    migrations.upgrade(empty.engine, keys=KEYS)
    after = everything(empty)
    new = {"trade": "other", "called": "client"}
    for was, now in zip(before["ledger_programme"], after["ledger_programme"], strict=True):
        assert {name: now[name] for name in was} == was
        assert {name: now[name] for name in new} == new
    later = {
        "ledger_member": {"unconfirmed": False},
        "wallet_template": {"is_trial": False},
        "wallet_pass": NEW_PASS,
    }
    for name in before.keys() - {"ledger_programme"}:
        more = later.get(name, {})
        assert after[name] == sorted(({**row, **more} for row in before[name]), key=repr), name
    with empty.transaction() as session:
        programme = programmes.every(session)[0]
        assert programme.skipped == []
        assert base_terms.of(session, programme.id) is None
        stores.put_store(session, programme.id, StoreTerms("centre"), programme.created_at)
    migrations.downgrade(empty.engine, "0031", keys=KEYS)
    assert everything(empty) == before


def test_the_record_of_the_release_before_is_walked_as_a_whole(
    empty: Database, database_url: str
) -> None:
    """What 0033 finds: a chain of which nobody knows how far it was checked, and keys of which
    nobody knows when they were used."""
    now = datetime(2026, 11, 20, 12, tzinfo=UTC)
    migrations.upgrade(empty.engine, "0002")
    releases.load(empty, "0002")
    migrations.upgrade(empty.engine, "0032", keys=KEYS)
    moment = bindparam("at", type_=Instant())
    with empty.transaction() as session:
        session.execute(
            text(
                "INSERT INTO wallet_api_key (name, digest, scopes, created_at)"
                " VALUES ('till', 'x', '[\"*\"]', :at)"
            ).bindparams(moment),
            {"at": now},
        )
        of = ChangedThing("key", "till")
        changes.note(session, BY, "key.added", of, now, {}, {"scopes": ["*"]})
        line = session.scalars(select(RecordedChange)).one()
        line.number, line.hash = 1, change_chain.linked(bytes(32), line)
        message = change_chain.SIGNED + (1).to_bytes(8, "big") + line.hash
        roots = KEYS.roots
        session.execute(
            text(
                "INSERT INTO wallet_change_chain (id, number, head, key, signature)"
                " VALUES (1, 1, :head, :key, :signature)"
            ),
            {"head": line.hash, "key": roots.key, "signature": roots.sign(message)},
        )
    before = everything(empty)
    migrations.upgrade(empty.engine, keys=KEYS)
    with empty.reading() as session:
        assert change_chain.begin_after(session, now) == 0
        assert apikeys.named(session, "till").used_at is None
    walk = ChangeWalk(KEYS.roots)
    inspection.go(empty, walk)
    assert (walk.fault, walk.lines) == (None, 1)
    empty.run(lambda session: change_chain.remember(session, walk, now))
    migrations.downgrade(empty.engine, "0032", keys=KEYS)
    assert everything(empty) == before
    migrations.upgrade(empty.engine, keys=KEYS)


def test_people_of_the_release_before_are_found_by_their_words(
    empty: Database, database_url: str
) -> None:
    """What 0034 writes of those who are known, and that a release back loses nothing."""
    migrations.upgrade(empty.engine, "0002")
    releases.load(empty, "0002")
    migrations.upgrade(empty.engine, "0033", keys=KEYS)
    before = everything(empty)
    migrations.upgrade(empty.engine, keys=KEYS)
    with empty.transaction() as session:
        people = {one.member_id: one for one in session.scalars(select(Person))}
        assert any(one.name for one in people.values())
        for member_id, one in people.items():
            words = select(SearchWord.word).where(SearchWord.member_id == member_id)
            assert set(session.scalars(words)) == search_words.words_of(one)
        one = next(one for one in people.values() if one.name)
        programme = programmes.by_id(session, one.programme_id)
        assert programme.adjust_limit is None
        found = finding.find(
            within(session), programme.id, programme.country, str(one.name), 10, people=True
        )
        assert one.member_id in {each.member_id for each in found}
    migrations.downgrade(empty.engine, "0033", keys=KEYS)
    assert everything(empty) == before


def test_designs_of_the_release_before_stay_and_one_that_is_tried_is_nobodys_a_release_back(
    empty: Database, database_url: str
) -> None:
    """What 0035 adds, and that a release back takes what is published for the current design."""
    migrations.upgrade(empty.engine, "0002")
    releases.load(empty, "0002")
    migrations.upgrade(empty.engine, "0034", keys=KEYS)
    before = everything(empty)
    migrations.upgrade(empty.engine, keys=KEYS)
    with empty.transaction() as session:
        found = session.scalars(select(Template).order_by(Template.id.desc())).first()
        design = replace(templates.design(found), background="#123456")
        one = templates.store(session, found.programme_id, design, {}, datetime.now(UTC))
        design = replace(design, background="#654321")
        number = templates.number_of_revisions(session, one.programme_id, one.purpose)
        tried = templates.store_trial(session, one.programme_id, design, {}, datetime.now(UTC))
        assert templates.find(session, one.programme_id, one.purpose).id == one.id
        assert tried.is_trial and tried.id > one.id
    migrations.downgrade(empty.engine, "0034", keys=KEYS)
    with empty.reading() as session:
        rows = session.execute(text("SELECT id, programme_id, design FROM wallet_template")).all()
        theirs = sorted(row for row in rows if row.programme_id == one.programme_id)
        assert (
            theirs[-1].id > tried.id and theirs[-1].design == theirs[-3].design != theirs[-2].design
        )
        names = text("SELECT name FROM wallet_template_image WHERE template_id = :id ORDER BY name")
        drawn = session.scalars(names, {"id": theirs[-1].id}).all()
        assert drawn == session.scalars(names, {"id": theirs[-3].id}).all() != []
    assert len(everything(empty)["wallet_pass"]) == len(before["wallet_pass"])
    migrations.upgrade(empty.engine, keys=KEYS)
    with empty.reading() as session:
        again = templates.number_of_revisions(session, one.programme_id, one.purpose)
        assert again == number + 2


def test_members_of_the_release_before_can_be_put_on_a_list(
    empty: Database, database_url: str
) -> None:
    """What 0036 adds, and that a release back loses nothing else."""
    migrations.upgrade(empty.engine, "0002")
    releases.load(empty, "0002")
    migrations.upgrade(empty.engine, "0035", keys=KEYS)
    before = everything(empty)
    migrations.upgrade(empty.engine, keys=KEYS)
    now = datetime.now(UTC)
    with empty.transaction() as session:
        member = session.scalars(select(Member).order_by(Member.id)).first()
        programme = programmes.by_id(session, member.programme_id)
        made = lists.make(session, programme, "Opening", [member.id], 3, "anna", now)
        assert (made.size, made.left_out) == (1, 3)
        with pytest.raises(ListExists):
            lists.make(session, programme, "Opening", [member.id], 0, "boris", now)
        on_it = select(Member.id).where(lists.has(programme.id, "Opening"))
        assert session.scalars(on_it).all() == [member.id]
    migrations.downgrade(empty.engine, "0035", keys=KEYS)
    assert everything(empty) == before


def test_coupons_of_the_release_before_are_used_at_a_time_from_now_on(
    empty: Database, database_url: str
) -> None:
    """What 0037 adds; and that a release back sends no words of a campaign without its coupon."""
    migrations.upgrade(empty.engine, "0002")
    releases.load(empty, "0002")
    migrations.upgrade(empty.engine, "0036", keys=KEYS)
    before = everything(empty)
    migrations.upgrade(empty.engine, keys=KEYS)
    now = datetime.now(UTC)
    with empty.transaction() as session:
        pass_ = session.scalars(select(Pass).order_by(Pass.id)).first()
        assert (pass_.used_at, pass_.used_by_kind, pass_.used_by) == (None, None, None)
        programme = programmes.by_id(session, pass_.programme_id)
        drafts = [CampaignDraft("Latte", {programme.locale: "x"}) for _ in range(2)]
        plain, other = [campaigns.create(session, programme, one, now) for one in drafts]
        other.coupon = "01a22b44-8df3-7423-80fe-c30e125b55d2"
        ids = plain.id, other.id
    migrations.downgrade(empty.engine, "0036", keys=KEYS)
    with empty.reading() as session:
        rows = session.execute(text("SELECT id, state FROM outreach_campaign")).all()
        states = {row.id: row.state for row in rows}
        assert [states[id_] for id_ in ids] == ["draft", "cancelled"]
    kept = everything(empty)
    assert kept["wallet_pass"] == before["wallet_pass"]


def test_members_of_the_release_before_joined_by_no_poster(
    empty: Database, database_url: str
) -> None:
    """What 0039 adds; who joins from now on may have scanned one."""
    migrations.upgrade(empty.engine, "0002")
    releases.load(empty, "0002")
    migrations.upgrade(empty.engine, "0037", keys=KEYS)
    before = everything(empty)
    migrations.upgrade(empty.engine, keys=KEYS)
    now = datetime.now(UTC)
    with empty.transaction() as session:
        member = session.scalars(select(Member).order_by(Member.id)).first()
        assert joined.of_member(session, member.id) is None
        stores.put_store(session, member.programme_id, StoreTerms("7", "Tverskaya"), now)
        joined.keep(session, member, {"store": "7"})
        session.flush()
        (count,) = joined.counts(session, member.programme_id, now)
        assert (count.place.store.name, count.all) == ("Tverskaya", 1)
    migrations.downgrade(empty.engine, "0037", keys=KEYS)
    after = everything(empty)
    del after["ledger_store"], before["ledger_store"]
    assert after == before


def test_members_of_the_release_before_are_confirmed_and_spend_by_a_code(
    empty: Database, database_url: str
) -> None:
    """What 0041 adds."""
    migrations.upgrade(empty.engine, "0002")
    releases.load(empty, "0002")
    migrations.upgrade(empty.engine, "0040", keys=KEYS)
    before = everything(empty)
    migrations.upgrade(empty.engine, keys=KEYS)
    with empty.reading() as session:
        assert not any(session.scalars(select(Member.unconfirmed)))
        assert {one.spend_by_phone for one in programmes.every(session)} == {"code"}
    migrations.downgrade(empty.engine, "0040", keys=KEYS)
    assert everything(empty) == before


def test_who_is_signed_in_stays_so_and_a_counter_opens_nothing_a_release_back(
    empty: Database, database_url: str
) -> None:
    """What 0042 adds to sessions. Those at a counter end with a downgrade: without their mark they
    would open all that their owner may do."""
    migrations.upgrade(empty.engine, "0041", keys=KEYS)
    now = datetime(2026, 11, 30, 12, tzinfo=UTC)
    moment = bindparam("at", type_=Instant())
    told = "INSERT INTO wallet_employee (id, email, created_at) VALUES (1, 'a@shop.ru', :at)"
    session_of = (
        "INSERT INTO wallet_staff_session (digest, employee_id, began_at, seen_at, strong, browser,"
        " origin) VALUES (:digest, 1, :at, :at, false, '', '')"
    )
    with empty.transaction() as session:
        session.execute(text(told).bindparams(moment), {"at": now})
        session.execute(text(session_of).bindparams(moment), {"at": now, "digest": "x"})
    before = everything(empty)
    migrations.upgrade(empty.engine, keys=KEYS)
    with empty.transaction() as session:
        one = session.scalars(select(StaffSession)).one()
        assert (one.counter, one.store, one.till) == (False, None, None)
        session.execute(text(session_of).bindparams(moment), {"at": now, "digest": "y"})
        session.get_one(StaffSession, "y").counter = True
    migrations.downgrade(empty.engine, "0041", keys=KEYS)
    assert everything(empty) == before


def test_codes_of_the_release_before_work_and_links_do_not_outlive_theirs(
    empty: Database, database_url: str
) -> None:
    """What 0043 adds."""
    migrations.upgrade(empty.engine, "0002")
    releases.load(empty, "0002")
    migrations.upgrade(empty.engine, "0042", keys=KEYS)
    then = datetime(2999, 1, 1, tzinfo=UTC)
    card: dict[str, object] = {
        "programme_id": 1,
        "address_key": "a",
        "purpose": "card",
        "kind": "phone",
        "language": "ru",
        "nonce": "n",
        "tries": 0,
        "expires_at": then,
        "due_at": then,
        "lease_until": then,
        "generation": 1,
        "attempts": 0,
    }
    with empty.transaction() as session:
        session.execute(insert(CodeRequest).values(card))
    before = everything(empty)
    migrations.upgrade(empty.engine, keys=KEYS)
    with empty.transaction() as session:
        row = session.scalars(select(CodeRequest)).one()
        assert (row.purpose, row.joined_id) == ("card", None)
        link = card | {"address_key": "b", "purpose": "join", "joined_id": 1}
        session.execute(insert(CodeRequest).values(link))
    migrations.downgrade(empty.engine, "0042", keys=KEYS)
    assert everything(empty) == before


def test_programmes_of_the_release_before_begin_a_catalogue(
    empty: Database, database_url: str
) -> None:
    """What 0044 adds."""
    migrations.upgrade(empty.engine, "0002")
    releases.load(empty, "0002")
    migrations.upgrade(empty.engine, "0043", keys=KEYS)
    before = everything(empty)
    migrations.upgrade(empty.engine, keys=KEYS)
    now = datetime.now(UTC)
    with empty.transaction() as session:
        programme = programmes.every(session)[0]
        categories.put(session, programme, CategoryTerms("goods", {}), now)
        price = Money("199.90", dated.tender(session, programme.id).currency or "RUB")
        milk = ProductTerms("MILK", category="goods", barcodes=("4006381333931",), price=price)
        putting.put(session, programme, ProductWish(milk), now)
        price_lists.put_floors(session, programme, [FloorWish(price, category="goods")], now)
        found = completing.known(session, programme.id, None, now, ["MILK"]).by_sku["MILK"]
        assert found.price == found.floor == 19990
    migrations.downgrade(empty.engine, "0043", keys=KEYS)
    assert everything(empty) == before


def test_programmes_of_the_release_before_begin_with_promotions(
    empty: Database, database_url: str
) -> None:
    """What 0045 adds."""
    migrations.upgrade(empty.engine, "0002")
    releases.load(empty, "0002")
    migrations.upgrade(empty.engine, "0044", keys=KEYS)
    before = everything(empty)
    migrations.upgrade(empty.engine, keys=KEYS)
    now = datetime.now(UTC)
    gives = [{"kind": "percent", "percent": "10"}]
    rules = PromotionRules.model_validate({"name": "Sale", "gives": gives})
    with empty.transaction() as session:
        programme = programmes.every(session)[0]
        made = published.make(session, programme.id, "sale", rules, now)
        published.publish(session, made, Publishing(), DecidedBy("command", "x"), now)
    with empty.reading() as session:
        milk = ReceiptLine("1", "MILK", price=Money("199.90", "RUB"))
        priced = quoting.quote(session, programme, TillReceipt([milk]), None, now)
        assert priced.quote.total == 17991
    migrations.downgrade(empty.engine, "0044", keys=KEYS)
    assert everything(empty) == before


def test_programmes_of_the_release_before_begin_with_receipts(
    empty: Database, database_url: str
) -> None:
    """What 0046 adds. On PostgreSQL a month that was opened is found again, and so is what came
    before it was."""
    migrations.upgrade(empty.engine, "0002")
    releases.load(empty, "0002")
    migrations.upgrade(empty.engine, "0045", keys=KEYS)
    before = everything(empty)
    migrations.upgrade(empty.engine, keys=KEYS)
    now = datetime.now(UTC)
    with empty.reading() as session:
        programme = programmes.every(session)[0]
    milk = ReceiptLine("1", "MILK", price=Money("199.90", "RUB"))

    def sell(name: str, at: datetime) -> None:
        receipt = TillReceipt([milk], at=at)
        with empty.transaction() as session:
            purchases.confirm(session, programme, receipt, Ticket(name, ""), Payer, now)

    sell("old", now - timedelta(days=365))
    for _ in range(2):
        with empty.transaction() as session:
            assert not months.open_ahead(session, now) or database_url.startswith("postgresql")
    sell("new", now)
    with empty.transaction() as session:
        for name in ("old", "new"):
            assert records.of_key(session, programme, name).quote.total == 19990
        member = session.scalars(select(Member).where(Member.programme_id == programme.id)).first()
        limits.hand_on(session, programme.id, member.id, member.id + 1)
        check_books(session)
    migrations.downgrade(empty.engine, "0045", keys=KEYS)
    assert everything(empty) == before


def test_files_of_the_release_before_stay_and_those_of_goods_go_a_release_back(
    empty: Database, database_url: str
) -> None:
    """What 0047 adds: files that come again, and what is gone between two."""
    migrations.upgrade(empty.engine, "0002")
    releases.load(empty, "0002")
    migrations.upgrade(empty.engine, "0046", keys=KEYS)
    before = everything(empty)
    migrations.upgrade(empty.engine, keys=KEYS)
    keys = KeyRing(("a-secret-key-of-tests-of-many-characters",))
    desk = Desk(empty, keys, "pass.sandbox.loyalty", StoppedClock(datetime.now(UTC)))
    with empty.reading() as session:
        code = programmes.every(session)[0].code
    for _ in range(2):  # one digest, two imports
        file = io.BytesIO(b"code\ncentre\n")
        import_ = importing.read(desk, file, store.ImportRequest(code, "stores"))
        importing.start(desk, import_.public_id, BY, skip_bad=False)
        while importing.advance(desk):
            pass
    assert importing.find(desk, import_.public_id).turn == 2
    migrations.downgrade(empty.engine, "0046", keys=KEYS)
    after = everything(empty)
    kept = {"ledger_store", "wallet_change"}
    assert {name: rows for name, rows in after.items() if name not in kept} == {
        name: rows for name, rows in before.items() if name not in kept
    }
    assert [row["code"] for row in after["ledger_store"]][-1] == "centre"
