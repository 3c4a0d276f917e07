"""How far a message would come is how far it comes: what is said before is compared with what
campaigns do; and what a few members would see with what their phones show."""

import itertools
from datetime import timedelta
from pathlib import Path

import googles
import pytest
import requests
from cryptography import x509
from phones import Phone
from sqlalchemy import select, update

from ledger.people import consents, members
from ledger.people.cards import Card
from ledger.people.consents import Decision
from ledger.people.members import Member
from ledger.programmes import programmes
from wallet.google import alerts
from wallet.google.mirror import GoogleObject
from wallet.google.reading import spoken
from wallet.outreach import campaigns, previews, reach, results
from wallet.outreach.campaigns import CampaignDraft
from wallet.outreach.gifts import MessageGift
from wallet.passes import issued
from wallet.sandbox import passbook
from wallet.sandbox.apns import RunningApns
from wallet.sandbox.google.resources import OBJECT

TEXTS = {"ru": "{{name|Друг}}, латте! У вас {{points}}.", "en": "{{name|Friend}}, a latte!"}
ANSWERS = ("agreed", "refused", "never", "page", "unconfirmed")
PLACES = ("apple", "google", "both", "nowhere")


@pytest.fixture
def environment(environment: dict[str, str], pushes: RunningApns, google) -> dict[str, str]:
    return {**environment, "WALLET_APNS_URL": pushes.url, **googles.environment_of(google)}


@pytest.fixture
def crowd(join, client, house) -> list[dict]:
    """Of every answer in every place one member; two more whose card is blocked."""
    people = []
    for number, (answer, place) in enumerate(itertools.product(ANSWERS, PLACES)):
        one = join(name=f"{answer} {place}")
        people.append(one)
        if place in ("apple", "both"):
            phone = Phone.with_card(client, one, f"{number:032x}")
            assert phone.register(f"{number:064x}").status_code == 201
        with house.installation.database.transaction() as session:
            member = members.by_public_id(session, one["id"])
            now = house.clock()
            if answer in ("agreed", "refused"):
                given = [Decision("marketing", given=True)]
                consents.record(session, member, given, "api", now - timedelta(days=2))
            if answer == "refused":
                consents.record(session, member, [Decision("marketing", given=False)], "api", now)
            if answer == "page":
                stored = [Decision("personal_data", given=True)]
                consents.record(session, member, stored, "page", now)
            member.unconfirmed = answer == "unconfirmed"
            if place in ("google", "both"):
                at_google(session, member, number, now)
    with house.installation.database.transaction() as session:
        blocked = members.by_public_id(session, people[0]["id"])
        session.execute(
            update(Card).where(Card.member_id == blocked.id).values(blocked_for="blocked")
        )
    return people


def at_google(session, member: Member, number: int, now) -> None:
    session.add(
        GoogleObject(
            pass_id=issued.card_of(session, member.id).id,
            object_id=f"issuer.{number}",
            saved=True,
            heard_at=now,
            check_at=now + timedelta(days=1),
            created_at=now,
        )
    )


@pytest.mark.parametrize("consent", ["given", "not_refused", "any"])
def test_it_is_what_a_campaign_does(crowd, house, consent) -> None:
    purpose = "service" if consent == "any" else "advertising"
    draft = CampaignDraft("x", TEXTS, quiet=None, consent=consent, purpose=purpose)
    now, database = house.clock(), house.installation.database
    with database.transaction() as session:
        programme = programmes.by_code(session, "demo")
        found = reach.of(session, programme, draft, now)
        shown = reach.some(session, programme, draft, 3, now)
        campaign = campaigns.create(session, programme, draft, now)
        campaigns.start(session, campaign.public_id, None, now)
        id_ = campaign.public_id
    house.run("messages")
    with database.reading() as session:
        campaign = campaigns.by_public_id(session, id_)
        told = results.funnel(session, campaign, house.clock())
        ids = {
            one.delivery.member_id
            for one in results.of_outcome(session, campaign, "told", 0, 100, house.clock())
        }
    assert (found.meant, found.told) == (told["audience"], told["told"])
    assert found.no_consent == told["no_consent"]
    assert found.no_card == told["no_card"] + told["gone"]
    assert found.apple == sum(told["apple"].values())
    assert found.google == sum(told["google"].values())
    assert found.told > 0
    assert {one.id for one in shown} <= ids
    assert len(shown) == min(3, found.told)
    assert found.never_asked == {"given": 4, "not_refused": 0, "any": 0}[consent]


def test_who_got_enough_and_whom_google_alerts_no_more(crowd, house) -> None:
    draft = CampaignDraft("x", TEXTS, quiet=None, cap=(1, 7))
    now, database = house.clock(), house.installation.database
    with database.transaction() as session:
        programme = programmes.by_code(session, "demo")
        first = campaigns.create(session, programme, CampaignDraft("y", TEXTS, quiet=None), now)
        campaigns.start(session, first.public_id, None, now)
        card = issued.card_of(
            session,
            members.by_public_id(session, crowd[1]["id"]).id,  # at Google alone
        )
        for version in range(10, 13):
            alerts.take(session, card.id, version, now)
        before = reach.of(session, programme, draft, now)
    house.run("messages")
    with database.reading() as session:
        after = reach.of(session, programmes.by_code(session, "demo"), draft, now)
    assert (before.capped, before.silent) == (0, 1)
    assert (after.capped, after.told) == (before.told, 0)


@pytest.mark.parametrize("language", ["ru", "en"])
def test_what_is_shown_before_is_what_the_phones_show(
    client, join, house, google, chain: Path, language
) -> None:
    anna = join(name="Анна", locale=language)
    phone = Phone.with_card(client, anna)
    assert phone.register("a" * 64).status_code == 201
    answer = client.get(anna["links"]["google"].removeprefix("http://127.0.0.1:8080"))
    object_id = requests.get(answer.location, timeout=5).json()["objectIds"][0]
    root = x509.load_pem_x509_certificate((chain / "root.pem").read_bytes())
    now, database = house.clock(), house.installation.database
    before = passbook.open_pass(phone.fetch().data, root, now)
    draft = CampaignDraft(
        "x", TEXTS, quiet=None, consent="any", purpose="service", gift=MessageGift(50)
    )
    with database.transaction() as session:
        for known in session.scalars(select(GoogleObject)):
            known.saved, known.heard_at = True, now
        programme = programmes.by_code(session, "demo")
        member = members.by_public_id(session, anna["id"])
        (seen,) = previews.of(session, programme, draft, [member], now)
        campaign = campaigns.create(session, programme, draft, now)
        campaigns.start(session, campaign.public_id, None, now)
    house.run("messages", "relay", "apple", "google")
    after = passbook.open_pass(phone.fetch().data, root, house.clock())
    assert seen.lock_screen is not None
    assert seen.lock_screen.text == passbook.lock_screen(before, after, language)
    field = next(one for one in after.fields if one.key == "news")
    assert seen.card == previews.SeenNotice(after.label(field, language), str(field.value))
    written = google.stand_in.resources.get(OBJECT, object_id)["messages"][0]
    assert seen.google is not None
    assert seen.google.text == written["body"]
    assert seen.google.heading == spoken(written["localizedHeader"], language)
