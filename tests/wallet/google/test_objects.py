"""Bodies of classes and objects: what Google's own description of its API thinks of them."""

from dataclasses import replace
from typing import get_args

import pytest
from googles import at, faults, paths
from hypothesis import assume, given
from hypothesis import strategies as st

from wallet.google import layout, objects
from wallet.google.objects import Pictures
from wallet.passes import designs, templates
from wallet.passes.content import (
    Content,
    Design,
    Facts,
    FieldDesign,
    OfferShown,
    PassKind,
    Symbology,
    Validity,
    render,
)
from wallet.passes.parts import App, BackMessage, Link, Place

ISSUER = "3388000000000000001"
CLASS_ID = objects.class_id(ISSUER, "demo")
OBJECT_ID = objects.object_id(ISSUER, "0" * 32)
PICTURES = Pictures("https://cards.example/logo.png", "https://cards.example/hero.png")
CALLBACK = "https://cards.example/google/callback"
STANDARD = templates.standard("Кофейня «Копилка»")
FACTS = Facts("Кофейня «Копилка»", "4242424242424242", "4242424242424242", "Анна", 120)


def content(points: int = 120, *, design: Design = STANDARD, **facts: object) -> Content:
    return render(design, replace(FACTS, points=points, **facts))


def body(shown: Content, design: Design = STANDARD) -> objects.GoogleBody:
    return objects.object_body(OBJECT_ID, CLASS_ID, design, shown, PICTURES)


def patch(shown: Content, before: int | None, design: Design = STANDARD) -> objects.GoogleBody:
    return objects.object_patch(body(shown, design), design, shown, before)


SHAPES = {
    "loyalty": "Loyalty",
    "offer": "Offer",
    "gift_card": "GiftCard",
    "generic": "Generic",
}
ITEM = {"firstValue": {"fields": [{"fieldPath": "object.accountId"}]}}
ROW = {"oneItem": {"item": ITEM}}

WORDS = st.text(st.characters(exclude_categories=["Cc", "Cs"]), max_size=60)
SAID = WORDS.filter(lambda text: bool(text.strip()))
COLOURS = st.from_regex(r"#[0-9a-fA-F]{6}", fullmatch=True)
KEYS = st.builds(str.__add__, st.sampled_from("aZ0"), st.text("abXY09_.-", max_size=8))
LANGUAGES = st.sampled_from(["ru", "en", "de-AT", "zh-Hans"])


@st.composite
def fields(draw: st.DrawFn, default: str) -> FieldDesign:
    return FieldDesign(
        key=draw(KEYS),
        slot=draw(st.sampled_from(["header", "primary", "secondary", "auxiliary", "back"])),
        label=draw(st.just({}) | SAID.map(lambda text: {default: text})),
        shows=draw(
            st.sampled_from(["points", "name", "offer", "offers", "card", "programme", "expires"])
        ),
        change_message=draw(st.none() | st.just({default: "%@"})),
    )


def parts(draw: st.DrawFn, languages: tuple[str, ...]) -> dict[str, object]:
    said = SAID.map(lambda text: {languages[0]: text})
    place = st.builds(Place, st.floats(-90, 90), st.floats(-180, 180))
    link = st.builds(Link, KEYS.map("l.{}".format), st.just("https://shop.example/a"), said)
    news = st.builds(BackMessage, KEYS.map("m.{}".format), said, said)
    app = st.builds(App, st.just(()), st.none(), st.just("com.example.shop"), said)
    return {
        "locations": tuple(draw(st.lists(place, max_size=10))),
        "links": tuple(draw(st.lists(link, max_size=3, unique_by=lambda one: one.key))),
        "messages": tuple(draw(st.lists(news, max_size=10, unique_by=lambda one: one.key))),
        "app": draw(st.none() | app),
        "expires": draw(st.none() | st.just("2027-01-01T00:00:00+03:00")),
        "grouping": draw(st.none() | st.just("demo")),
        "sharing_prohibited": draw(st.booleans()),
    }


@st.composite
def any_design(draw: st.DrawFn) -> Design:
    languages = tuple(draw(st.lists(LANGUAGES, min_size=1, max_size=3, unique=True)))
    design = Design(
        organization=draw(SAID | st.fixed_dictionaries(dict.fromkeys(languages, SAID))),
        description={languages[0]: draw(SAID)},
        languages=languages,
        fields=tuple(draw(st.lists(fields(languages[0]), max_size=14))),
        background=draw(COLOURS),
        symbology=draw(st.sampled_from(get_args(Symbology))),
        kind=draw(st.sampled_from(get_args(PassKind))),
        **parts(draw, languages),
    )
    keys = [field.key for field in design.fields]
    assume(len(keys) == len(set(keys)))
    designs.check(design)
    return design


IN_ONE_LANGUAGE = st.builds(OfferShown, SAID, WORDS, WORDS)
OFFERS = st.builds(
    OfferShown, SAID, WORDS, WORDS, st.dictionaries(LANGUAGES, IN_ONE_LANGUAGE, max_size=3)
)
any_facts = st.builds(
    Facts,
    programme=SAID,
    card_number=st.from_regex(r"[0-9]{16}", fullmatch=True),
    barcode=st.from_regex(r"[0-9]{16}", fullmatch=True),
    name=WORDS,
    points=st.integers(0, 2**53 - 1),
    offers=st.lists(OFFERS, max_size=4).map(tuple),
    voided=st.booleans(),
)


LINKED = [f"{ISSUER}.{place:032x}" for place in range(60)]


@pytest.mark.parametrize("kind", get_args(PassKind))
def test_offers_are_linked_to_loyalty_cards_alone(kind: PassKind) -> None:
    """Google's description of no other object has such a field."""
    design = replace(STANDARD, kind=kind)
    shown = render(design, FACTS)
    linked = objects.object_body(OBJECT_ID, CLASS_ID, design, shown, PICTURES, linked=LINKED)
    assert faults(f"{SHAPES[kind]}Object", linked, "insert") == []
    assert linked.get("linkedOfferIds", []) == (LINKED[:50] if kind == "loyalty" else [])


def test_a_card_without_coupons_is_cleared_of_links() -> None:
    assert patch(content(), before=120)["linkedOfferIds"] is None
    assert "linkedOfferIds" not in body(content())


class TestGeneric:
    DESIGN = templates.membership("Клуб «Ромашка»")

    def object(self, **facts: object) -> objects.GoogleBody:
        return body(content(design=self.DESIGN, **facts), self.DESIGN)

    def test_its_title_is_whose_it_is(self) -> None:
        whole = self.object()
        assert faults("GenericObject", whole, "insert") == []
        assert whole["cardTitle"]["defaultValue"]["value"] == "Клуб «Ромашка»"
        assert whole["header"]["defaultValue"] == {"language": "ru", "value": "Анна"}
        assert whole["subheader"]["translatedValues"] == [{"language": "en", "value": "Member"}]
        assert whole["genericType"] == "GENERIC_MEMBERSHIP_CARD"
        assert whole["hexBackgroundColor"] == self.DESIGN.background
        assert whole["logo"]["sourceUri"]["uri"] == PICTURES.logo

    def test_without_a_name_it_says_what_it_is(self) -> None:
        """Google wants a title in any case; the one before is written over in every language."""
        whole = self.object(name="")
        assert whole["header"] == {
            "defaultValue": {"language": "ru", "value": "Клубная карта"},
            "translatedValues": [{"language": "en", "value": "Membership card"}],
        }
        shown = content(design=self.DESIGN, name="")
        assert patch(shown, None, self.DESIGN)["subheader"] is None
        named = self.object()["header"]
        assert [one["language"] for one in named["translatedValues"]] == ["en"]

    def test_the_title_stands_nowhere_else(self) -> None:
        class_ = objects.class_body(CLASS_ID, self.DESIGN, PICTURES, CALLBACK)
        found = set(paths(class_["classTemplateInfo"]))
        assert found == {f"object.textModulesData['{key}']" for key in ("card", "until", "offers")}
        assert class_.keys() == {
            "id",
            "callbackOptions",
            "classTemplateInfo",
            "multipleDevicesAndHoldersAllowedStatus",
        }

    def test_it_says_nothing_of_points_and_notifies_of_none(self) -> None:
        assert "loyaltyPoints" not in self.object()
        changed = patch(content(7, design=self.DESIGN), 5, self.DESIGN)
        assert objects.NOTIFY not in changed
        assert faults("GenericObject", changed, "patch") == []

    def test_money_among_its_texts_is_written_as_money(self) -> None:
        field = FieldDesign("left", "back", {"ru": "Остаток"}, "points")
        design = replace(self.DESIGN, fields=(*self.DESIGN.fields, field))
        shown = content(150_050, design=design, scale=2, currency="RUB")
        (module,) = [one for one in body(shown, design)["textModulesData"] if one["id"] == "left"]
        assert module["body"] == "1500.50 RUB"

    @pytest.mark.parametrize("symbology", get_args(Symbology))
    def test_its_barcode_is_one_that_google_draws(self, symbology: Symbology) -> None:
        design = replace(self.DESIGN, symbology=symbology)
        whole = body(content(design=design), design)
        assert faults("GenericObject", whole, "insert") == []
        # ITF has 14 digits there, EAN-13 thirteen, and a card number has sixteen.
        expected = {"itf": "QR_CODE", "ean13": "QR_CODE"}
        assert whole["barcode"]["type"] == expected.get(symbology, objects.BARCODES[symbology])

    def test_it_can_rotate(self) -> None:
        whole = objects.object_body(
            OBJECT_ID, CLASS_ID, self.DESIGN, content(design=self.DESIGN), PICTURES, bytes(20)
        )
        assert whole["rotatingBarcode"]["type"] == "QR_CODE"
        assert faults("GenericObject", whole, "insert") == []


class TestAgainstGooglesDescription:
    @given(any_design(), st.none() | st.just(CALLBACK) | st.just("http://127.0.0.1/callback"))
    def test_every_class_is_one(self, design: Design, callback: str | None) -> None:
        whole = objects.class_body(CLASS_ID, design, PICTURES, callback)
        kind = SHAPES[design.kind]
        assert faults(f"{kind}Class", whole, "insert") == []
        assert faults(f"{kind}Class", objects.class_patch(whole), "patch") == []

    @given(
        any_design(),
        any_facts,
        st.none() | st.integers(0, 2**53 - 1),
        st.sampled_from([b"", bytes(20)]),
    )
    def test_every_object_is_one(
        self, design: Design, facts: Facts, before: int | None, secret: bytes
    ) -> None:
        shown = render(design, facts)
        whole = objects.object_body(OBJECT_ID, CLASS_ID, design, shown, PICTURES, secret)
        kind = SHAPES[design.kind]
        assert faults(f"{kind}Object", whole, "insert") == []
        changed = objects.object_patch(whole, design, shown, before)
        assert faults(f"{kind}Object", changed, "patch") == []

    @given(any_design(), any_facts)
    def test_a_layout_leads_to_what_the_card_has(self, design: Design, facts: Facts) -> None:
        """A path to nothing would be drawn as nothing, and nobody would be told."""
        class_ = objects.class_body(CLASS_ID, design, PICTURES, None)
        object_ = objects.object_body(OBJECT_ID, CLASS_ID, design, render(design, facts), PICTURES)
        for path in paths(class_.get("classTemplateInfo", {})):
            is_unknown_name = path == "object.accountName" and not facts.name
            # A programme of gift cards counts money; any other has no such balance.
            is_no_money = path == "object.balance"
            assert (at(path, class_, object_) is None) == (is_unknown_name or is_no_money), path

    @given(any_design())
    def test_every_field_of_the_face_is_there_as_far_as_there_is_room(self, design: Design) -> None:
        class_ = objects.class_body(CLASS_ID, design, PICTURES, None)
        template = class_.get("classTemplateInfo", {})
        face = paths(template.get("cardTemplateOverride", {}))
        details = paths(template.get("detailsTemplateOverride", {}))
        assert len(face) == len(set(face))
        assert len(details) == len(set(details))
        assert set(face) <= set(details)
        title = layout.title(design)
        fields = [field for field in design.fields if field.slot != "back" and field is not title]
        if len(fields) <= 3:
            # The number has one place however often it is shown; some kinds have none for it.
            once = "" if design.kind in ("offer", "generic") else "card"
            kinds = {field.shows if field.shows == once else field.key for field in fields}
            assert len(face) == len(kinds)

    @pytest.mark.parametrize(
        "spoiled",
        [
            {"cardRowTemplateInfos": []},
            {"cardRowTemplateInfos": [ROW] * 4},
            {"cardRowTemplateInfos": [{"twoItems": {"startItem": ITEM}}]},
            {"cardRowTemplateInfos": [{**ROW, "twoItems": {"startItem": ITEM, "endItem": ITEM}}]},
            {"cardRowTemplateInfos": [{"oneItem": ITEM}]},
            {"rows": [ROW]},
        ],
    )
    def test_the_judge_sees_a_layout_that_is_wrong(self, spoiled: dict[str, object]) -> None:
        class_ = objects.class_body(CLASS_ID, STANDARD, PICTURES, None)
        template = {"cardTemplateOverride": spoiled}
        assert faults("LoyaltyClass", {**class_, "classTemplateInfo": template}, "insert") != []

    @pytest.mark.parametrize(
        "spoiled",
        [
            {"unknown": 1},
            {"state": "ALIVE"},
            {"state": "active"},
            {"state": None},
            {"hasUsers": True},
            {"id": "no-issuer"},
            {"loyaltyPoints": {"balance": {"int": 1, "string": "1"}}},
            {"loyaltyPoints": {"balance": {"int": 2**31}}},
            {"loyaltyPoints": {"balance": {"int": "1"}}},
            {"textModulesData": [{"id": "a.b", "body": "x"}]},
            {"kind": "walletobjects#loyaltyObject"},
        ],
    )
    def test_the_judge_sees_what_is_wrong(self, spoiled: dict[str, object]) -> None:
        assert faults("LoyaltyObject", {**body(content()), **spoiled}, "insert") != []


class TestClass:
    whole = objects.class_body(CLASS_ID, STANDARD, PICTURES, CALLBACK)

    def test_it_is_under_review_at_every_write(self) -> None:
        assert self.whole["reviewStatus"] == "UNDER_REVIEW"
        assert objects.class_patch(self.whole)["reviewStatus"] == "UNDER_REVIEW"
        assert "id" not in objects.class_patch(self.whole)

    def test_it_speaks_every_language_of_the_design(self) -> None:
        assert self.whole["localizedProgramName"] == {
            "defaultValue": {"language": "ru", "value": "Карта лояльности"},
            "translatedValues": [{"language": "en", "value": "Loyalty card"}],
        }
        assert self.whole["accountNameLabel"] == "Имя"

    def test_who_saves_first_is_the_owner(self) -> None:
        assert self.whole["multipleDevicesAndHoldersAllowedStatus"] == "ONE_USER_ALL_DEVICES"

    def test_callbacks_go_to_https_alone(self) -> None:
        assert self.whole["callbackOptions"] == {"url": CALLBACK}
        for address in (None, "http://127.0.0.1:8080/google/callback"):
            without = objects.class_body(CLASS_ID, STANDARD, PICTURES, address)
            assert "callbackOptions" not in without

    def test_a_label_that_the_design_lost_is_cleared(self) -> None:
        bare = objects.class_body(CLASS_ID, replace(STANDARD, fields=()), PICTURES, CALLBACK)
        assert objects.class_patch(bare)["accountNameLabel"] is None


class TestLayout:
    template = objects.class_body(CLASS_ID, STANDARD, PICTURES, None)["classTemplateInfo"]

    def rows(self, *fields: FieldDesign) -> list[list[str]]:
        design = replace(STANDARD, fields=fields)
        template = objects.class_body(CLASS_ID, design, PICTURES, None)["classTemplateInfo"]
        return [paths(row) for row in template["cardTemplateOverride"]["cardRowTemplateInfos"]]

    def test_points_name_and_offer_stand_on_the_face_as_they_do_at_apple(self) -> None:
        assert self.rows(*STANDARD.fields) == [
            ["object.loyaltyPoints.balance", "object.accountName"],
            ["object.textModulesData['offer']"],
        ]
        shown = body(content(offers=(OfferShown("Латте", "−20 %"),)))
        assert at("object.textModulesData['offer']", {}, shown) == "Латте"
        assert at("object.loyaltyPoints.balance", {}, shown) == {"int": 120}

    def test_the_back_of_the_card_comes_first_in_the_details(self) -> None:
        assert paths(self.template["detailsTemplateOverride"])[:2] == [
            "object.textModulesData['offers']",
            "object.accountId",
        ]

    def test_in_the_list_of_passes_stands_what_one_looks_for(self) -> None:
        assert paths(self.template["listTemplateOverride"]) == [
            "class.issuerName",
            "object.loyaltyPoints.balance",
        ]

    def test_rows_are_even_and_never_more_than_three(self) -> None:
        fields = [FieldDesign(f"f{n}", "secondary", {}, "programme") for n in range(12)]
        assert [len(row) for row in self.rows(*fields[:1])] == [1]
        assert [len(row) for row in self.rows(*fields[:4])] == [2, 2]
        assert [len(row) for row in self.rows(*fields[:5])] == [2, 3]
        assert [len(row) for row in self.rows(*fields)] == [3, 3, 3]

    def test_sentences_share_a_row_where_there_are_too_many(self) -> None:
        offers = [FieldDesign(f"f{n}", "primary", {}, "offer") for n in range(4)]
        assert [len(row) for row in self.rows(*offers[:3])] == [1, 1, 1]
        assert [len(row) for row in self.rows(*offers)] == [2, 2]

    def test_the_class_of_a_coupon_is_of_its_offer(self) -> None:
        offer = OfferShown("Латте −20 %", "С собой")
        design = templates.offer_design(STANDARD)
        class_ = objects.class_body(CLASS_ID, design, PICTURES, None, offer)
        assert (class_["title"], class_["details"]) == ("Латте −20 %", "С собой")
        assert class_["provider"] == STANDARD.organization
        assert class_["redemptionChannel"] == "INSTORE"
        rows = class_["classTemplateInfo"]["cardTemplateOverride"]["cardRowTemplateInfos"]
        assert paths(rows[0])[0] == "object.textModulesData['name']" or "class.title" in paths(rows)

    def test_an_offer_and_a_shop_are_called_in_every_language(self) -> None:
        design = replace(
            templates.offer_design(STANDARD), organization={"ru": "Копилка", "en": "Kopilka"}
        )
        english = OfferShown("Latte −20 %", "To go")
        russian = OfferShown("Латте −20 %", "С собой")
        offer = replace(russian, others={"ru": russian, "en": english})
        class_ = objects.class_body(CLASS_ID, design, PICTURES, None, offer)
        assert faults("OfferClass", class_, "insert") == []
        for name, translated in (
            ("localizedTitle", "Latte −20 %"),
            ("localizedDetails", "To go"),
            ("localizedIssuerName", "Kopilka"),
            ("localizedProvider", "Kopilka"),
        ):
            (found,) = class_[name]["translatedValues"]
            assert found == {"language": "en", "value": translated}
        plain = objects.class_body(CLASS_ID, templates.offer_design(STANDARD), PICTURES, None, None)
        cleared = objects.class_patch(plain)
        for name in (
            "localizedTitle",
            "localizedDetails",
            "localizedIssuerName",
            "localizedProvider",
        ):
            assert cleared[name] is None

    def test_places_links_news_and_a_picture_are_there(self) -> None:
        design = replace(
            STANDARD,
            locations=(Place(55.75, 37.59),),
            links=(Link("site", "https://shop.example", {"ru": "Сайт", "en": "Site"}),),
            messages=(BackMessage("news", {"ru": "Новость"}, {"ru": "Открылись"}),),
            app=App(android_package="com.example.shop", label={"ru": "Приложение"}),
            sharing_prohibited=False,
        )
        pictures = replace(PICTURES, poster="https://cards.example/poster.png")
        class_ = objects.class_body(CLASS_ID, design, pictures, None)
        assert faults("LoyaltyClass", class_, "insert") == []
        assert class_["merchantLocations"] == [{"latitude": 55.75, "longitude": 37.59}]
        (link,) = class_["linksModuleData"]["uris"]
        assert (link["uri"], link["description"]) == ("https://shop.example", "Сайт")
        (news,) = class_["messages"]
        assert (news["header"], news["messageType"]) == ("Новость", "TEXT")
        (picture,) = class_["imageModulesData"]
        assert picture["mainImage"]["sourceUri"]["uri"] == pictures.poster
        target = class_["appLinkData"]["androidAppLinkInfo"]["appTarget"]
        assert target == {"packageName": "com.example.shop"}
        assert class_["multipleDevicesAndHoldersAllowedStatus"] == "MULTIPLE_HOLDERS"

    def test_what_a_design_lost_is_cleared_at_google(self) -> None:
        bare = objects.class_body(CLASS_ID, replace(STANDARD, fields=()), PICTURES, None)
        assert objects.class_patch(bare)["classTemplateInfo"] is None
        lost = ("merchantLocations", "linksModuleData", "messages", "imageModulesData")
        assert [objects.class_patch(bare)[name] for name in lost] == [None] * 4
        backs = tuple(replace(field, slot="back") for field in STANDARD.fields)
        back = objects.class_body(CLASS_ID, replace(STANDARD, fields=backs), PICTURES, None)
        assert objects.class_patch(back)["classTemplateInfo"]["cardTemplateOverride"] is None


class TestObject:
    def test_points_are_a_number_as_long_as_it_fits(self) -> None:
        assert body(content(2**31 - 1))["loyaltyPoints"]["balance"] == {"int": 2**31 - 1}
        assert body(content(2**31))["loyaltyPoints"]["balance"] == {"string": "2147483648"}

    def test_a_balance_that_changes_its_kind_clears_the_other(self) -> None:
        grown = patch(content(2**31), before=5)["loyaltyPoints"]["balance"]
        assert grown == {"int": None, "string": "2147483648"}
        shrunk = patch(content(5), before=2**31)["loyaltyPoints"]["balance"]
        assert shrunk == {"int": 5, "string": None}
        assert patch(content(6), before=5)["loyaltyPoints"]["balance"] == {"int": 6}

    def test_offers_are_text_modules_all_of_them_each_time(self) -> None:
        shown = content(offers=(OfferShown("Латте", "−20 %"),))
        for one in (body(shown), patch(shown, before=120)):
            modules = {module["id"]: module for module in one["textModulesData"]}
            assert modules["offer"]["body"] == "Латте"
            assert modules["offers"]["body"] == "Латте\n−20 %"
            assert modules["offers"]["localizedHeader"]["translatedValues"][0]["value"] == "Offers"

    def test_a_voided_card_is_inactive(self) -> None:
        assert body(content())["state"] == "ACTIVE"
        assert body(content(voided=True))["state"] == "INACTIVE"

    def test_a_gift_card_has_its_number_and_its_money(self) -> None:
        design = templates.gift_cards("Копилка")
        shown = content(150_050, design=design, scale=2, currency="RUB")
        whole = body(shown, design)
        assert faults("GiftCardObject", whole, "insert") == []
        assert whole["cardNumber"] == FACTS.card_number
        assert whole["balance"] == {"micros": "1500500000", "currencyCode": "RUB"}
        assert "loyaltyPoints" not in whole

    def test_a_used_coupon_is_completed(self) -> None:
        design = templates.offer_design(STANDARD)
        assert body(render(design, FACTS, Validity("used")), design)["state"] == "COMPLETED"

    def test_what_was_decided_about_a_pass_is_its_state(self) -> None:
        def state(standing: Validity, design: Design = STANDARD) -> object:
            return body(render(design, FACTS, standing), design)["state"]

        assert state(Validity("void")) == "INACTIVE"
        assert state(Validity("expired")) == "EXPIRED"
        assert state(Validity(), replace(STANDARD, voided=True)) == "INACTIVE"

    def test_the_end_is_an_interval_and_goes_when_it_is_taken_back(self) -> None:
        ending = render(STANDARD, FACTS, Validity(expires="2027-01-01T00:00:00+03:00"))
        end = {"end": {"date": "2027-01-01T00:00:00+03:00"}}
        assert body(ending)["validTimeInterval"] == end
        assert patch(content(), before=120)["validTimeInterval"] is None

    def test_a_date_is_written_in_every_language(self) -> None:
        field = FieldDesign("until", "back", {}, "expires")
        design = replace(STANDARD, fields=(field,), expires="2027-01-02T00:00:00+03:00")
        (module,) = body(render(design, FACTS), design)["textModulesData"]
        assert module["body"] == "1 января 2027\u202fг."
        (english,) = module["localizedBody"]["translatedValues"]
        assert english == {"language": "en", "value": "1 January 2027"}

    def test_money_is_money(self) -> None:
        rubles = tuple(replace(field, currency="RUB") for field in STANDARD.fields[:1])
        design = replace(STANDARD, fields=rubles)
        shown = content(design=design)
        balance = {"money": {"micros": "120000000", "currencyCode": "RUB"}}
        assert body(shown, design)["loyaltyPoints"]["balance"] == balance
        changed = objects.object_patch(body(shown, design), design, shown, 120, same_design=False)
        assert changed["loyaltyPoints"]["balance"] == {"int": None, "string": None, **balance}

    @pytest.mark.parametrize(
        ("symbology", "kind"),
        [
            ("qr", "QR_CODE"),
            ("pdf417", "PDF_417"),
            ("aztec", "AZTEC"),
            ("code128", "CODE_128"),
            ("code39", "CODE_39"),
            ("codabar", "CODABAR"),
            ("ean13", "QR_CODE"),  # which this number is none of
            ("itf", "QR_CODE"),  # nor is it of 14 digits
        ],
    )
    def test_the_barcode_is_the_designs(self, symbology: str, kind: str) -> None:
        design = replace(STANDARD, symbology=symbology)
        barcode = body(content(design=design), design)["barcode"]
        assert (barcode["type"], barcode["value"]) == (kind, FACTS.barcode)

    def test_a_patch_names_no_id_and_clears_what_is_no_more(self) -> None:
        changed = patch(content(name=""), before=120)
        assert not {"id", "classId"} & changed.keys()
        assert changed["accountName"] is None

    def test_keys_with_dots_become_ids_of_their_own(self) -> None:
        keys = ("a.b", "a_b", "a_db", "a-b")
        design = replace(
            STANDARD, fields=tuple(FieldDesign(key, "back", {}, "programme") for key in keys)
        )
        ids = [module["id"] for module in body(content(design=design), design)["textModulesData"]]
        assert len(set(ids)) == len(keys)
        assert not any("." in id_ for id_ in ids)


class TestNotices:
    def test_points_that_changed_may_be_told(self) -> None:
        assert patch(content(121), before=120)[objects.NOTIFY] == "NOTIFY_ON_UPDATE"

    def test_nothing_else_is(self) -> None:
        assert objects.NOTIFY not in patch(content(120), before=120)
        assert objects.NOTIFY not in patch(content(120), before=None)
        assert objects.NOTIFY not in body(content(120))

    def test_a_design_without_words_for_it_is_silent(self) -> None:
        quiet = replace(
            STANDARD, fields=tuple(replace(f, change_message=None) for f in STANDARD.fields)
        )
        assert objects.NOTIFY not in patch(content(121, design=quiet), 120, quiet)


def test_ids_say_nothing_of_the_person() -> None:
    assert objects.class_id("33", "demo") == "33.demo"
    assert objects.object_id("33", "abc") == "33.abc"


class TestRotatingCodes:
    SECRET = bytes(range(20))

    def test_a_phone_is_told_how_to_draw_them(self) -> None:
        whole = objects.object_body(OBJECT_ID, CLASS_ID, STANDARD, content(), PICTURES, self.SECRET)
        assert whole["rotatingBarcode"] == {
            "type": "QR_CODE",
            "valuePattern": "963164242424242424242{totp_timestamp_seconds}{totp_value_0}",
            "alternateText": "4242424242424242",
            "totpDetails": {
                "algorithm": "TOTP_SHA1",
                "periodMillis": "30000",
                "parameters": [
                    {"key": "000102030405060708090A0B0C0D0E0F10111213", "valueLength": 8}
                ],
            },
        }
        # What cannot draw them shows this one.
        assert whole["barcode"]["value"] == "4242424242424242"

    def test_a_card_without_them_loses_them(self) -> None:
        assert patch(content(), 120)["rotatingBarcode"] is None
        void = content(voided=True, barcode="", card_number="")
        gone = objects.object_body(OBJECT_ID, CLASS_ID, STANDARD, void, PICTURES, self.SECRET)
        assert "rotatingBarcode" not in gone

    def test_kinds_that_google_cannot_rotate_are_left_out(self) -> None:
        for symbology in ("aztec", "code128"):
            design = replace(STANDARD, symbology=symbology)
            whole = objects.object_body(
                OBJECT_ID, CLASS_ID, design, content(), PICTURES, self.SECRET
            )
            assert "rotatingBarcode" not in whole

    def test_a_secret_that_google_keeps_to_itself_is_no_difference(self) -> None:
        ours = objects.object_body(OBJECT_ID, CLASS_ID, STANDARD, content(), PICTURES, self.SECRET)
        theirs = dict(ours["rotatingBarcode"])
        del theirs["totpDetails"]
        assert objects.differing("loyalty", ours, {**ours, "rotatingBarcode": theirs}) == []
        theirs["valuePattern"] = "963{totp_value_0}"
        found = {**ours, "rotatingBarcode": theirs}
        assert objects.differing("loyalty", ours, found) == ["rotatingBarcode"]
        assert objects.differing("loyalty", body(content()), ours) == ["rotatingBarcode"]
