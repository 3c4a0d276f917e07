"""A language that our own words are not in: what people write in it reaches both wallets; where our
words stand beside it, they are in the first of the programme's languages that we do have."""

import io
import zipfile
from collections.abc import Iterator
from dataclasses import replace

import googles
import pytest
import requests
from phones import Phone, opened, values
from sqlalchemy import select

from ledger.people import members, persons
from ledger.programmes import programmes
from wallet.google.mirror import GoogleObject
from wallet.passes import templates
from wallet.sandbox import apns
from wallet.sandbox.apns import RunningApns
from wallet.sandbox.google.resources import CLASS, OBJECT

PUMPS = ("upkeep", "relay", "waves", "messages", "apple", "google")
TEXTS = {
    "kk": "{{name|Досым}}, бүгін латте жарты бағасына! Сізде {{points}} ұпай.",
    "ru": "{{name|Друг}}, сегодня латте за полцены!",
}
AT_HOME = "http://127.0.0.1:8080"


@pytest.fixture
def pushes(chain) -> Iterator[RunningApns]:
    with apns.running(chain / "server.pem", chain / "server.key", chain / "root.pem") as stand_in:
        yield stand_in


@pytest.fixture
def google(tmp_path):
    with googles.stood_in(tmp_path / "google") as running:
        yield running


@pytest.fixture
def environment(environment: dict[str, str], pushes: RunningApns, google) -> dict[str, str]:
    return {**environment, "WALLET_APNS_URL": pushes.url, **googles.environment_of(google)}


@pytest.fixture(autouse=True)
def kazakh(house) -> Iterator[None]:
    """The demo programme speaks Kazakh and Russian, and so do its cards."""
    with house.installation.database.transaction() as session:
        demo = programmes.by_code(session, "demo")
        programmes.change_terms(session, demo, None, None, ("kk", "ru"))
        programmes.say(session, demo.id, "name", "kk", "«Копилка» кофеханасы", house.clock())
        design = templates.design(templates.current(session, demo.id))
        labels = {"points": "Ұпайлар", "offer": "Ұсыныс", "news": "Хабарлама"}
        fields = tuple(
            replace(
                field,
                label={"ru": field.label["ru"], "kk": labels.get(field.key, field.label["ru"])},
                change_message={"ru": "%@", "kk": "%@"} if field.change_message else None,
            )
            for field in design.fields
        )
        description = {"ru": "Карта лояльности", "kk": "Адалдық картасы"}
        kazakh = replace(design, languages=("ru", "kk"), description=description, fields=fields)
        templates.store(session, demo.id, kazakh, {}, house.clock())
    yield
    house.installation.google.close()


@pytest.fixture
def member(join) -> dict:
    return join(name="Айгүл", locale="kk")


def test_what_people_write_reaches_the_iphone_and_google(
    api, client, member, house, google
) -> None:
    phone = Phone.with_card(client, member)
    assert phone.register("a" * 64).status_code == 201
    saved = client.get(member["links"]["google"].removeprefix(AT_HOME))
    (object_id,) = requests.get(saved.location, timeout=5).json()["objectIds"]
    with house.installation.database.transaction() as session:
        for known in session.scalars(select(GoogleObject)):
            known.saved, known.heard_at = True, house.clock()
    api.post("accruals", {"member": member["id"], "points": 1250})
    draft = {"programme": "demo", "name": "Латте", "texts": TEXTS, "purpose": "service"}
    campaign = api.post("campaigns", draft).get_json()
    assert campaign["texts"] == TEXTS
    assert api.post(f"campaigns/{campaign['id']}/start", {}).status_code == 200
    house.run(*PUMPS)

    text = "Айгүл, бүгін латте жарты бағасына! Сізде 1\u00a0250 ұпай."
    bundle = phone.fetch().data
    assert values(opened(bundle))["news"] == text
    with zipfile.ZipFile(io.BytesIO(bundle)) as archive:
        assert {"ru.lproj/pass.strings", "kk.lproj/pass.strings"} <= set(archive.namelist())
        words = archive.read("kk.lproj/pass.strings").decode("utf-16")
    assert '"Баллы" = "Ұпайлар";' in words
    assert '"Карта лояльности" = "Адалдық картасы";' in words

    written = google.stand_in.resources.get(OBJECT, object_id)
    label = written["loyaltyPoints"]["localizedLabel"]
    assert label["defaultValue"] == {"language": "ru", "value": "Баллы"}
    assert label["translatedValues"] == [{"language": "kk", "value": "Ұпайлар"}]
    class_ = google.stand_in.resources.get(CLASS, written["classId"])
    assert class_["localizedProgramName"]["translatedValues"] == [
        {"language": "kk", "value": "Адалдық картасы"}
    ]
    assert [one["body"] for one in written["messages"]] == [text]


def test_a_built_in_message_is_told_in_it(api, client, member, house) -> None:
    phone = Phone.with_card(client, member)
    phone.register("a" * 64)
    texts = {"kk": "Сізге {{accrued}} ұпай қосылды.", "ru": "Начислено: {{accrued}}."}
    answer = api.call("PUT", "programmes/demo/messages/accrued", {"on": True, "texts": texts})
    assert answer.get_json()["texts"] == texts
    api.post("accruals", {"member": member["id"], "points": 5})
    house.run(*PUMPS)
    assert values(opened(phone.fetch().data))["news"] == "Сізге 5 ұпай қосылды."


def test_ours_come_with_the_languages_that_we_have(api) -> None:
    (accrued, *_) = api.get("programmes/demo/messages").get_json()["items"]
    assert list(accrued["texts"]) == ["ru"]


def test_our_words_beside_theirs_are_in_the_programmes_next_language(
    api, client, member, house
) -> None:
    phone = Phone.with_card(client, member)
    offer = {"programme": "demo", "title": "Бәліш", "until": "2099-01-01T12:00:00+03:00"}
    api.post("offers", offer)
    house.run(*PUMPS)
    assert values(opened(phone.fetch().data))["offers"] == "Бәліш\nдо 1 января 2099\u202fг., 12:00"
    page = client.get(member["links"]["card"].removeprefix(AT_HOME))
    assert '<html lang="ru">' in page.text
    assert "Бәліш" in page.text


def test_texts_in_a_language_that_the_programme_does_not_speak_are_refused(api) -> None:
    draft = {"programme": "demo", "name": "Latte", "texts": {"de": "Latte!"}}
    refused = api.call("POST", "campaigns", draft, **{"Accept-Language": "ru"}).get_json()
    assert refused["code"] == "language_not_spoken"
    assert "Она пишет на казахском, русском." in refused["detail"]
    empty = api.post("campaigns", {**draft, "texts": {"ru": None}}).get_json()
    assert empty["code"] == "text_missing"
    odd = api.post("campaigns", {**draft, "texts": {"de_AT": "Latte!"}}).get_json()
    assert odd["code"] == "invalid_request"


def test_whoever_joins_is_written_to_as_their_browser_speaks(client, house) -> None:
    asked = {"Accept-Language": "kk-KZ,kk;q=0.9,ru;q=0.8"}
    form = client.get("/join/demo", headers=asked).text
    assert '<html lang="ru">' in form
    token = form.split('name="form_token" value="')[1].split('"')[0]
    filled = {"form_token": token, "name": "Айгүл", "phone": "+77011234567", "consent": "yes"}
    assert client.post("/join/demo", data=filled, headers=asked).status_code == 303
    with house.installation.database.reading() as session:
        profiles = [
            persons.profile_of(session, one.id) for one in session.scalars(select(members.Member))
        ]
    assert [one.locale for one in profiles if one.name == "Айгүл"] == ["kk"]
