"""The addresses that Google calls: callbacks, and the pictures of a design."""

import io
from datetime import timedelta

import pytest
from googles import faults
from PIL import Image
from sqlalchemy import func, select

from ledger.programmes import programmes
from ledger.programmes.programmes import Terms
from ledger.programmes.units import UnitTerms
from wallet.google.callbacks import Nonce
from wallet.google.mirror import GoogleObject
from wallet.passes import templates
from wallet.passes.templates import Template
from wallet.sandbox.google.callbacks import CardEvent
from wallet.sandbox.google.resources import CLASS, GIFT_CARD, OBJECT, OFFER, OFFER_CLASS


@pytest.fixture
def tell(client, member, google, installation):
    """Post what Google would; the answer's status."""

    path = member["links"]["google"].removeprefix("http://127.0.0.1:8080")
    assert client.get(path).status_code == 303

    def told(event: str, *odd: str, after: timedelta = timedelta()) -> int:
        envelope = sealed(event, *odd, after=after)
        return client.post("/google/callback", data=envelope).status_code

    def sealed(event: str, *odd: str, after: timedelta = timedelta()) -> bytes:
        with installation.database.reading() as session:
            object_id = session.scalars(select(GoogleObject.object_id)).one()
        happening = CardEvent(event, "", object_id)
        return google.stand_in.seal.envelope(
            happening, installation.clock() + after, frozenset(odd)
        )

    told.sealed = sealed
    return told


@pytest.fixture
def saved(installation):
    def is_saved() -> bool | None:
        with installation.database.reading() as session:
            return session.scalars(select(GoogleObject.saved)).one()

    return is_saved


class TestCallbacks:
    def test_saving_and_removing_is_noted(self, tell, saved) -> None:
        assert saved() is None
        assert (tell("save"), saved()) == (200, True)
        assert (tell("del", after=timedelta(seconds=1)), saved()) == (200, False)

    def test_a_message_is_heard_once(self, tell, saved, client) -> None:
        save = tell.sealed("save")
        assert client.post("/google/callback", data=save).status_code == 200
        assert (tell("del"), saved()) == (200, False)
        assert client.post("/google/callback", data=save).status_code == 200
        assert saved() is False

    def test_a_message_that_comes_late_changes_nothing(self, tell, saved, client) -> None:
        save, remove = tell.sealed("save"), tell.sealed("del", after=timedelta(seconds=5))
        for message in (remove, save):
            assert client.post("/google/callback", data=message).status_code == 200
        assert saved() is False

    def test_an_event_that_nobody_knows_is_heard_in_silence(self, tell, saved) -> None:
        assert (tell("shared"), saved()) == (200, None)

    def test_a_card_that_is_none_of_ours_is_heard_in_silence(
        self, client, google, clock_now
    ) -> None:
        for id_ in ("3388000000000000001.none", "a\x00b"):
            message = google.stand_in.seal.envelope(CardEvent("save", "", id_), clock_now())
            assert client.post("/google/callback", data=message).status_code == 200

    @pytest.mark.parametrize("odd", ["expired", "foreign_issuer", "bad_signature"])
    def test_what_is_not_googles_is_a_400_without_effect(self, tell, saved, odd: str) -> None:
        assert (tell("save", odd), saved()) == (400, None)

    @pytest.mark.parametrize("body", [b"", b"{}", b"\xff\xfe", b"[" * 9999, b"x" * 70_000])
    def test_garbage_is_refused(self, client, body: bytes) -> None:
        answer = client.post("/google/callback", data=body)
        assert answer.status_code in (400, 413)
        assert answer.get_json()["code"] in ("callback_refused", "body_too_large")

    def test_nonces_go_when_their_messages_have_expired(
        self, tell, google, installation, clock_now
    ) -> None:
        tell("save")
        clock_now.advance(hours=1)
        tell("del")
        with installation.database.reading() as session:
            assert session.scalar(select(func.count()).select_from(Nonce)) == 1


IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Mobile/15E148 Safari"
ANDROID = "Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 Chrome/140.0 Mobile Safari"
GOOGLES, APPLES = '/google"', '/apple.pkpass"'


class TestButtons:
    """On the card's page."""

    def page(self, client, member, agent: str) -> str:
        path = member["links"]["card"].removeprefix("http://127.0.0.1:8080")
        return client.get(f"{path}?lang=ru", headers={"User-Agent": agent}).text

    def test_android_is_led_to_google_first(self, client, member) -> None:
        page = self.page(client, member, ANDROID)
        assert page.index(GOOGLES) < page.index(APPLES)
        assert "Добавить в Google Wallet" in page

    def test_an_iphone_is_shown_apple_alone(self, client, member) -> None:
        page = self.page(client, member, IPHONE)
        assert (APPLES in page, GOOGLES in page) == (True, False)

    def test_everybody_else_is_led_to_apple_first(self, client, member) -> None:
        page = self.page(client, member, "")
        assert page.index(APPLES) < page.index(GOOGLES)


class TestWithoutGoogle:
    @pytest.fixture
    def environment(self, environment, tmp_path) -> dict[str, str]:
        return {**environment, "WALLET_GOOGLE_CREDENTIALS": str(tmp_path / "nothing.json")}

    def test_nothing_leads_there(self, client, member, house) -> None:
        assert member["links"]["google"] is None
        path = member["links"]["card"].removeprefix("http://127.0.0.1:8080")
        assert "Google" not in client.get(f"{path}?lang=en").text
        for answer in (client.get(f"{path}/google"), client.post("/google/callback", data=b"{}")):
            assert answer.status_code == 404
        house.run("google")


class TestPictures:
    @pytest.fixture
    def template_id(self, installation) -> int:
        with installation.database.reading() as session:
            return session.scalars(select(Template.id)).one()

    @pytest.mark.parametrize(("name", "size"), [("logo", (660, 660)), ("hero", (1032, 336))])
    def test_google_finds_them_in_its_sizes(self, client, template_id, name, size) -> None:
        answer = client.get(f"/google/designs/{template_id}/{name}.png")
        assert answer.mimetype == "image/png"
        assert "immutable" in answer.headers["Cache-Control"]
        with Image.open(io.BytesIO(answer.data)) as picture:
            assert (picture.size, picture.mode) == (size, "RGB")

    def test_pictures_of_ones_own_are_scaled(self, client, installation, clock_now) -> None:
        files = {}
        for name, size in (("icon.png", (30, 30)), ("strip.png", (375, 123))):
            file = io.BytesIO()
            Image.new("RGBA", size, (200, 30, 30, 255)).save(file, "PNG")
            files[name] = file.getvalue()
        with installation.database.transaction() as session:
            programme_id = session.scalars(select(Template.programme_id)).one()
            design = templates.standard("Копилка")
            template = templates.store(session, programme_id, design, files, clock_now())
            template_id = template.id
        for name, size in (("logo", (660, 660)), ("hero", (1032, 336))):
            answer = client.get(f"/google/designs/{template_id}/{name}.png")
            with Image.open(io.BytesIO(answer.data)) as picture:
                assert picture.size == size
                assert picture.getpixel((300, 150)) == (200, 30, 30)

    @pytest.mark.parametrize(
        "path", ["99999/logo.png", "1/icon.png", "99999999999999999999/logo.png"]
    )
    def test_what_is_not_there_is_not_found(self, client, path: str) -> None:
        assert client.get(f"/google/designs/{path}").status_code == 404


class TestStates:
    """What the API decides about a pass, as Google then has it."""

    @pytest.fixture
    def tell(self, api, client, member, house, google):
        path = member["links"]["google"].removeprefix("http://127.0.0.1:8080")
        assert client.get(path).status_code == 303
        (pass_,) = api.get(f"members/{member['id']}/passes").get_json()["items"]

        def told(what: str, body: dict | None = None) -> dict:
            assert api.post(f"passes/{pass_['id']}/{what}", body or {}).status_code == 201
            house.run("google")
            id_ = f"3388000000000000001.{pass_['id']}"
            return google.stand_in.resources.get(OBJECT, id_)

        return told

    def test_void_ended_and_good_again(self, tell, clock_now) -> None:
        assert tell("void")["state"] == "INACTIVE"
        assert tell("restore")["state"] == "ACTIVE"
        later = (clock_now() + timedelta(days=2)).isoformat()
        ending = tell("expire", {"at": later})
        assert (ending["state"], "end" in ending["validTimeInterval"]) == ("ACTIVE", True)
        assert tell("expire")["state"] == "EXPIRED"
        good = tell("restore")
        assert (good["state"], good.get("validTimeInterval")) == ("ACTIVE", None)


class TestCoupons:
    """An offer as Google has it: a class of its own, an object for each who has it."""

    @pytest.fixture
    def coupon(self, api, member) -> dict:
        body = {"programme": "demo", "title": "Латте −20 %", "text": "С собой"}
        offer = api.post("offers", body).get_json()
        answer = api.post(f"offers/{offer['id']}/passes", {"member": member["id"]})
        return answer.get_json()

    def test_it_is_saved_by_a_link_and_completed_when_used(
        self, api, client, house, google, coupon
    ) -> None:
        saved = client.get(coupon["google"].removeprefix("http://127.0.0.1:8080"))
        assert saved.status_code == 303
        (id_,) = google.stand_in.save(saved.location.rpartition("/")[2])
        card = google.stand_in.resources.card(id_)
        assert (card.class_["title"], card.class_["details"]) == ("Латте −20 %", "С собой")
        assert card.class_["id"] == f"3388000000000000001.{coupon['offer']}"
        assert faults("OfferClass", {**card.class_, "reviewStatus": "UNDER_REVIEW"}, "insert") == []
        assert (card.object_["state"], card.is_held) == ("ACTIVE", True)
        api.post(f"passes/{coupon['id']}/use", {})
        house.run("google")
        assert google.stand_in.resources.get(OFFER, id_)["state"] == "COMPLETED"

    def test_what_others_changed_is_put_right(
        self, client, house, google, coupon, clock_now
    ) -> None:
        client.get(coupon["google"].removeprefix("http://127.0.0.1:8080"))
        id_ = f"3388000000000000001.{coupon['id']}"
        google.stand_in.resources.patch(OFFER, id_, {"state": "EXPIRED"})
        clock_now.advance(days=1)
        house.run("google-check")
        house.run("google")
        assert google.stand_in.resources.get(OFFER, id_)["state"] == "ACTIVE"

    def test_the_card_beside_it_is_a_loyalty_card(self, client, member, google, coupon) -> None:
        for link in (member["links"]["google"], coupon["google"]):
            assert client.get(link.removeprefix("http://127.0.0.1:8080")).status_code == 303
        resources = google.stand_in.resources
        assert (
            len(resources.listed(OFFER_CLASS, "3388000000000000001", None, None)["resources"]) == 1
        )
        assert resources.get(CLASS, "3388000000000000001.demo")["programName"]


class TestGiftCards:
    def test_one_is_at_google_with_its_money(self, api, client, house, google, clock_now) -> None:
        with house.installation.database.transaction() as session:
            terms = Terms("gifts", "Подарки", unit=UnitTerms("money", "money", 2, "RUB"))
            programme = programmes.create(session, terms, clock_now())
            design = templates.gift_cards("Подарки")
            templates.store(session, programme.id, design, {}, clock_now())
        card = api.post("members", {"programme": "gifts"}).get_json()
        link = card["links"]["google"].removeprefix("http://127.0.0.1:8080")
        assert client.get(link).status_code == 303
        api.post("accruals", {"card": card["card"]["number"], "points": 150_050})
        house.run()
        house.run("google")
        (found,) = google.stand_in.resources.listed(
            GIFT_CARD, "3388000000000000001.gifts", None, None
        )["resources"]
        assert found["balance"] == {"micros": "1500500000", "currencyCode": "RUB"}
        assert found["cardNumber"] == card["card"]["number"]


class TestPosters:
    def test_a_poster_is_served_as_it_is(self, client, installation, clock_now) -> None:
        file = io.BytesIO()
        Image.new("RGB", (600, 400), "green").save(file, "PNG")
        with installation.database.transaction() as session:
            programme_id = session.scalars(select(Template.programme_id)).one()
            design = templates.standard("Копилка")
            pictures = {"poster.png": file.getvalue()}
            template = templates.store(session, programme_id, design, pictures, clock_now())
            path = f"/google/designs/{template.id}"
        with Image.open(io.BytesIO(client.get(f"{path}/poster.png").data)) as picture:
            assert (picture.size, picture.getpixel((9, 9))) == ((600, 400), (0, 128, 0))
        assert client.get("/google/designs/1/poster.png").status_code == 404
