"""A store card's bundle: judged by openssl, by zipfile and by the rules of the format."""

import hashlib
import io
import json
import re
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import chains
import cms
import fullcards
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wallet.apple import bundle
from wallet.apple.bundle import Archive, Identity, PassTemplate
from wallet.apple.signing import Signer
from wallet.errors import CertificateProblem, DesignRefused, ImageRefused, NfcRefused
from wallet.passes.content import Content, Design, Facts, FieldDesign, FieldValue, render

POINTS = FieldDesign(
    "points",
    "header",
    {"ru": "Баллы", "en": "Points", "de": "Punkte"},
    "points",
    {"ru": "Теперь баллов: %@", "en": "Now %@ points", "de": "Jetzt „%@“ Punkte"},
)
NAME = FieldDesign("name", "secondary", {"ru": "Имя", "en": "Name", "de": "Name"}, "name")
NEWS = FieldDesign(
    "news", "back", {"ru": "Предложения", "en": "Offers"}, "offers", {"ru": "%@", "en": "%@"}
)
DESIGN = Design(
    organization="Ромашка",
    description={"ru": "Карта лояльности", "en": "Loyalty card", "de": "Kundenkarte"},
    languages=("ru", "en", "de"),
    fields=(POINTS, NAME, NEWS),
    logo_text="Ромашка",
    background="#1f3a5f",
    foreground="#ffffff",
    label_colour="#D7E3F4",
)
IDENTITY = Identity(
    pass_type=chains.PASS_TYPE,
    team=chains.TEAM,
    serial="5f0c2d7e9b1a4c3d8e6f7a8b9c0d1e2f",
    token="0123456789abcdef",
    web_service_url="https://cards.example/apple",
)
CONTENT = Content(
    barcode="4600000012345",
    card_number="4600 0000 12345",
    values=(
        FieldValue("points", 1250),
        FieldValue("name", "Анна"),
        FieldValue("news", "Кофе в подарок"),
    ),
)
FACTS = Facts("Ромашка", "4006381333931", "4006381333931", "Анна", 1250)
# Pictures are bytes to a bundle; whether they are pictures is asked when they are uploaded.
IMAGES = {"icon.png": b"icon", "icon@2x.png": b"icon" * 2, "strip@3x.png": bytes(range(256)) * 99}


@pytest.fixture(scope="module")
def signer(tmp_path_factory: pytest.TempPathFactory) -> Signer:
    return chains.signer(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module")
def archive() -> Archive:
    return Archive.prepare({**IMAGES, **bundle.strings(DESIGN)})


def rendered(
    content: Content = CONTENT, design: Design = DESIGN, identity: Identity = IDENTITY
) -> dict[str, Any]:
    document = json.loads(bundle.render(PassTemplate.prepare(design), identity, content))
    assert isinstance(document, dict)
    return document


def opened(archive: Archive, signer: Signer, content: Content = CONTENT) -> zipfile.ZipFile:
    pass_json = bundle.render(PassTemplate.prepare(DESIGN), IDENTITY, content)
    made = archive.assemble(bundle.seal(archive, pass_json, signer))
    return zipfile.ZipFile(io.BytesIO(made))


def translations(file: bytes) -> dict[str, str]:
    """A reader of `pass.strings` of its own: key -> text, unescaped."""
    assert file.startswith(b"\xfe\xff")
    text = file[2:].decode("utf-16-be")
    line = r'"((?:[^"\\]|\\.)*)" = "((?:[^"\\]|\\.)*)";\n'
    assert re.fullmatch(f"({line})*", text, re.DOTALL) is not None
    meant = {"n": "\n", "r": "\r", "t": "\t"}

    def plain(escaped: str) -> str:
        return re.sub(r"\\(.)", lambda found: meant.get(found[1], found[1]), escaped, flags=re.S)

    return {plain(key): plain(value) for key, value in re.findall(line, text, re.DOTALL)}


# --- the archive


def test_the_manifest_lists_exactly_the_other_files(archive: Archive, signer: Signer) -> None:
    with opened(archive, signer) as bundle_:
        names = bundle_.namelist()
        manifest = json.loads(bundle_.read("manifest.json"))
        assert len(names) == len(set(names))
        assert set(manifest) == set(names) - {"manifest.json", "signature"}
        for name, digest in manifest.items():
            assert digest == hashlib.sha1(bundle_.read(name)).hexdigest()  # noqa: S324
    assert {"pass.json", "ru.lproj/pass.strings", *IMAGES} <= set(manifest)


def test_the_manifest_is_one_line(archive: Archive) -> None:
    assert b"\n" not in archive.manifest(b"{}")


def test_any_unzipper_reads_the_bundle(archive: Archive, signer: Signer) -> None:
    with opened(archive, signer) as bundle_:
        assert bundle_.testzip() is None
        for member in bundle_.infolist():
            assert member.compress_type == zipfile.ZIP_STORED
            assert member.date_time == (1980, 1, 1, 0, 0, 0)
            assert member.external_attr >> 16 == 0o100644
        for name, data in IMAGES.items():
            assert bundle_.read(name) == data


def test_openssl_verifies_the_manifest_in_the_bundle(
    archive: Archive, signer: Signer, tmp_path: Path
) -> None:
    with opened(archive, signer) as bundle_:
        signature, manifest = bundle_.read("signature"), bundle_.read("manifest.json")
    assert cms.verifies(signature, manifest, chains.root_file(tmp_path), tmp_path)


def test_a_sealed_pass_is_the_same_bytes_every_time(archive: Archive, signer: Signer) -> None:
    pass_json = bundle.render(PassTemplate.prepare(DESIGN), IDENTITY, CONTENT)
    sealed = bundle.seal(archive, pass_json, signer)
    backwards = dict(reversed({**IMAGES, **bundle.strings(DESIGN)}.items()))
    assert archive.assemble(sealed) == Archive.prepare(backwards).assemble(sealed)
    assert pass_json == bundle.render(PassTemplate.prepare(DESIGN), IDENTITY, CONTENT)


def test_a_pass_does_not_go_into_another_revisions_archive(
    archive: Archive, signer: Signer
) -> None:
    sealed = bundle.seal(
        archive, bundle.render(PassTemplate.prepare(DESIGN), IDENTITY, CONTENT), signer
    )
    other = Archive.prepare({**IMAGES, **bundle.strings(DESIGN), "icon.png": b"changed"})
    with pytest.raises(ValueError, match="another revision"):
        other.assemble(sealed)


@pytest.mark.parametrize(
    "name",
    [
        "pass.json",
        "manifest.json",
        "signature",
        "../icon.png",
        "/icon.png",
        "a/b/icon.png",
        "notes.txt",
        "icon@4x.png",
        "icon.png\n",
        "значок.png",
    ],
)
def test_no_other_file_gets_into_a_bundle(name: str) -> None:
    with pytest.raises(ImageRefused) as caught:
        Archive.prepare({"icon.png": b"icon", name: b"?"})
    assert caught.value.problem == "unknown_name"


def test_a_bundle_without_an_icon_is_refused() -> None:
    with pytest.raises(ImageRefused, match="needs an icon"):
        Archive.prepare({"logo.png": b"logo"})


@pytest.mark.parametrize(
    "identity",
    [replace(IDENTITY, pass_type="pass.example.other"), replace(IDENTITY, team="ANOTHER001")],
    ids=["pass type", "team"],
)
def test_a_certificate_does_not_sign_anothers_pass(
    identity: Identity, archive: Archive, signer: Signer
) -> None:
    with pytest.raises(CertificateProblem) as caught:
        bundle.seal(archive, bundle.render(PassTemplate.prepare(DESIGN), identity, CONTENT), signer)
    assert caught.value.problem == "wrong_pass_type"


# --- pass.json


def test_pass_json_says_all_a_store_card_needs() -> None:
    barcode = {
        "format": "PKBarcodeFormatQR",
        "message": "4600000012345",
        "messageEncoding": "iso-8859-1",
        "altText": "4600 0000 12345",
    }
    assert rendered() == {
        "formatVersion": 1,
        "passTypeIdentifier": chains.PASS_TYPE,
        "teamIdentifier": chains.TEAM,
        "serialNumber": IDENTITY.serial,
        "authenticationToken": "0123456789abcdef",
        "webServiceURL": "https://cards.example/apple",
        "organizationName": "Ромашка",
        "description": "Карта лояльности",
        "logoText": "Ромашка",
        "backgroundColor": "rgb(31, 58, 95)",
        "foregroundColor": "rgb(255, 255, 255)",
        "labelColor": "rgb(215, 227, 244)",
        "sharingProhibited": True,
        "barcodes": [barcode],
        "barcode": barcode,
        "storeCard": {
            "headerFields": [
                {
                    "key": "points",
                    "label": "Баллы",
                    "value": 1250,
                    "numberStyle": "PKNumberStyleDecimal",
                    "changeMessage": "Теперь баллов: %@",
                }
            ],
            "secondaryFields": [{"key": "name", "label": "Имя", "value": "Анна"}],
            "backFields": [
                {
                    "key": "news",
                    "label": "Предложения",
                    "value": "Кофе в подарок",
                    "changeMessage": "%@",
                }
            ],
        },
    }


def test_pass_json_says_all_that_a_design_can() -> None:
    """The keys are those of Apple's Pass, PassFieldContent, Pass.Locations and the like."""
    shown = render(fullcards.WHOLE, FACTS)
    card = json.loads(
        bundle.render(PassTemplate.prepare(fullcards.WHOLE), IDENTITY, shown, nfc=True)
    )
    number = FACTS.card_number
    assert card["relevantDates"] == [
        {"startDate": "2026-12-31T18:00:00+03:00", "endDate": "2027-01-01T02:00:00+03:00"},
        {"date": "2026-12-31T18:00+03:00", "relevantDate": "2026-12-31T18:00+03:00"},
    ]
    assert len(card["locations"]) == 10
    place = {"latitude": 55.752, "longitude": 37.592, "relevantText": "Вы рядом"}
    assert card["locations"][0] == place
    assert card["beacons"] == [
        {"proximityUUID": "6ba7b810-9dad-11d1-80b4-00c04fd430c8", "major": 1, "minor": 2}
    ]
    assert card["maxDistance"] == 200
    assert card["nfc"] == {
        "message": number,
        "encryptionPublicKey": fullcards.KEY,
        "requiresAuthentication": True,
    }
    assert card["associatedStoreIdentifiers"] == [1234567890]
    assert card["appLaunchURL"] == "shop://card"
    assert card["featuredActions"] == [
        {"identifier": "order", "type": "order", "url": "https://shop.example/order"}
    ]
    assert card["expirationDate"] == "2027-01-01T00:00:00+03:00"
    assert card["userInfo"] == {"shop": {"id": 7}, "card": number}
    assert card["semantics"]["membershipProgramNumber"] == number
    assert card["semantics"]["balance"] == {"amount": "12.50", "currencyCode": "EUR"}
    # A stack by our word is for event tickets and boarding passes alone.
    assert not {"sharingProhibited", "groupingIdentifier", "voided"} & card.keys()
    back = {field["key"]: field for field in card["storeCard"]["backFields"]}
    assert list(back) == ["expires", "terms", "news", "site", "call"]
    assert back["expires"]["dateStyle"] == "PKDateStyleMedium"
    assert back["news"]["changeMessage"] == "%@"
    address = "https://shop.example/rules?a=1&amp;b=2"
    link = f'<a href="{address}">shop.example/rules?a=1&amp;b=2</a>'
    assert back["site"]["attributedValue"] == link
    assert back["site"]["value"] == "https://shop.example/rules?a=1&b=2"


def test_without_a_certificate_for_it_there_is_no_nfc_in_a_pass() -> None:
    shown = render(fullcards.WHOLE, FACTS)
    card = json.loads(bundle.render(PassTemplate.prepare(fullcards.WHOLE), IDENTITY, shown))
    assert "nfc" not in card


def test_a_design_with_nfc_is_refused_without_a_certificate_for_it(tmp_path: Path) -> None:
    with pytest.raises(NfcRefused) as caught:
        bundle.check(fullcards.WHOLE, chains.signer(tmp_path / "plain"))
    assert (caught.value.code, caught.value.field) == ("nfc_certificate_missing", "nfc")
    bundle.check(fullcards.WHOLE, chains.signer(tmp_path / "nfc", chains.leaf(nfc=True)))
    bundle.check(replace(fullcards.WHOLE, nfc=None), chains.signer(tmp_path / "plain"))


@pytest.mark.parametrize(
    ("symbology", "fallback", "number", "formats"),
    [
        ("ean13", None, "4006381333931", ["EAN13", "QR"]),
        ("ean13", "code128", "4006381333931", ["EAN13", "Code128", "QR"]),
        ("ean13", "aztec", "4006381333931", ["EAN13", "Aztec"]),
        ("ean13", "code128", "4600000012345678", ["Code128", "QR"]),
        ("itf", None, "460000", ["I2of5", "QR"]),
        ("itf", None, "46000", ["QR"]),
        ("code39", None, "AB-1", ["Code39", "QR"]),
        ("codabar", "pdf417", "4600", ["Codabar", "PDF417"]),
        ("qr", "code128", "4600", ["QR", "Code128"]),
    ],
)
def test_a_phone_that_cannot_draw_the_first_barcode_finds_another(
    symbology: Any, fallback: Any, number: str, formats: list[str]
) -> None:
    design = replace(DESIGN, symbology=symbology, fallback=fallback)
    card = rendered(replace(CONTENT, barcode=number), design)
    drawn = [one["format"].removeprefix("PKBarcodeFormat") for one in card["barcodes"]]
    assert drawn == formats
    # What is older than iOS 9 knows these three.
    assert card["barcode"]["format"].removeprefix("PKBarcodeFormat") in ("QR", "PDF417", "Aztec")


@pytest.mark.parametrize(
    ("changes", "value", "said"),
    [
        ({"currency": "RUB"}, 1250, {"currencyCode": "RUB"}),
        ({"number": "percent"}, 1250, {"numberStyle": "PKNumberStylePercent"}),
        ({"alignment": "right"}, 1250, {"textAlignment": "PKTextAlignmentRight"}),
        (
            {"shows": "expires", "date": "long", "time": "short", "ignores_time_zone": True},
            "2027-01-01T00:00:00+03:00",
            {
                "dateStyle": "PKDateStyleLong",
                "timeStyle": "PKDateStyleShort",
                "ignoresTimeZone": True,
            },
        ),
        # What is not there is no date, and a phone refuses a pass with a date that is none.
        ({"shows": "expires", "date": "long"}, "—", {}),
        (
            {"slot": "back", "detectors": ("phone", "address")},
            1250,
            {"dataDetectorTypes": ["PKDataDetectorTypePhoneNumber", "PKDataDetectorTypeAddress"]},
        ),
        ({"slot": "back", "detectors": ()}, 1250, {"dataDetectorTypes": []}),
    ],
)
def test_a_value_is_written_as_the_field_says(
    changes: dict[str, Any], value: Any, said: dict[str, Any]
) -> None:
    field = replace(POINTS, change_message=None, label={}, **changes)
    shown = replace(CONTENT, values=(FieldValue("points", value),))
    (group,) = rendered(shown, replace(DESIGN, fields=(field,)))["storeCard"].values()
    plain = {"numberStyle": "PKNumberStyleDecimal"} if said.keys() & NOT_A_STYLE else {}
    assert group == [{"key": "points", "value": value, **plain, **said}]


NOT_A_STYLE = {"textAlignment", "dataDetectorTypes"}


def test_a_text_of_the_design_speaks_every_language_with_links_in_it() -> None:
    linked = {
        "ru": '<a href="https://shop.example">Правила</a>',
        "en": '<a href="https://shop.example/en">Rules</a>',
    }
    terms = FieldDesign(
        "terms", "back", {}, "text", text={"ru": "Правила", "en": "Rules"}, linked=linked
    )
    design = replace(DESIGN, fields=(terms,))
    card = rendered(render(design, FACTS), design)
    (field,) = card["storeCard"]["backFields"]
    assert (field["value"], field["attributedValue"]) == ("Правила", linked["ru"])
    english = translations(bundle.strings(design)["en.lproj/pass.strings"])
    assert english["Правила"] == "Rules"
    assert english[linked["ru"]] == linked["en"]


@pytest.mark.parametrize("state", ["void", "expired"])
def test_a_pass_that_does_not_count_says_so(state: Any) -> None:
    assert rendered(replace(CONTENT, state=state))["voided"] is True


def test_a_void_card_says_so_and_no_other_does() -> None:
    assert rendered(replace(CONTENT, voided=True))["voided"] is True
    assert "voided" not in rendered()


def test_a_value_that_is_not_announced_has_no_change_message() -> None:
    silent = replace(CONTENT, values=(FieldValue("news", "—", announce=False),))
    assert rendered(silent)["storeCard"]["backFields"] == [
        {"key": "news", "label": "Предложения", "value": "—"}
    ]


def test_a_field_may_do_without_a_label() -> None:
    design = replace(DESIGN, fields=(replace(NAME, label={}),))
    content = replace(CONTENT, values=(FieldValue("name", "Анна"),))
    assert rendered(content, design)["storeCard"] == {
        "secondaryFields": [{"key": "name", "value": "Анна"}]
    }


@pytest.mark.parametrize(
    ("symbology", "formats"),
    [
        ("qr", ["PKBarcodeFormatQR"]),
        ("pdf417", ["PKBarcodeFormatPDF417"]),
        ("aztec", ["PKBarcodeFormatAztec"]),
        # A watch draws no Code 128, and old readers know none.
        ("code128", ["PKBarcodeFormatCode128", "PKBarcodeFormatQR"]),
    ],
)
def test_every_reader_finds_a_barcode_it_can_draw(symbology: Any, formats: list[str]) -> None:
    card = rendered(design=replace(DESIGN, symbology=symbology))
    assert [barcode["format"] for barcode in card["barcodes"]] == formats
    assert card["barcode"]["format"] == formats[-1]


@pytest.mark.parametrize(
    ("message", "encoding"), [("A-1", "iso-8859-1"), ("Ü-1", "iso-8859-1"), ("Ж-1", "utf-8")]
)
def test_a_barcode_names_an_encoding_its_text_fits_in(message: str, encoding: str) -> None:
    barcode = rendered(replace(CONTENT, barcode=message))["barcodes"][0]
    assert (barcode["message"], barcode["messageEncoding"]) == (message, encoding)


@pytest.mark.parametrize("points", [0, -5, 2**53 - 1])
def test_numbers_stay_numbers(points: int) -> None:
    card = rendered(replace(CONTENT, values=(FieldValue("points", points),)))
    assert card["storeCard"]["headerFields"][0]["value"] == points


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=400))
@settings(max_examples=60)
def test_any_name_arrives_as_it_was_written(name: str) -> None:
    card = rendered(replace(CONTENT, values=(FieldValue("name", name),)))
    assert card["storeCard"]["secondaryFields"][0]["value"] == name


@pytest.mark.parametrize("name", ['👩‍👩‍👧 Ёж & <b>«Ü»</b> "\\', "я" * 300, "🎁" * 300])
def test_emoji_and_very_long_names_make_a_sound_bundle(
    name: str, archive: Archive, signer: Signer
) -> None:
    content = replace(
        CONTENT, values=(FieldValue("name", name), FieldValue("news", f"1\n2\r\n{name}"))
    )
    with opened(archive, signer, content) as bundle_:
        card = json.loads(bundle_.read("pass.json"))["storeCard"]
        digest = hashlib.sha1(bundle_.read("pass.json")).hexdigest()  # noqa: S324
        assert json.loads(bundle_.read("manifest.json"))["pass.json"] == digest
    assert card["secondaryFields"][0]["value"] == name
    assert card["backFields"][0]["value"] == f"1\n2\r\n{name}"


@pytest.mark.parametrize("url", ["https://cards.example/apple/", "https://cards.example/apple/v1"])
def test_a_web_service_address_that_phones_would_double_is_an_error(url: str) -> None:
    with pytest.raises(ValueError, match="webServiceURL"):
        replace(IDENTITY, web_service_url=url)


def test_a_token_of_fifteen_characters_is_an_error() -> None:
    with pytest.raises(ValueError, match="16 characters"):
        replace(IDENTITY, token="0123456789abcde")


def test_an_identity_does_not_print_its_token() -> None:
    assert IDENTITY.token not in repr(IDENTITY)


# --- pass.strings


def test_every_language_has_its_words_the_default_too() -> None:
    files = {path: translations(data) for path, data in bundle.strings(DESIGN).items()}
    assert set(files) == {f"{code}.lproj/pass.strings" for code in ("ru", "en", "de")}
    assert files["ru.lproj/pass.strings"]["Баллы"] == "Баллы"
    assert files["en.lproj/pass.strings"]["Карта лояльности"] == "Loyalty card"
    assert files["de.lproj/pass.strings"]["Теперь баллов: %@"] == "Jetzt „%@“ Punkte"
    assert len({frozenset(file) for file in files.values()}) == 1


def test_what_nobody_translated_stays_in_the_default_language() -> None:
    assert translations(bundle.strings(DESIGN)["de.lproj/pass.strings"])["Предложения"] == (
        "Предложения"
    )


def test_all_words_of_the_card_are_keys_of_the_strings() -> None:
    card = rendered()
    fields = [field for group in card["storeCard"].values() for field in group]
    words = {card["description"]} | {field["label"] for field in fields}
    words |= {field["changeMessage"] for field in fields if "changeMessage" in field}
    assert words == set(translations(bundle.strings(DESIGN)["en.lproj/pass.strings"]))


@given(
    default=st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=60),
    other=st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=60),
)
@settings(max_examples=60)
def test_any_text_survives_the_strings_file(default: str, other: str) -> None:
    design = replace(
        DESIGN,
        languages=("ru", "de"),
        description={"ru": "—", "de": "—"},
        fields=(replace(NAME, label={"ru": f"{default}.", "de": other}),),
    )
    assert translations(bundle.strings(design)["de.lproj/pass.strings"])[f"{default}."] == other


@pytest.mark.parametrize(
    "text", ['say "hi"', "back\\slash", "two\nlines", "two\r\nlines", "tab\there", "🎁 Äpfel\\n"]
)
def test_quotes_and_line_ends_are_escaped(text: str) -> None:
    design = replace(DESIGN, fields=(replace(NAME, label={"ru": text, "en": f"{text}!"}),))
    file = bundle.strings(design)["en.lproj/pass.strings"]
    assert translations(file)[text] == f"{text}!"
    # One text to a line: nothing breaks out of its quotation marks.
    assert file[2:].decode("utf-16-be").count("\n") == 2


def test_one_wording_cannot_have_two_translations() -> None:
    twin = replace(NAME, key="card", label={"ru": "Имя", "en": "First name"})
    with pytest.raises(DesignRefused) as caught:
        bundle.check(replace(DESIGN, fields=(NAME, twin)))
    assert caught.value.field == "fields.card.label"
    assert "translated differently" in str(caught.value)


# --- what fits on a store card


def fields(**counts: int) -> tuple[FieldDesign, ...]:
    slots: Any = [slot for slot, count in counts.items() for _ in range(count)]
    return tuple(FieldDesign(f"f{n}", slot, {"ru": "Имя"}, "name") for n, slot in enumerate(slots))


@pytest.mark.parametrize(
    ("counts", "words"),
    [
        ({"header": 4}, "at most 3"),
        ({"primary": 2}, "one primary"),
        ({"secondary": 5}, "at most 4"),
        ({"auxiliary": 5}, "at most 4"),
        ({"secondary": 3, "auxiliary": 2}, "at most 4"),
    ],
)
def test_fields_that_would_vanish_are_refused(counts: dict[str, int], words: str) -> None:
    design = replace(DESIGN, fields=fields(**counts))
    with pytest.raises(DesignRefused, match=words):
        bundle.check(design)
    with pytest.raises(DesignRefused):
        PassTemplate.prepare(design)


def test_a_full_card_shows_every_field() -> None:
    design = replace(DESIGN, fields=fields(header=3, primary=1, secondary=2, auxiliary=2, back=11))
    content = replace(
        CONTENT, values=tuple(FieldValue(field.key, field.key) for field in design.fields)
    )
    groups = rendered(content, design)["storeCard"]
    assert {name: len(group) for name, group in groups.items()} == {
        "headerFields": 3,
        "primaryFields": 1,
        "secondaryFields": 2,
        "auxiliaryFields": 2,
        "backFields": 11,
    }
    keys = [field["key"] for group in groups.values() for field in group]
    assert keys == [field.key for field in design.fields]


def test_a_card_without_fields_is_still_a_card() -> None:
    design = replace(DESIGN, fields=())
    assert rendered(replace(CONTENT, values=()), design)["storeCard"] == {}
