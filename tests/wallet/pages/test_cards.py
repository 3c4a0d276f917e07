"""A card's page: what it shows, to whom, and how it follows the points."""

import re
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import googles
import pytest
import requests
from flask import Flask
from phones import opened
from sqlalchemy import text

from wallet.configuration import settings
from wallet.installation import Installation
from wallet.pages.ways import device
from wallet.passes import issued
from wallet.sandbox.google.resources import OFFER, OFFER_CLASS
from wallet.web.app import create_app

IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Mobile/15E148 Safari"
IPAD = "Mozilla/5.0 (iPad; CPU OS 12_5 like Mac OS X) Version/12.1.2 Mobile/15E148 Safari/604.1"
ANDROID = "Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 Chrome/140.0 Mobile Safari"
MAC = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) Version/18.0 Safari/605.1.15"


def said(answer) -> str:
    """The page's words without its markup."""
    return re.sub(r"[ \n]+", " ", re.sub(r"<[^>]+>", " ", answer.text))


@pytest.fixture
def grant(api, card):
    def granted(points: int) -> None:
        answer = api.post("accruals", {"card": card.number(), "points": points})
        assert answer.status_code == 201, answer.text

    return granted


class TestShown:
    def test_it_names_programme_member_and_number(self, card) -> None:
        page = card.get()
        assert page.status_code == 200
        assert "Кофейня «Копилка»" in page.text
        assert "Анна" in page.text
        assert re.search(r"\d{4}\u00a0\d{4}\u00a0\d{4}\u00a0\d{4}", page.text)

    @pytest.mark.parametrize(
        ("points", "russian", "english"),
        [
            (1, "1 балл", "1 point"),
            (2, "2 балла", "2 points"),
            (5, "5 баллов", "5 points"),
            (11, "11 баллов", "11 points"),
            (1021, "1\u00a0021 балл", "1,021 points"),
            (2**53 - 1, "9\u00a0007\u00a0199\u00a0254\u00a0740\u00a0991 балл", None),
        ],
    )
    def test_points_are_written_as_people_write_them(
        self, card, grant, points: int, russian: str, english: str | None
    ) -> None:
        grant(points)
        assert f" {russian} " in said(card.get("?lang=ru"))
        state = card.get("/state?lang=en").get_json()
        if english:
            assert f"{state['points']} {state['unit']}" == english

    def test_offers_stand_there_with_their_last_day(self, card, api, installation) -> None:
        until = (installation.clock() + timedelta(days=2)).replace(
            hour=21,
            minute=0,
            second=0,
            microsecond=0,  # midnight in Moscow
        )
        day = until.day  # the day that ends then
        api.post(
            "offers",
            {
                "programme": "demo",
                "title": "Круассан <b>",
                "text": "До полудня.\nВ любой кофейне.",
                "until": until.isoformat(),
            },
        )
        page = card.get("?lang=ru")
        assert "Круассан &lt;b&gt;" in page.text
        assert "В любой кофейне." in page.text
        assert re.search(rf"по {day} [а-я]+ \d{{4}}", page.text)
        assert re.search(rf"until the end of {day} \w+ \d{{4}}<", card.get("?lang=en").text)

    def test_an_offer_that_ends_within_a_day_says_at_what_hour(
        self, card, api, installation
    ) -> None:
        end = (installation.clock() + timedelta(days=2)).replace(
            hour=15,
            minute=0,
            second=0,
            microsecond=0,  # 18:00 in Moscow
        )
        body = {"programme": "demo", "title": "Круассан", "until": end.isoformat()}
        api.post("offers", body)
        assert re.search(rf"до {end.day} [^<]+, 18:00<", card.get("?lang=ru").text)
        assert re.search(rf"until {end.day} [^<]+, 18:00<", card.get("?lang=en").text)

    def test_without_offers_there_is_no_heading_for_them(self, card) -> None:
        section = re.search(r'<section class="offers"[^>]*>', card.get().text)[0]
        assert "hidden" in section

    def test_what_the_page_shows_is_what_the_pass_shows(self, house, card, grant, client) -> None:
        grant(75)
        house.run()
        serial = house.installation.keys.link_of(card.path.removeprefix("/card/")).serial
        with house.installation.database.reading() as session:
            pass_ = issued.by_serial(session, serial)
        shown = {value.key: value.value for value in issued.content(pass_).values}
        state = card.state()
        assert (state["version"], state["points"], state["name"]) == (2, "75", shown["name"])
        assert shown["points"] == 75
        assert card.number() == issued.content(pass_).barcode

    def test_nobody_may_keep_or_find_a_copy(self, card) -> None:
        for path in ("", "/state", "/apple.pkpass", "/nothing"):
            headers = card.get(path).headers
            assert headers["Cache-Control"] == "no-store", path
            assert headers["X-Robots-Tag"] == "noindex", path

    def test_it_works_without_javascript(self, card) -> None:
        # Who has just joined may be filling in a form.
        assert '<noscript><meta http-equiv="refresh"' not in card.get().text
        card.client.delete_cookie("joined", path=card.path)
        assert '<noscript><meta http-equiv="refresh"' in card.get().text


class TestNews:
    def test_nothing_new_costs_a_304(self, card, grant) -> None:
        first = card.get("/state")
        again = card.get("/state", headers={"If-None-Match": first.headers["ETag"]})
        assert (again.status_code, again.data) == (304, b"")
        grant(10)
        changed = card.get("/state", headers={"If-None-Match": first.headers["ETag"]})
        assert changed.status_code == 200
        assert changed.get_json()["points"] == "10"

    def test_the_page_starts_from_the_state_it_shows(self, card) -> None:
        page = card.get().text
        etag = re.search(r'data-etag="(\w+)"', page)[1]
        address = re.search(r'data-state="([^"]+)"', page)[1]
        answer = card.client.get(address, headers={"If-None-Match": f'"{etag}"'})
        assert answer.status_code == 304

    def test_it_speaks_the_pages_language_and_keeps_no_cookie(self, card) -> None:
        address = re.search(r'data-state="([^"]+)"', card.get("?lang=en").text)[1]
        card.client.delete_cookie("lang")
        answer = card.client.get(address, headers={"Accept-Language": "ru"})
        assert answer.get_json()["unit"] == "points"
        assert "Set-Cookie" not in answer.headers

    def test_an_open_page_changes_by_itself(self, app, card, grant, api, serve, browser) -> None:
        told = []

        def later(environ, start_response):
            """After the page is out, points come in and an offer begins."""
            if environ["PATH_INFO"].endswith("/state") and not told:
                told.append(True)
                grant(1250)
                api.post("offers", {"programme": "demo", "title": "Круассан <i>даром</i>"})
            return app(environ, start_response)

        page = browser.after(f"{serve(later)}{card.path}?lang=ru", seconds=9)
        assert re.search(
            r'data-shows="points"[^>]*>1\xa0250<|data-shows="points"[^>]*>1&nbsp;250<', page
        )
        assert re.search(r'data-shows="unit"[^>]*>баллов<', page)
        assert "Круассан &lt;i&gt;даром&lt;/i&gt;" in page
        section = re.search(r'<section class="offers"[^>]*>', page)[0]
        assert "hidden" not in section
        assert "polite" in section


class TestCode:
    def test_a_scanner_reads_the_number_from_the_page(
        self, app, card, serve, browser, scan
    ) -> None:
        picture = browser.draw(f"{serve(app)}{card.path}", width=320)
        assert card.number() in scan(picture)

    def test_a_desktop_shows_no_code_of_an_address_that_no_phone_can_reach(
        self, app, card, serve, browser, scan
    ) -> None:
        picture = browser.draw(f"{serve(app)}{card.path}", width=1280)
        assert scan(picture) == [card.number()]

    def test_it_is_drawn_in_the_page_itself(self, card) -> None:
        page = card.get(headers={"User-Agent": IPHONE}).text
        assert page.count("<svg") == 1
        assert 'fill="#fff"' in page
        assert 'stroke="#000"' in page


class TestCodeOfThePage:
    @pytest.fixture
    def environment(self, environment: dict[str, str]) -> dict[str, str]:
        return {**environment, "WALLET_PUBLIC_URL": "https://cards.example"}

    def test_on_a_desktop_a_second_code_leads_to_this_page(
        self, app, card, serve, browser, scan
    ) -> None:
        picture = browser.draw(f"{serve(app)}{card.path}", width=1280)
        assert sorted(scan(picture)) == sorted([card.number(), f"https://cards.example{card.path}"])


class TestWallets:
    def test_the_button_leads_to_the_bundle(self, card) -> None:
        link = re.search(r'<a class="button apple" href="([^"]+)"', card.get().text)[1]
        assert link == f"{card.path}/apple.pkpass"
        answer = card.client.get(link)
        assert answer.mimetype == "application/vnd.apple.pkpass"
        assert answer.headers["Content-Disposition"] == "attachment; filename=demo.pkpass"
        assert answer.data.startswith(b"PK")

    @pytest.mark.parametrize(
        ("agent", "kind"),
        [
            (IPHONE, "apple"),
            (IPAD, "apple"),
            (ANDROID, "android"),
            (MAC, "desktop"),
            ("", "desktop"),
        ],
    )
    def test_the_device_decides_what_the_page_is_like(self, card, agent: str, kind: str) -> None:
        assert device(agent) == kind
        page = card.get("?lang=en", headers={"User-Agent": agent}).text
        assert f'data-device="{kind}"' in page
        assert f'href="{card.path}/apple.pkpass"' in page
        # A phone cannot reach this address, so the page does not ask to be opened there.
        assert ("On this computer only" in page) == (kind == "desktop")
        assert "Open it on your phone" not in page
        assert ("Add to Home screen" in page) == (kind == "android")

    def test_the_sandbox_says_so_and_leads_to_the_virtual_phone(self, card, installation) -> None:
        page = card.get("?lang=ru")
        assert "Это песочница" in page.text
        assert "README" in page.text
        link = urlsplit(re.search(r'href="(http://[^"]+)"', page.text)[1].replace("&amp;", "&"))
        assert link.netloc == f"127.0.0.1:{installation.settings.sandbox.phone}"
        assert parse_qs(link.query) == {
            "card": [f"{installation.settings.public_url}{card.path}"],
            "lang": ["ru"],
        }


def shown(card) -> dict:
    """Where the only offer on the card's page leads."""
    (offer,) = card.get("/state?lang=en").get_json()["offers"]
    return {name: offer[name] for name in ("button", "url", "is_new")}


class TestCoupons:
    """An offer on the page can be kept as a pass of its own."""

    @pytest.fixture
    def offer(self, api) -> dict:
        return api.post("offers", {"programme": "demo", "title": "Круассан"}).get_json()

    @pytest.fixture
    def member_id(self, api, card) -> str:
        return api.get(f"members?card={card.number()}").get_json()["items"][0]["id"]

    def taken(self, card, api, offer, member_id) -> str:
        """The path of the coupon's own link."""
        given = api.post(f"offers/{offer['id']}/passes", {"member": member_id}).get_json()
        return re.search(r"/card/[^/]+", given["apple"])[0]

    def test_the_button_makes_the_coupon_that_integrations_give(
        self, card, api, offer, member_id
    ) -> None:
        address = f"{card.path}/offers/{offer['id']}"
        assert (line := shown(card)) == {"button": "Get the coupon", "url": address, "is_new": True}
        assert f'<form method="post" action="{line["url"]}">' in card.get().text
        assert 'role="img"' not in card.client.get(address).text
        for below in ("", "/apple.pkpass"):  # looking makes none
            looked = card.client.get(address + below, follow_redirects=True)
            assert looked.request.path == address and "Взять купон" in looked.text
        assert len(api.get(f"members/{member_id}/passes").get_json()["items"]) == 1
        for _ in range(2):  # people press twice
            assert card.client.post(address).location == address
        given = api.post(f"offers/{offer['id']}/passes", {"member": member_id}).get_json()
        assert len(api.get(f"members/{member_id}/passes").get_json()["items"]) == 2
        assert shown(card) == {"button": "Open the coupon", "url": address, "is_new": False}
        # Links that earlier releases gave out.
        opened_ = opened(card.client.get(f"{address}/apple.pkpass", follow_redirects=True).data)
        assert opened_["serialNumber"] == given["id"]
        assert opened_["coupon"]["primaryFields"][0]["value"] == "Круассан"

    def test_it_is_a_page_with_its_code_until_it_is_used(
        self, card, api, offer, member_id, app, serve, browser, scan
    ) -> None:
        own = self.taken(card, api, offer, member_id)
        of_card = f"{card.path}/offers/{offer['id']}"
        address = serve(app)
        for path in (own, of_card):
            (read,) = scan(browser.draw(address + path))
            assert api.post("scans", {"barcode": read}).get_json()["coupon"]["title"] == "Круассан"
        assert card.path not in card.client.get(own).text  # it opens the coupon alone
        assert f'href="{card.path}"' in card.client.get(of_card).text
        assert f'href="{own}/apple.pkpass"' in card.client.get(own).text
        serial = api.get(f"members/{member_id}/passes").get_json()["items"][1]["id"]
        assert api.post(f"passes/{serial}/use", {}).status_code == 201
        for path in (own, of_card):
            page = card.client.get(f"{path}?lang=en").text
            assert "You used this coupon on" in page
            assert 'role="img"' not in page and "pkpass" not in page
        assert shown(card) == {"button": "", "url": "", "is_new": False}
        assert "You have used it" in card.get("?lang=en").text
        assert card.get("/state?lang=ru").get_json()["offers"][0]["note"] == "Вы им воспользовались"

    def test_an_open_page_of_it_follows(
        self, app, card, api, offer, member_id, serve, browser
    ) -> None:
        own = self.taken(card, api, offer, member_id)
        asked = []

        def later(environ, start_response):
            if environ["PATH_INFO"] == own:
                asked.append(environ.get("HTTP_IF_NONE_MATCH"))
                if len(asked) == 3:
                    api.post(f"passes/{own[6:38]}/use", {})
            return app(environ, start_response)

        assert "You used this coupon" in browser.after(f"{serve(later)}{own}?lang=en", seconds=12)
        assert asked[1] and asked[1] == asked[2]  # the first time nothing was new

    def test_another_site_can_take_none(self, card, api, offer, member_id) -> None:
        headers = {"Sec-Fetch-Site": "cross-site"}
        address = f"{card.path}/offers/{offer['id']}"
        assert card.client.post(address, headers=headers).status_code == 403
        assert len(api.get(f"members/{member_id}/passes").get_json()["items"]) == 1

    def test_a_coupon_that_was_given_is_named_and_led_to(self, card, api, offer, member_id) -> None:
        assert "1 coupon" not in card.get("?lang=en").text
        api.post(f"offers/{offer['id']}/passes", {"member": member_id})
        page = card.get("?lang=en").text
        assert '<a href="#for-you">You have 1 coupon</a>' in page and 'id="for-you"' in page
        assert "show it at the till" in page
        assert "есть купон" in card.get("/state?lang=ru").get_json()["offers"][0]["note"]

    def test_a_void_coupon_is_not_offered(self, card, api, offer, member_id) -> None:
        given = api.post(f"offers/{offer['id']}/passes", {"member": member_id}).get_json()
        assert api.post(f"passes/{given['id']}/void", {}).status_code == 201
        assert shown(card)["url"] == ""
        page = card.get(f"/offers/{offer['id']}?lang=en").text
        assert "not valid any more" in page and 'role="img"' not in page

    @pytest.mark.parametrize("whose", ["withdrawn", "another's", "nobody's"])
    def test_an_offer_that_is_not_shown_leads_back_to_the_card(
        self, card, api, join, offer, whose: str
    ) -> None:
        if whose == "another's":
            body = {"programme": "demo", "title": "Торт", "member": join(name="Борис")["id"]}
            offer = api.post("offers", body).get_json()
        elif whose == "withdrawn":
            assert api.call("post", f"offers/{offer['id']}/withdraw").status_code == 200
        id_ = "nonsense" if whose == "nobody's" else offer["id"]
        address = f"{card.path}/offers/{id_}"
        looked = [card.client.get(address + below) for below in ("", "/apple.pkpass")]
        for answer in [*looked, card.client.post(address)]:
            assert (answer.status_code, answer.location) == (303, card.path)

    def test_without_a_cards_link_nobody_gets_anything(self, client, card, offer) -> None:
        wrong = card.path[:-1] + ("a" if card.path[-1] != "a" else "b")
        address = f"{wrong}/offers/{offer['id']}"
        assert client.get(f"{address}/apple.pkpass").status_code == 404
        assert client.get(address).status_code == client.post(address).status_code == 404

    def test_there_is_no_google_where_there_is_none(self, card, offer) -> None:
        assert card.get(f"/offers/{offer['id']}/google").status_code == 404

    def test_an_open_page_follows(self, app, card, api, offer, member_id, serve, browser) -> None:
        """Chromium draws the same as the server; what stays is not drawn anew, what is over loses
        its link."""
        told = []

        def later(environ, start_response):
            if environ["PATH_INFO"].endswith("/state") and not told:
                told.append(True)
                given = api.post(f"offers/{offer['id']}/passes", {"member": member_id})
                api.post(f"passes/{given.get_json()['id']}/use", {})
                api.post("offers", {"programme": "demo", "title": "Торт"})
            return app(environ, start_response)

        page = browser.after(f"{serve(later)}{card.path}?lang=en", seconds=9)
        (link,) = re.findall(r'action="([^"]+/offers/[^"]+)"><button[^>]*>Get the coupon<', page)
        assert offer["id"] not in link
        assert "You have used it" in page


class TestCouponsAtGoogle:
    @pytest.fixture
    def environment(self, environment: dict[str, str], google) -> dict[str, str]:
        return {**environment, **googles.environment_of(google)}

    @pytest.mark.parametrize(
        ("agent", "labels"),
        [
            (IPHONE, ["Add to Apple Wallet"]),
            (MAC, ["Add to Apple Wallet", "Add to Google Wallet"]),
            (ANDROID, ["Add to Google Wallet", "Download for a wallet app"]),
        ],
    )
    def test_the_device_decides_which_there_are(self, card, api, agent, labels) -> None:
        offer = api.post("offers", {"programme": "demo", "title": "Круассан"}).get_json()
        coupon = f"/offers/{offer['id']}"
        card.client.post(card.path + coupon)
        # One button on a phone, and both on a computer: for the card as for a coupon.
        for below in ("", coupon):
            page = card.get(f"{below}?lang=en", headers={"User-Agent": agent}).text
            ways = page[page.index('<section class="ways">') :].partition("</section>")[0]
            buttons = re.findall(r'class="button (\w+)" href="([^"]+)">([^<]+)<', ways)
            shown = labels if agent == MAC else labels[:1]
            assert [label for _, _, label in buttons] == shown
            assert re.findall(r'<p class="hint"><a href="[^"]+">([^<]+)<', ways) == [
                label for label in labels if label not in shown
            ]

    def test_google_knows_the_coupon_before_the_person_comes_there(
        self, house, card, api, google
    ) -> None:
        offer = api.post("offers", {"programme": "demo", "title": "Круассан"}).get_json()
        address = f"{card.path}/offers/{offer['id']}"
        assert card.client.get(f"{address}/google").location == address
        taken = card.client.post(address, headers={"User-Agent": ANDROID}, follow_redirects=True)
        link = re.search(r'class="button google" href="([^"]+)"', taken.text)[1]
        assert card.client.get(f"{address}/google").location == link
        to_google = card.client.get(link)
        saved = requests.get(to_google.location, timeout=5).json()
        (object_id,) = saved["objectIds"]
        body = google.stand_in.resources.get(OFFER, object_id)
        class_ = google.stand_in.resources.get(OFFER_CLASS, body["classId"])
        assert (class_["title"], body["state"]) == ("Круассан", "ACTIVE")
        assert body["classId"].endswith(offer["id"])


class TestStrangers:
    @pytest.mark.parametrize(
        "change", [lambda t: t[:-1] + "é", lambda t: t[:40], lambda t: "x" + t]
    )
    @pytest.mark.parametrize("below", ["", "/state", "/apple.pkpass"])
    def test_a_wrong_link_is_a_friendly_page(self, client, card, change, below: str) -> None:
        token = card.path.removeprefix("/card/")
        answer = client.get(f"/card/{change(token)}{below}")
        assert answer.status_code == 404
        assert answer.mimetype == "text/html"
        assert "Анна" not in answer.text

    @pytest.mark.parametrize("token", [".", "%00.x", "%ff", "a" * 3000, "🦊"])
    def test_no_link_breaks_it(self, client, token: str) -> None:
        assert client.get(f"/card/{token}").status_code == 404

    def test_a_certificate_that_ran_out_is_said_on_a_page(self, card, clock_now) -> None:
        clock_now.advance(days=1000)
        answer = card.get("/apple.pkpass?lang=ru")
        assert answer.status_code == 503
        assert answer.mimetype == "text/html"
        assert "Скоро вернёмся" in answer.text


@pytest.fixture
def production(installation: Installation, environment: dict[str, str]) -> Flask:
    """The same installation as it would be in production."""
    values = {
        **environment,
        "WALLET_MODE": "production",
        "WALLET_PUBLIC_URL": "https://cards.example",
        "WALLET_SECRET_KEY": "a-secret-of-production-of-many-characters",
        "WALLET_API_KEY": "a-key-of-production-of-many-characters",
        # pragma: allowlist nextline secret
        "WALLET_WEBHOOK_SECRET": "whsec_YS13ZWJob29rLXNlY3JldC1vZi1wcm9kdWN0aW9u",
    }
    serious = settings.from_env(values)
    fields = {name: getattr(installation, name) for name in Installation.__slots__}
    return create_app(Installation(**{**fields, "settings": serious}))


class TestProduction:
    def test_nothing_of_the_sandbox_is_shown(self, production, card) -> None:
        page = production.test_client().get(f"{card.path}?lang=en")
        assert page.status_code == 200
        assert "sandbox" not in page.text
        assert "127.0.0.1" not in page.text
        assert "Point the camera" in page.text
        assert "Secure" in page.headers["Set-Cookie"]

    @pytest.mark.parametrize(
        ("lang", "says"),
        [("en", "Loyalty cards for your phone"), ("ru", "Карты лояльности")],
    )
    def test_who_comes_without_a_link_is_told_where_to_go(self, production, lang, says) -> None:
        page = production.test_client().get(f"/?lang={lang}")
        assert page.status_code == 200
        assert says in page.text
        assert "/join/" not in page.text  # nobody said that the programme is for everybody
        assert 'href="/api/docs"' in page.text

    def test_programmes_that_are_listed_can_be_joined_from_there(self, production, wallet) -> None:
        assert wallet("programmes", "add", "secret", "Тайная").exit_code == 0
        assert wallet("programmes", "terms", "demo", "--listed").exit_code == 0
        page = production.test_client().get("/?lang=en").text
        assert re.findall(r'href="(/join/[^"]+)"><b>([^<]+)<', page) == [
            ("/join/demo", "Kopilka Coffee House")
        ]
        assert production.test_client().get("/join/demo").status_code == 200
        # Its reader's language, or else that of the only shop there.
        assert 'lang="ru"' in production.test_client().get("/").text
        wallet("programmes", "terms", "demo", "--unlisted")
        assert "/join/" not in production.test_client().get("/").text


def test_the_sandboxs_front_page_leads_everywhere(client, installation) -> None:
    page = client.get("/?lang=ru")
    phone = f"http://127.0.0.1:{installation.settings.sandbox.phone}/"
    for address in ("/join/demo", phone, "/api/docs"):
        assert f'href="{address}"' in page.text
    assert 'href="/api/openapi.json"' in client.get("/api/docs").text
    assert client.get("/api/openapi.json").status_code == 200


def test_who_has_just_joined_is_told_so_and_later_no_more(card, house) -> None:
    words = "Had a card with us before?"
    english = {"Accept-Language": "en"}
    assert words in card.get("?lang=en", headers=english).text
    house.clock.advance(days=2)
    assert words not in card.get("?lang=en", headers=english).text


def test_a_sandbox_without_the_demo_sends_nobody_there(client, installation) -> None:
    with installation.database.transaction() as session:
        session.execute(text("UPDATE ledger_programme SET code = 'first', listed = true"))
    page = client.get("/?lang=en").text
    assert "/join/demo" not in page
    assert 'href="/join/first"' in page
