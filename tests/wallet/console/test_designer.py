"""The designer: a draft, its preview, its pictures, and what is refused in its own words."""

import io
import re
from dataclasses import replace
from urllib.parse import urlsplit

import pytest
from design_form import Typed, picture, typed
from PIL import Image
from sqlalchemy import select, update
from visitors import HOME, Visitor, signed_in

from ledger.programmes.programmes import Programme
from wallet.delivery import waves
from wallet.passes import barcode_settings, drafts, templates
from wallet.passes.issued import Pass

CARDS = f"{HOME}cards"
CARD, COUPON = f"{CARDS}/card", f"{CARDS}/offer"
BROWN = "#3b2417"
EXTRA = [f"more-{number}" for number in range(10)]
A_TEXT = {"shows": "text", "slot": "back", "label-ru": "Ещё", "text-ru": "Текст"}


@pytest.fixture
def boris(app, installation) -> Visitor:
    """A second marketer, at another computer."""
    return signed_in(app.test_client(), installation, "marketer", email="boris@example.com")


def saved(visitor: Visitor, path: str = CARD, **entries: object) -> Typed:
    """Change these entries of the form and save the draft."""
    sent = {**typed(visitor.read(path)), **entries}
    answer = visitor.post(path, **sent)
    assert answer.status_code == 303, answer.text
    return sent


def put(visitor: Visitor, kind: str, data: bytes, name: str = "shop.png", **entries: str):
    """Send a picture as the page does."""
    sent = typed(visitor.read(CARD))
    given = {"csrf_token": sent["csrf_token"], "opened": sent["opened"], **entries}
    headers = {"Accept-Language": "en", "HX-Request": "true"}
    return visitor.client.post(
        f"{CARD}/pictures/{kind}",
        data={**given, "picture": (io.BytesIO(data), name)},
        headers=headers,
    )


def shown_versions(installation) -> list[tuple[int, int]]:
    with installation.database.reading() as session:
        return [
            (one.version, one.template_id)
            for one in session.scalars(select(Pass).order_by(Pass.id))
        ]


class TestDraft:
    def test_a_draft_touches_no_card(self, marketer, anna, installation) -> None:
        before = shown_versions(installation)
        sent = saved(marketer, background=BROWN)
        assert typed(marketer.read(CARD))["background"] == BROWN
        assert sent["opened"] != typed(marketer.read(CARD))["opened"]
        assert shown_versions(installation) == before
        with installation.database.reading() as session:
            assert waves.of_designs(session, 1) is None
            assert templates.number_of_revisions(session, 1, "card") == 1
        assert "draft" in marketer.read(CARDS)

    def test_a_design_that_was_only_looked_at_is_the_same(
        self, marketer, installation, anna
    ) -> None:
        """With all that the form has no fields for."""
        with installation.database.transaction() as session:
            template = templates.current(session, 1)
            known = templates.design(template)
            rich = templates.design_from(
                {
                    **template.design,
                    "beacons": [{"uuid": "6ba7b810-9dad-11d1-80b4-00c04fd430c8", "major": 7}],
                    "links": [
                        {"key": "site", "url": "https://shop.example", "label": {"ru": "Сайт"}}
                    ],
                    "locations": [{"latitude": 55.7522, "longitude": -37.5, "altitude": 150.0}],
                    "user_info": {"shop": 7},
                    "expires": "2030-01-01T00:00:00+03:00",
                }
            )
            first = replace(rich.fields[0], number="spelled")
            about = replace(
                rich.fields[-1],
                key="about",
                shows="text",
                text={"ru": "Сайт: мы\nи вы"},
                linked={"ru": '<a href="https://shop.example">мы</a>'},
                detectors=("link",),
            )
            rich = replace(rich, fields=(first, *rich.fields[1:], about))
            assert rich != known
            templates.store(session, 1, rich, {}, installation.clock())
        saved(marketer)
        with installation.database.reading() as session:
            assert drafts.design(drafts.find(session, 1, "card")) == rich
        assert "Nothing has changed" in marketer.read(f"{CARD}/publish")

    def test_who_is_slower_is_told_and_loses_nothing(self, marketer, boris, anna) -> None:
        mine = {**typed(marketer.read(CARD)), "organization-en": "My bakery"}
        saved(boris, background=BROWN)
        answer = marketer.post(CARD, **mine)
        assert answer.status_code == 422
        assert "boris@example.com saved this draft meanwhile" in answer.text
        assert "My bakery" in answer.text and BROWN not in typed(answer.text).values()
        again = marketer.post(CARD, **typed(answer.text))
        assert again.status_code == 303
        assert typed(boris.read(CARD))["organization-en"] == "My bakery"

    def test_who_may_only_look_has_no_buttons(self, client, installation, anna) -> None:
        viewer = signed_in(client, installation, "viewer")
        page = viewer.read(CARD)
        assert "Publish" not in page and "fieldset" in page and "disabled" in page
        token = re.search(r'name="csrf_token" value="([^"]+)"', page)[1]
        for path in (CARD, f"{CARD}/preview", f"{CARD}/publish", f"{CARD}/pictures/logo"):
            assert viewer.post(path, csrf_token=token).status_code == 403, path

    def test_another_programme_has_designs_of_its_own(self, marketer, anna, api) -> None:
        own = re.search(r"/pictures/(\d+)/", marketer.read(f"{CARD}/revisions/1"))[1]
        assert marketer.get(f"{CARD}/pictures/{own}/logo").status_code == 200
        assert marketer.get(f"{CARD}/pictures/999/logo").status_code == 404
        assert marketer.get("/console/programmes/other/cards").status_code == 404

    def test_a_draft_is_discarded_after_one_was_asked(self, marketer, anna, noted) -> None:
        saved(marketer, background=BROWN)
        path = f"{CARD}/discard"
        page = marketer.read(path)
        assert "pictures included" in page
        opened = re.search(r'name="opened" value="([^"]+)"', page)[1]
        assert marketer.send(path, opened=opened).status_code == 303
        assert typed(marketer.read(CARD))["background"] == "#1f3a5f"
        assert noted()[-1][0] == "design.draft_dropped"
        assert marketer.get(path).status_code == 404


class TestForm:
    @pytest.mark.parametrize(
        ("entries", "words"),
        [
            ({"background": "brown"}, "<b>Background:</b> A colour is written #rrggbb"),
            ({"symbology": "maxicode"}, "<b>Kind:</b> Please choose one of them."),
            ({"f-points-slot": "everywhere"}, "<b>Where:</b> Please choose one of them."),
            ({"f-points-label-ru": "x" * 201}, "<b>Label: Russian:</b> At most 200 characters."),
            ({"organization-ru": "a\x00b"}, "<b>Name of the shop: Russian:</b> This has signs"),
            ({"place": ["0"], "p-0-latitude": "north", "p-0-longitude": "3"}, "In degrees"),
            (
                {"languages": ["ru", "xx"]},
                "<b>Languages of the card:</b> Please choose among the languages of the programme",
            ),
            ({"field": ["../x"], "f-../x-shows": "points"}, "Part of the form is missing"),
            ({"field": [f"f{n}" for n in range(60)]}, "at most 40 fields"),
        ],
    )
    def test_what_can_be_no_design_is_said_at_its_field(
        self, marketer, anna, installation, entries, words
    ) -> None:
        sent = {**typed(marketer.read(CARD)), "organization-en": "Kept", **entries}
        answer = marketer.post(CARD, **sent)
        assert answer.status_code == 422
        assert words in answer.text and 'id="problems"' in answer.text
        assert "data-field" not in answer.text
        assert "Kept" in answer.text
        with installation.database.reading() as session:
            assert drafts.find(session, 1, "card") is None

    def test_emoji_and_scripts_from_right_to_left_come_through(self, marketer, anna) -> None:
        labels = {"f-points-label-ru": "☕️ Баллы", "f-name-label-ru": "اسم"}
        saved(marketer, **labels)
        page = marketer.read(CARD)
        assert typed(page).items() >= labels.items()
        assert 'dir="auto"' in page
        assert "<dt>اسم</dt>" in marketer.read(f"{CARD}?shown=ru")

    def test_a_name_is_no_part_of_the_page(self, marketer, anna) -> None:
        saved(marketer, **{"organization-en": "<script>alert(1)</script>"})
        assert "<script>alert" not in marketer.read(CARD)

    def test_a_programme_may_speak_forty_languages(self, marketer, anna, installation) -> None:
        tags = ("ru", "en", *(f"{a}{b}" for a in "bdfghk" for b in "aelnrst"))[:40]
        with installation.database.transaction() as session:
            speak = update(Programme).where(Programme.id == 1).values(languages=list(tags))
            session.execute(speak)
        answer = marketer.post(CARD, **{**typed(marketer.read(CARD)), "languages": list(tags)})
        assert answer.status_code == 303
        page = marketer.read(CARD)
        assert len(typed(page)["languages"]) == 40
        assert "not translated" in page

    def test_fields_come_go_and_move_without_saving(self, marketer, anna, installation) -> None:
        sent = typed(marketer.read(CARD))
        answer = marketer.post(CARD, **{**sent, "do": "add", "add_field": "expires"})
        assert answer.status_code == 200
        now = typed(answer.text)
        assert now["field"][-1] == "expires" and now["f-expires-label-en"] == "Valid until"
        answer = marketer.post(CARD, **{**now, "do": "up-expires"})
        assert typed(answer.text)["field"][-2:] == ["expires", "card"]
        answer = marketer.post(CARD, **{**typed(answer.text), "do": "drop-offer"})
        now = typed(answer.text)
        assert "offer" not in now["field"]
        for deed in ("link", "place"):
            now = typed(marketer.post(CARD, **{**now, "do": deed}).text)
        assert now["link"] == ["link"] and now["place"] == ["0"]
        part = marketer.client.post(
            CARD, data={**now, "do": "leave-0"}, headers={"HX-Request": "true"}
        )
        assert part.headers["HX-Trigger-After-Settle"] == "design-changed"
        assert "<html" not in part.text and 'name="place"' not in part.text
        with installation.database.reading() as session:
            assert drafts.find(session, 1, "card") is None


class TestPreview:
    def told(self, visitor: Visitor, **entries: object) -> str:
        answer = visitor.post(f"{CARD}/preview", **{**typed(visitor.read(CARD)), **entries})
        assert answer.status_code == 200
        return answer.text

    def test_it_shows_what_is_typed_and_saves_nothing(self, marketer, anna) -> None:
        beans = {"f-points-label-en": "Beans", "f-points-change-en": "Beans: {value}"}
        part = self.told(marketer, background=BROWN, **beans)
        assert 'data-colours="rgb(59, 36, 23)|' in part and f'data-colours="{BROWN}|' in part
        assert "<dt>Beans</dt><dd>1,250</dd>" in part
        assert "All is well" in part
        assert typed(marketer.read(CARD))["background"] == "#1f3a5f"

    def test_it_speaks_the_languages_of_the_card(self, marketer, anna) -> None:
        part = self.told(marketer, shown="ru")
        assert "<dt>Баллы</dt><dd>1\u00a0250</dd>" in part
        assert "Покажите код" in part and "All is well" in part

    def test_the_page_of_the_card_is_among_what_is_shown(
        self, client, marketer, join, installation
    ) -> None:
        """Drawn by the template of that page, with the label that the shop gave the balance."""
        named = {"f-points-label-en": "Beans", "f-points-change-en": "Beans: {value}"}
        drawn = [
            r'class="label" data-shows="label">Beans<',
            r'data-shows="points"[^>]*>(1,250|0)<',
            r'data-shows="unit"><',
            r'<div role="img" aria-label="Code of the card"><svg',
        ]
        part = self.told(marketer, shown="en", **named)
        saved(marketer, **named)
        publish = marketer.read(f"{CARD}/publish")
        opened = re.search(r'name="opened" value="([^"]+)"', publish)[1]
        assert marketer.send(f"{CARD}/publish", opened=opened).status_code == 303
        join()
        with installation.database.reading() as session:
            address = installation.card_link(session.scalars(select(Pass)).one())
        page = client.get(f"{urlsplit(address).path}?lang=en").text
        for pattern in drawn:
            assert re.search(pattern, part) and re.search(pattern, page), pattern
        assert "Покажите" not in part
        assert "view-web" not in marketer.read(COUPON)

    def test_a_coupon_has_a_last_day(self, marketer, anna) -> None:
        page = marketer.read(COUPON)
        days = re.findall(r"<dt>Valid until</dt><dd>([^<]*)</dd>", page)
        assert len(days) > 1 and all(re.search(r"\d", day) for day in days)

    @pytest.mark.parametrize(
        ("entries", "words"),
        [
            ({"foreground": "#8899aa", "background": "#445566"}, "the contrast is"),
            ({"label_colour": "#7f8fa0"}, "some people will not be able to read it"),
            ({"f-points-label-en": "Points of the coffee house"}, "phones cut it after about 12"),
            ({"f-points-change-ru": "", "f-points-change-en": ""}, "an iPhone says nothing"),
            (
                {"f-name-slot": "header", "f-offer-slot": "header", "f-card-slot": "header"},
                "at most 3",
            ),
            ({"f-points-label-en": ""}, "not translated (English)"),
            ({"f-points-label-en": "Your beans"}, "about 9 letters of it (English)"),
            (
                {"organization-en": "The bakery by the old river"},
                "about 20 letters of it (English)",
            ),
            (
                {f"f-{key}-slot": "auxiliary" for key in ("offers", "card", "news")}
                | {"field": ["points", "name", "offer", "news", "offers", "card", *EXTRA]}
                | {f"f-{key}-{name}": value for key in EXTRA for name, value in A_TEXT.items()},
                "Google Wallet shows 10 fields besides",
            ),
            ({"f-news-change-ru": "", "f-news-change-en": ""}, "campaigns cannot reach"),
            ({"f-points-change-ru": "Баллы"}, "{value} must stand once"),
        ],
    )
    def test_it_says_what_to_look_at(self, marketer, anna, entries, words) -> None:
        assert words in self.told(marketer, **entries)

    def test_what_is_missing_yet_is_a_gap_and_the_rest_is_shown(self, marketer, anna) -> None:
        sent = typed(marketer.read(CARD))
        now = typed(marketer.post(CARD, **{**sent, "do": "add", "add_field": "text"}).text)
        gone = {"organization-ru": "", "organization-en": "", "description-ru": ""}
        answer = marketer.post(f"{CARD}/preview", **{**now, **gone})
        assert "k-pass-head" in answer.text and "k-gcard" in answer.text
        assert "must not be empty" in answer.text

    def test_the_lock_screen_says_what_an_iphone_would(self, marketer, anna) -> None:
        part = self.told(marketer, shown="en")
        assert "Your points: 1,325" in part and "Second cappuccino at half price" in part
        silent = self.told(
            marketer, shown="en", **{"f-points-change-ru": "", "f-points-change-en": ""}
        )
        assert "The card changes in silence." in silent

    def test_the_lock_screen_takes_over_the_new_word_of_a_label(
        self, marketer, anna, installation
    ) -> None:
        """Nobody has to know Apple's sign for the new value, in either language."""
        page = marketer.read(CARD)
        assert "%@" not in page and "<q" in page
        assert typed(page)["f-points-change-en"] == "Your points: {value}"
        named = {"f-points-label-ru": "Бонусы", "f-points-change-ru": "Бонусов: { ЗНАЧЕНИЕ }"}
        named["f-points-label-en"] = "Bonuses"
        part = self.told(marketer, **named)
        assert "the lock screen still says “points” (English)" in part
        assert 'id="said-points" hx-swap-oob="true"' in part
        assert "Say instead: Bonuses: {value}</" in part
        sent = {**typed(page), **named, "do": "say-points"}
        now = typed(marketer.post(CARD, **sent).text)
        assert now["f-points-change-en"] == "Bonuses: {value}"
        assert now["f-points-change-ru"] == named["f-points-change-ru"]
        assert marketer.post(CARD, **now).status_code == 303
        with installation.database.reading() as session:
            points = drafts.design(drafts.find(session, 1, "card")).fields[0]
        assert points.change_message == {"ru": "Бонусов: %@", "en": "Bonuses: %@"}
        assert "%@" not in marketer.read(f"{CARD}/publish")


class TestPictures:
    def test_a_photo_is_made_to_fit_and_both_cards_show_it(
        self, marketer, anna, installation
    ) -> None:
        answer = put(marketer, "strip", picture(2000, 1500, "JPEG"), "shop.jpg")
        assert answer.status_code == 200
        assert answer.headers["HX-Trigger-After-Settle"] == "design-changed"
        with installation.database.reading() as session:
            draft = drafts.find(session, 1, "card")
            assert drafts.image_names(session, draft) == [
                "strip.png",
                "strip@2x.png",
                "strip@3x.png",
            ]
        page = marketer.read(CARD)
        for name in ("strip", "google-hero"):
            url = re.search(rf'src="([^"]*/pictures/draft/{name}[^"]*)"', page)[1]
            found = marketer.get(url.replace("&amp;", "&"))
            assert found.mimetype == "image/png" and len(found.data) > 500

    def test_the_part_that_was_chosen_is_what_is_shown(self, marketer, anna, installation) -> None:
        halves = Image.new("RGB", (2400, 800), "#00ff00")
        halves.paste("#ff0000", (0, 0, 1200, 800))
        file = io.BytesIO()
        halves.save(file, "PNG")
        answer = put(marketer, "strip", file.getvalue(), crop="0.500000 0.000000 0.500000 0.576000")
        assert answer.status_code == 200, answer.text
        with installation.database.reading() as session:
            images = drafts.images(session, drafts.find(session, 1, "card"))
        with Image.open(io.BytesIO(images["strip@3x.png"])) as strip:
            assert strip.size == (1125, 432) and strip.getcolors() == [(1125 * 432, (0, 255, 0))]
        for crop, words in {
            "0 0 0.01 0.01": "24 × 8 pixels",
            "0 0 2 1": "once more",
            "0 0 1": "once more",
            "nan nan nan nan": "once more",
        }.items():
            answer = put(marketer, "strip", file.getvalue(), crop=crop)
            assert answer.status_code == 422 and words in answer.text, crop

    def test_a_small_logo_is_taken_and_told_to_be_soft(self, marketer, anna) -> None:
        assert put(marketer, "logo", picture(60, 50, "WEBP"), "l.webp").status_code == 200
        assert "it will look soft" in marketer.read(CARD)

    def test_a_picture_is_removed(self, marketer, anna, installation) -> None:
        put(marketer, "icon", picture(200, 200))
        sent = typed(marketer.read(CARD))
        answer = marketer.post(f"{CARD}/pictures/icon/remove", csrf_token=sent["csrf_token"])
        assert answer.status_code == 303
        with installation.database.reading() as session:
            assert drafts.image_names(session, drafts.find(session, 1, "card")) == []

    @pytest.mark.parametrize(
        ("data", "name", "words"),
        [
            (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "logo.png", "a drawing or a page"),
            (b"<!doctype html><h1>Hi", "logo.png", "a drawing or a page"),
            (b"PK\x03\x04" + b"\0" * 64, "logo.png", "no picture that can be read"),
            (b"", "logo.png", "no picture that can be read"),
            (picture(400, 150)[:90], "logo.png", "damaged or incomplete"),
            (picture(1, 1), "logo.png", "1 × 1 pixels; at least 20 × 15"),
            (picture(3000, 40), "logo.png", "a thin line"),
            (picture(20_000, 10, mode="1"), "logo.png", "20000 × 10 pixels; make it smaller"),
            (picture(90, 90) + b"\0" * 50_000_000, "logo.png", "12 MB; at most 12"),
        ],
        ids=["svg", "html", "zip", "empty", "truncated", "dot", "line", "20000px", "50MB"],
    )
    def test_what_is_no_fit_picture_is_refused_in_words(
        self, marketer, anna, installation, data, name, words
    ) -> None:
        answer = put(marketer, "logo", data, name)
        assert answer.status_code == 422
        assert words in answer.text
        with installation.database.reading() as session:
            assert drafts.find(session, 1, "card") is None

    def test_a_picture_does_not_make_a_stale_form_fresh(self, marketer, boris, anna) -> None:
        stale = typed(marketer.read(CARD))
        saved(boris, background=BROWN)
        answer = put(marketer, "icon", picture(200, 200), opened=str(stale["opened"]))
        assert 'id="opened"' not in answer.text
        fresh = put(marketer, "icon", picture(200, 200))
        assert 'id="opened"' in fresh.text

    def test_there_is_no_place_for_a_thumbnail_on_a_loyalty_card(self, marketer, anna) -> None:
        assert put(marketer, "thumbnail", picture(300, 300)).status_code == 404


class TestStarters:
    def test_eight_designs_begin_a_draft_and_keep_what_is_the_shops(self, marketer, anna) -> None:
        path = f"{CARD}/starters"
        page = marketer.read(path)
        names = re.findall(r'name="starter" value="([^"]+)"', page)
        assert len(names) == 8
        for name in names:
            opened = re.search(r'name="opened" value="([^"]+)"', marketer.read(path))[1]
            assert marketer.send(path, opened=opened, starter=name).status_code == 303
            page = marketer.read(CARD)
            assert "All is well" in page or "The large value lies on the banner" in page, name
            assert typed(page)["organization-en"] == "Kopilka Coffee House"
            assert "Publish for all" in marketer.read(f"{CARD}/publish")

    def test_one_for_another_kind_is_refused(self, marketer, anna) -> None:
        path = f"{CARD}/starters"
        opened = re.search(r'name="opened" value="([^"]+)"', marketer.read(path))[1]
        answer = marketer.send(path, opened=opened, starter="gift")
        assert "gift cards hold money" in marketer.read(answer.location)
        answer = marketer.send(path, opened=opened, starter="club")
        assert "has issued cards of the kind loyalty" in marketer.read(answer.location)
        for name in ("coupon", "nonsense"):
            answer = marketer.send(path, opened=opened, starter=name)
            assert "Please choose one of them." in marketer.read(answer.location)


class TestBarcode:
    PAGE = f"{CARDS}/barcode"

    def test_what_it_holds_is_seen_by_all_and_chosen_by_who_may(
        self, client, marketer, anna, installation, noted
    ) -> None:
        assert "It holds: the card number, always the same." in marketer.read(CARD)
        assert "See what it holds" in marketer.read(CARD)
        assert "disabled" in marketer.read(self.PAGE)
        owner = signed_in(client, installation, "administrator")
        wanted = {"kind": "hmac", "numbers": "accept", "at_google": "same"}
        days = {"renew_days": "14", "grace_hours": "0"}
        opened = re.search(r'name="opened" value="([^"]+)"', owner.read(self.PAGE))[1]
        assert owner.send(self.PAGE, opened=opened, **wanted, **days).status_code == 303
        assert noted()[-1][0] == "card_code.changed"
        with installation.database.reading() as session:
            assert barcode_settings.of(session, 1).renew_days == 14
        assert "It holds: a code for one scan" in marketer.read(CARD)
        late = owner.send(self.PAGE, opened=opened, **wanted, **{**days, "renew_days": "3"})
        assert late.status_code == 422 and "changed this meanwhile" in late.text

    @pytest.mark.parametrize(
        ("entries", "words"),
        [
            ({"renew_days": "400"}, "From 0 to 365."),
            ({"grace_hours": ""}, "Please fill this in."),
            ({"numbers": "refuse"}, "plain codes are numbers"),
            ({"kind": "rsa"}, "Please choose one of them."),
        ],
    )
    def test_what_cannot_be_is_said_at_its_field(
        self, client, installation, anna, entries, words
    ) -> None:
        owner = signed_in(client, installation, "administrator")
        given = {"kind": "plain", "numbers": "accept", "at_google": "same"}
        days = {"renew_days": "7", "grace_hours": "24"}
        answer = owner.send(self.PAGE, **{**given, **days, **entries})
        assert answer.status_code == 422 and words.lower() in answer.text.lower()
        assert f'id="{next(iter(entries))}-problem"' in answer.text
