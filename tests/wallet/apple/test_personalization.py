"""A card that asks its owner, once, who they are: Apple's reward enrolment."""

import io
import json
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import chains
import cms
import pytest
from fullcards import KEY
from phones import Phone, opened
from PIL import Image
from sqlalchemy import func, select

from ledger.people.members import Member
from ledger.people.persons import Person
from ledger.programmes import programmes
from wallet.apple import bundle
from wallet.delivery import waves
from wallet.errors import DesignRefused, ImageRefused, NfcRefused
from wallet.passes import designs, templates
from wallet.passes.content import Design
from wallet.passes.issued import Pass
from wallet.passes.parts import Enrolment, NearField
from wallet.passes.templates import Template

PASS_TYPE = "pass.sandbox.loyalty"  # noqa: S105 - a public name
SENT = "t0k3n"
ASKING = replace(
    templates.standard("Копилка"),
    nfc=NearField("{card}", KEY),
    enrolment=Enrolment(
        ("name", "email", "phone"),
        {"ru": "Станьте участником", "en": "Join us"},
        {"ru": '<a href="https://shop.example/terms">Условия</a>'},
    ),
)
ANSWER = {
    "fullName": "Анна Каренина",
    "givenName": "Анна",
    "familyName": "Каренина",
    "emailAddress": "Anna@Example.com",
    "phoneNumber": "+7 999 123-45-67",
    "ISOCountryCode": "RU",
}


def logo() -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (300, 80), "white").save(file, "PNG")
    return file.getvalue()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Certificates as Apple gives them to whoever may use NFC."""
    folder = tmp_path / "nfc"
    return chains.lay(folder, chains.leaf(PASS_TYPE, "SANDBOX000", nfc=True))


@pytest.fixture
def environment(environment: dict[str, str], root: Path) -> dict[str, str]:
    return {**environment, "WALLET_APPLE_CERTS": str(root)}


@pytest.fixture
def asking(installation, clock_now) -> Design:
    """The demo programme with a design that asks."""
    with installation.database.transaction() as session:
        programme_id = session.scalars(select(Template.programme_id)).one()
        pictures = {"enrolment@2x.png": logo()}
        templates.store(session, programme_id, ASKING, pictures, clock_now())
    return ASKING


@pytest.fixture
def phone(asking, client, join) -> Phone:
    return Phone.with_card(client, join())


def answered(phone: Phone, token: str = SENT, **options: Any) -> Any:
    body = options.pop("body", None) or {
        "personalizationToken": token,
        "requiredPersonalizationInfo": options.pop("info", ANSWER),
    }
    path = f"/apple/v1/passes/{PASS_TYPE}/{phone.serial}/personalize"
    return phone.client.post(path, json=body, **options)


def names(data: bytes) -> set[str]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return set(archive.namelist())


def test_a_programme_that_keeps_nothing_asks_nobody(
    phone, client, join, house, installation
) -> None:
    with installation.database.transaction() as session:
        demo = programmes.by_code(session, "demo")
        programmes.change_terms(session, demo, None, None, keeps_personal=False)
    # A card that asked before, and has not been told yet.
    assert answered(phone).get_json()["code"] == "personal_data_not_kept"
    with installation.database.transaction() as session:
        waves.start(session, 1, house.clock())
    house.run()
    assert "personalization.json" not in names(phone.fetch().data)
    assert answered(phone).status_code == 404
    fresh = Phone.with_card(client, join())
    assert "personalization.json" not in names(fresh.fetch().data)
    with installation.database.reading() as session:
        assert session.scalar(select(func.count()).where(Person.name.is_not(None))) == 0


def test_a_card_of_nobody_asks_and_one_of_somebody_does_not(asking, client, join) -> None:
    sheet = {"personalization.json", "personalizationLogo@2x.png"}
    for member, asks in ((join(), True), (join(name="Анна"), False)):
        data = client.get(member["links"]["apple"].removeprefix("http://127.0.0.1:8080")).data
        assert (sheet <= names(data)) is asks
        assert "enrolment@2x.png" not in names(data)
        assert opened(data)["nfc"]["message"] == member["card"]["number"]
    with zipfile.ZipFile(io.BytesIO(Phone.with_card(client, join()).fetch().data)) as archive:
        asked = json.loads(archive.read("personalization.json"))
        manifest = json.loads(archive.read("manifest.json"))
    assert asked["requiredPersonalizationFields"] == [
        "PKPassPersonalizationFieldName",
        "PKPassPersonalizationFieldEmailAddress",
        "PKPassPersonalizationFieldPhoneNumber",
    ]
    assert asked["description"] == "Станьте участником"
    assert asked["termsAndConditions"].startswith("<a href=")
    assert sheet <= set(manifest)


def test_the_answer_is_signed_kept_and_on_the_card(
    phone, api, installation, tmp_path: Path
) -> None:
    first = phone.fetch()
    answer = answered(phone)
    assert (answer.status_code, answer.mimetype) == (200, "application/octet-stream")
    root = chains.root_file(tmp_path)
    assert cms.verifies(answer.data, SENT.encode(), root, tmp_path)
    assert not cms.verifies(answer.data, b"another", root, tmp_path)
    # The very next thing a phone does is to ask for the card.
    card = phone.fetch(first.headers["Last-Modified"])
    assert card.status_code == 200
    assert "personalization.json" not in names(card.data)
    values = {
        field["key"]: field["value"] for field in opened(card.data)["storeCard"]["secondaryFields"]
    }
    assert values["name"] == "Анна Каренина"
    found = api.get("members?phone=%2B79991234567").get_json()["items"][0]
    assert (found["name"], found["email"]) == ("Анна Каренина", "anna@example.com")
    (consent,) = found["consents"]
    assert (consent["purpose"], consent["source"]) == ("personal_data", "pass")


def test_the_same_answer_twice_is_signed_again_and_has_one_effect(phone, installation) -> None:
    assert answered(phone).status_code == 200
    version = opened_version(installation)
    assert answered(phone).status_code == 200
    assert opened_version(installation) == version
    # Whoever learns the serial number later changes nothing.
    other = answered(phone, "another", info={**ANSWER, "fullName": "Борис"})
    assert (other.status_code, other.get_json()["code"]) == (404, "not_found")
    with installation.database.reading() as session:
        assert session.scalar(select(func.count()).select_from(Member)) == 1
        assert session.scalars(select(Person.name)).one() == "Анна Каренина"


def opened_version(installation) -> int:
    with installation.database.reading() as session:
        return session.scalars(select(Pass.version)).one()


def test_a_pass_that_does_not_ask_and_one_that_is_none_answer_alike(asking, client, join) -> None:
    known = Phone.with_card(client, join(name="Анна"))
    stranger = replace(known, pass_json={**known.pass_json, "serialNumber": "0" * 32})
    told = [answered(one) for one in (known, stranger)]
    assert [one.status_code for one in told] == [404, 404]
    assert told[0].data == told[1].data


def test_a_token_that_is_sent_must_be_the_passes(phone) -> None:
    assert answered(phone, headers={"Authorization": "ApplePass wrong"}).status_code == 401
    assert answered(phone, headers=phone.authorization).status_code == 200


@pytest.mark.parametrize(
    ("info", "field"),
    [
        ({**ANSWER, "phoneNumber": "many"}, "phoneNumber"),
        ({**ANSWER, "emailAddress": 5}, "emailAddress"),
        ({**ANSWER, "fullName": "x" * 301}, "fullName"),
        ({}, "fullName"),
    ],
)
def test_an_answer_that_is_none_is_refused_and_may_be_given_again(
    phone, info: dict[str, Any], field: str
) -> None:
    refused = answered(phone, info=info)
    assert (refused.status_code, refused.get_json()["field"]) == (422, field)
    assert "many" not in refused.text
    assert answered(phone).status_code == 200


@pytest.mark.parametrize(
    "body",
    [
        {"requiredPersonalizationInfo": ANSWER},
        {"personalizationToken": "x" * 2001, "requiredPersonalizationInfo": ANSWER},
        {"personalizationToken": "t", "requiredPersonalizationInfo": []},
    ],
)
def test_a_body_without_what_belongs_into_it_is_refused(phone, body: dict) -> None:
    assert answered(phone, body=body).status_code == 400


def test_a_number_that_another_has_says_nothing_of_them(phone, join, installation) -> None:
    join(name="Борис", phone="+79991234567")
    assert answered(phone).status_code == 200
    with installation.database.reading() as session:
        shared = session.scalars(select(Person.phone_shared).order_by(Person.member_id)).all()
    assert sorted(shared) == [False, True]


def test_an_erased_card_asks_nobody(phone, api, installation) -> None:
    with installation.database.reading() as session:
        member = session.scalars(select(Member.public_id)).one()
    api.call("delete", f"members/{member}")
    assert answered(phone).status_code == 404
    assert "personalization.json" not in names(phone.fetch().data)


def test_a_blocked_card_asks_nobody_until_its_owner_comes(phone, api, installation) -> None:
    with installation.database.reading() as session:
        member = session.scalars(select(Member.public_id)).one()
    api.call("post", f"members/{member}/block")
    assert answered(phone).status_code == 404
    known = api.get(f"members/{member}").get_json()
    assert (known["name"], known["phone"], known["consents"]) == (None, None, [])
    api.call("post", f"members/{member}/unblock")
    assert answered(phone).status_code == 200
    assert api.get(f"members/{member}").get_json()["name"] == "Анна Каренина"


class TestDesigns:
    def test_one_that_asks_needs_nfc(self, tmp_path: Path) -> None:
        with pytest.raises(DesignRefused, match="enrolment"):
            designs.check(replace(ASKING, nfc=None))
        with pytest.raises(NfcRefused):
            bundle.check(ASKING, chains.signer(tmp_path / "plain"))

    @pytest.mark.parametrize("asks", [(), ("name", "name"), ("birthday",)])
    def test_it_asks_for_what_phones_can_tell(self, asks: Any) -> None:
        asking = replace(ASKING, enrolment=Enrolment(asks, {"ru": "Станьте"}))
        with pytest.raises(DesignRefused) as caught:
            designs.check(asking)
        assert caught.value.field == "enrolment.asks"

    def test_it_needs_its_logo(self, installation, clock_now) -> None:
        with installation.database.transaction() as session, pytest.raises(ImageRefused):
            programme_id = session.scalars(select(Template.programme_id)).one()
            templates.store(session, programme_id, ASKING, {}, clock_now())
