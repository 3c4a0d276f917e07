"""The bundle of a card: content -> pass.json, manifest and zip. Pure; the signer is an argument.

Format: Apple's "Wallet Passes" (Pass, PassFields, "Building a Pass") and the archived "Wallet
Developer Guide". What the cards of one design have in common (texts, pictures with their hashes and
zip records) is prepared once, so that a changed card costs little more than its signature."""

import functools
import hashlib
import re
import struct
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Any

import orjson

from wallet.apple.signing import Signer
from wallet.errors import CertificateProblem, DesignRefused, ImageRefused, NfcRefused
from wallet.passes import artwork, designs, symbologies
from wallet.passes.content import (
    NOTHING,
    Alignment,
    Content,
    DateFormat,
    Design,
    Detector,
    FieldDesign,
    FieldValue,
    NumberFormat,
    PassKind,
    Slot,
    Symbology,
)
from wallet.passes.parts import CARD_NUMBER, RelevantTime

MEDIA_TYPE = "application/vnd.apple.pkpass"
SEVERAL_MEDIA_TYPE = "application/vnd.apple.pkpasses"
# Of one .pkpasses, see `several`.
MOST_PASSES = 10
MOST_BYTES = 150_000_000

SHORTEST_TOKEN = 16  # characters (Apple, Pass.authenticationToken)
MOST_HEADER_FIELDS = 3
MOST_PRIMARY_FIELDS = 1
# On store cards and coupons secondary and auxiliary fields share one row; on generic cards with a
# square barcode they do, too. Phones silently drop fields that do not fit.
MOST_ROW_FIELDS = 4
SQUARE: frozenset[Symbology] = frozenset({"qr", "aztec"})

GROUPS: dict[Slot, str] = {
    "header": "headerFields",
    "primary": "primaryFields",
    "secondary": "secondaryFields",
    "auxiliary": "auxiliaryFields",
    "back": "backFields",
}
STYLES: dict[PassKind, str] = {
    "loyalty": "storeCard",
    "offer": "coupon",
    "gift_card": "storeCard",
    "generic": "generic",
}
# Style -> the pictures that it has a place for.
PICTURES: dict[str, tuple[str, ...]] = {
    "storeCard": ("icon", "logo", "strip"),
    "coupon": ("icon", "logo", "strip"),
    "generic": ("icon", "logo", "thumbnail"),
}
BARCODE_FORMATS: dict[Symbology, str] = {
    "qr": "PKBarcodeFormatQR",
    "pdf417": "PKBarcodeFormatPDF417",
    "aztec": "PKBarcodeFormatAztec",
    "code128": "PKBarcodeFormatCode128",
    # iOS 27
    "code39": "PKBarcodeFormatCode39",
    "codabar": "PKBarcodeFormatCodabar",
    "ean13": "PKBarcodeFormatEAN13",
    "itf": "PKBarcodeFormatI2of5",
}
NUMBER_STYLES: dict[NumberFormat, str] = {
    "decimal": "PKNumberStyleDecimal",
    "percent": "PKNumberStylePercent",
    "scientific": "PKNumberStyleScientific",
    "spelled": "PKNumberStyleSpellOut",
}
DATE_STYLES: dict[DateFormat, str] = {
    "none": "PKDateStyleNone",
    "short": "PKDateStyleShort",
    "medium": "PKDateStyleMedium",
    "long": "PKDateStyleLong",
    "full": "PKDateStyleFull",
}
ALIGNMENTS: dict[Alignment, str] = {
    "left": "PKTextAlignmentLeft",
    "center": "PKTextAlignmentCenter",
    "right": "PKTextAlignmentRight",
    "natural": "PKTextAlignmentNatural",
}
DETECTORS: dict[Detector, str] = {
    "phone": "PKDataDetectorTypePhoneNumber",
    "link": "PKDataDetectorTypeLink",
    "address": "PKDataDetectorTypeAddress",
    "calendar": "PKDataDetectorTypeCalendarEvent",
}

# Names inside a bundle: a picture or a file in a language's folder. No other path can get in.
MEMBER_NAME = re.compile(
    r"([A-Za-z0-9-]+\.lproj/)?[A-Za-z0-9]+(@[23]x)?\.(png|strings)|personalization\.json"
)

# The ZIP format (PKWARE's APPNOTE 4.3). The local header and the directory record of a member have
# the middle in common: flags, method (stored), time, date, CRC, both sizes, length of the name,
# length of extra data. They differ before and after it.
LOCAL_BEGIN = struct.pack("<IH", 0x04034B50, 20)
DIRECTORY_BEGIN = struct.pack("<IHH", 0x02014B50, 3 << 8 | 20, 20)
MEMBER = struct.Struct("<HHHHIIIHH")
DIRECTORY_REST = struct.Struct("<HHHII")
DIRECTORY_END = struct.Struct("<IHHHHIIH")
# 1980-01-01 00:00, the format's first moment: equal bundles are equal bytes.
ZIP_TIME, ZIP_DATE = 0, 1 << 5 | 1
LARGEST_RECORD = 300  # bytes; a zip adds less than that to a member with a short name
READABLE_FILE = 0o100644 << 16


@dataclass(frozen=True, slots=True)
class Identity:
    """Which pass it is, and where it asks for changes. `token` must never change for a serial
    number.

    `web_service_url` ends neither in `/v1` nor in a slash: phones append `/v1/...` themselves."""

    pass_type: str
    team: str
    serial: str
    token: str = field(repr=False)
    web_service_url: str

    def __post_init__(self) -> None:
        # A phone would reject such a pass without a word, or never ask for changes: it is better to
        # make no pass at all.
        if len(self.token) < SHORTEST_TOKEN:
            raise ValueError(f"an authentication token has at least {SHORTEST_TOKEN} characters")
        if self.web_service_url.endswith(("/", "/v1")):
            raise ValueError("webServiceURL must not end in a slash or /v1")


@dataclass(frozen=True, slots=True)
class PreparedField:
    """Where a field stands (`group`) and all that it says besides its value: `silent`, or `aloud`,
    that is, with the message that the phone shows when the value changes. `style` is the format of
    the value; it is left out for "—", which is no number or date."""

    group: str
    silent: Mapping[str, object]
    aloud: Mapping[str, object]
    style: Mapping[str, object]

    @classmethod
    def prepare(cls, shown: FieldDesign, default: str) -> "PreparedField":
        """The field in the design's first language, which `default` names."""
        silent: dict[str, object] = {"key": shown.key}
        if label := shown.label.get(default):
            silent["label"] = label
        if shown.linked is not None and (linked := shown.linked.get(default)):
            silent["attributedValue"] = linked
        if shown.alignment is not None:
            silent["textAlignment"] = ALIGNMENTS[shown.alignment]
        if shown.detectors is not None:
            silent["dataDetectorTypes"] = [DETECTORS[word] for word in shown.detectors]
        if shown.semantics:
            silent["semantics"] = shown.semantics
        aloud = silent
        if shown.change_message is not None:
            aloud = {**silent, "changeMessage": shown.change_message[default]}
        return cls(GROUPS[shown.slot], silent, aloud, _style(shown))

    def described(self, shown: FieldValue) -> dict[str, object]:
        """The field with this value, as it stands in pass.json. Money is a number in whole
        units."""
        said = self.aloud if shown.announce else self.silent
        if shown.value == NOTHING:
            return {**said, "value": NOTHING}
        if shown.currency is not None and isinstance(shown.value, int):
            amount = shown.value / 10**shown.scale if shown.scale else shown.value
            return {**said, "currencyCode": shown.currency, "value": amount}
        return {**said, **self.style, "value": shown.value}


@dataclass(frozen=True, slots=True)
class PassTemplate:
    """What pass.json has in common in all passes of one design. `_closing` are the last fields on
    the back, `_personal` is what contains the card's number."""

    _opening: Mapping[str, object]
    _fields: Mapping[str, "PreparedField"]
    _closing: Sequence[Mapping[str, object]]
    _personal: Mapping[str, Any]
    _nfc: Mapping[str, object] | None
    _symbologies: Sequence[Symbology]
    _style: str

    @classmethod
    def prepare(cls, design: Design) -> "PassTemplate":
        """The template of a design. Raises `DesignRefused` for one that cannot be such a card, see
        `check`."""
        check(design)
        default = design.languages[0]
        opening: dict[str, object] = {
            "organizationName": design.organization_name,
            "description": design.description[default],
            "backgroundColor": _rgb(design.background),
            "foregroundColor": _rgb(design.foreground),
            "labelColor": _rgb(design.label_colour),
            **_circumstances(design),
        }
        if design.sharing_prohibited:
            opening["sharingProhibited"] = True
        if logo_text := design.logo_texts.get(default):
            opening["logoText"] = logo_text
        fields = {shown.key: PreparedField.prepare(shown, default) for shown in design.fields}
        personal = {"semantics": design.semantics, "userInfo": design.user_info}
        return cls(
            opening,
            fields,
            _closing_fields(design),
            {name: value for name, value in personal.items() if value},
            _near_field(design),
            symbologies.offered(design),
            STYLES[design.kind],
        )


@dataclass(frozen=True, slots=True)
class Sealed:
    """What is different in each pass, and all that has to be kept of it: about 6 KB. A version has
    these bytes for ever."""

    pass_json: bytes
    manifest: bytes
    signature: bytes


@dataclass(frozen=True, slots=True)
class Archive:
    """The files that all passes of one design have in common, ready to be copied into a zip."""

    _entries: bytes = field(repr=False)
    _directory: bytes = field(repr=False)
    _count: int
    _manifest_end: bytes = field(repr=False)

    @classmethod
    def prepare(cls, files: Mapping[str, bytes]) -> "Archive":
        """`files` are the pictures, what `strings` made, and what `personalization` adds: path in
        the bundle -> bytes. Raises `ImageRefused`."""
        if not any(name.startswith("icon") and "/" not in name for name in files):
            # Without any icon no device opens the pass.
            raise ImageRefused("icon.png", "missing", "a pass needs an icon.")
        entries, directory, hashes = bytearray(), bytearray(), {}
        for name in sorted(files):
            if MEMBER_NAME.fullmatch(name) is None:
                raise ImageRefused(name, "unknown_name", "a pass has no place for such a file.")
            data = files[name]
            local, record = _zip_records(name.encode(), data, len(entries))
            entries += local + data
            directory += record
            hashes[name] = _sha1(data)
        # What follows in the list after the hash of pass.json, the only one that differs.
        manifest_end = b'",' + orjson.dumps(hashes)[1:]
        return cls(bytes(entries), bytes(directory), len(files), manifest_end)

    def manifest(self, pass_json: bytes) -> bytes:
        """manifest.json: the SHA-1 of every file except itself and the signature, in one line."""
        return b'{"pass.json":"%b%b' % (_sha1(pass_json).encode(), self._manifest_end)

    def assemble(self, sealed: Sealed) -> bytes:
        """The bundle as a zip. Its members are stored and not compressed: PNG files do not shrink,
        and the rest is small. Raises ValueError for a pass that was sealed with another
        template."""
        if not sealed.manifest.endswith(self._manifest_end):
            raise ValueError("this pass was sealed with another revision of its template")
        parts, records = [self._entries], [self._directory]
        offset = len(self._entries)
        for name, data in (
            (b"pass.json", sealed.pass_json),
            (b"manifest.json", sealed.manifest),
            (b"signature", sealed.signature),
        ):
            local, record = _zip_records(name, data, offset)
            parts += (local, data)
            records.append(record)
            offset += len(local) + len(data)
        directory = b"".join(records)
        count = self._count + 3
        end = DIRECTORY_END.pack(0x06054B50, 0, 0, count, count, len(directory), offset, 0)
        return b"".join((*parts, directory, end))


def several(bundles: Sequence[bytes]) -> bytes:
    """Finished bundles as one .pkpasses, which a phone adds at once. Raises ValueError for more
    than `MOST_PASSES`, Apple's limit ("Distributing and updating a pass"); the caller keeps to
    `MOST_BYTES`."""
    if not 0 < len(bundles) <= MOST_PASSES:
        raise ValueError(f"a bundle of passes has 1 to {MOST_PASSES}")
    parts: list[bytes] = []
    records: list[bytes] = []
    offset = 0
    for number, data in enumerate(bundles, start=1):
        local, record = _zip_records(f"{number}.pkpass".encode(), data, offset)
        parts += (local, data)
        records.append(record)
        offset += len(local) + len(data)
    directory = b"".join(records)
    count = len(bundles)
    end = DIRECTORY_END.pack(0x06054B50, 0, 0, count, count, len(directory), offset, 0)
    return b"".join((*parts, directory, end))


def check(design: Design, signer: Signer | None = None) -> None:
    """Refuse a design that this card cannot show, instead of dropping fields silently. Raises
    `DesignRefused`, and `NfcRefused` for NFC if the `signer` of these cards may not sign it.

    Limits: "Wallet Developer Guide", Pass Design and Creation, for the style storeCard."""
    designs.check(design)
    if design.nfc is not None and signer is not None and not signer.nfc:
        raise NfcRefused(signer.pass_type)
    slots = [shown.slot for shown in design.fields]
    if slots.count("header") > MOST_HEADER_FIELDS:
        raise DesignRefused(
            "fields", "at most {most} fields fit in the header.", most=MOST_HEADER_FIELDS
        )
    if slots.count("primary") > MOST_PRIMARY_FIELDS:
        raise DesignRefused("fields", "a card has room for one primary field.")
    _check_rows(design, slots)
    _vocabulary(design)


def _check_rows(design: Design, slots: Sequence[Slot]) -> None:
    rows = (slots.count("secondary"), slots.count("auxiliary"))
    offered = symbologies.offered(design)
    if design.kind == "generic" and not SQUARE.intersection(offered):
        if max(rows) > MOST_ROW_FIELDS:
            raise DesignRefused(
                "fields",
                "secondary fields, or auxiliary fields: at most {most} fit.",
                most=MOST_ROW_FIELDS,
            )
    elif sum(rows) > MOST_ROW_FIELDS:
        raise DesignRefused(
            "fields",
            "secondary and auxiliary fields together: at most {most} fit.",
            most=MOST_ROW_FIELDS,
        )


def files_of(design: Design, images: Mapping[str, bytes]) -> dict[str, bytes]:
    """What passes of this design have in common, path in the bundle -> bytes: those of its pictures
    that such a card has a place for, and its words in each language. Raises `DesignRefused`."""
    places = PICTURES[STYLES[design.kind]]
    shown = {name: data for name, data in images.items() if artwork.kind(name) in places}
    return {**shown, **strings(design)}


def strings(design: Design) -> dict[str, bytes]:
    """`pass.strings` for every language of the design, also for the default one: path -> bytes.

    The key of a text is its wording in the default language, and pass.json contains these keys:
    readers that ignore the files still show readable words. The default language has a file of its
    own because a phone whose language is not among the files uses another language's file."""
    vocabulary = _vocabulary(design)
    return {
        f"{language}.lproj/pass.strings": _strings_file(
            {key: translated[language] for key, translated in vocabulary.items()}
        )
        for language in design.languages
    }


def render(face: PassTemplate, identity: Identity, content: Content, *, nfc: bool = False) -> bytes:
    """pass.json of one card. `content` must have been rendered from the design of `face`.

    `nfc`: the certificate that will sign is one for NFC. With any other there must be no NFC
    block."""
    groups: dict[str, list[Mapping[str, object]]] = {}
    for shown in content.values:
        field_ = face._fields[shown.key]
        groups.setdefault(field_.group, []).append(field_.described(shown))
    if face._closing:
        groups.setdefault(GROUPS["back"], []).extend(face._closing)
    card = {
        "serialNumber": identity.serial,
        "authenticationToken": identity.token,
        "webServiceURL": identity.web_service_url,
        **face._opening,
        face._style: groups,
    }
    if face._personal:
        card |= _with_number(face._personal, content.card_number)
    if content.barcode:
        _add_barcodes(card, face._symbologies, content)
        if nfc and face._nfc is not None:
            card["nfc"] = _with_number(face._nfc, content.card_number)
    if content.expires:
        card["expirationDate"] = content.expires
    if content.voided or content.state != "active":
        card["voided"] = True
    return _heading(identity.pass_type, identity.team) + orjson.dumps(card)[1:]


def seal(archive: Archive, pass_json: bytes, signer: Signer) -> Sealed:
    """Sign a rendered pass. Raises `CertificateProblem` for a signer of another pass type or team:
    phones would reject the pass."""
    if not pass_json.startswith(_heading(signer.pass_type, signer.team)):
        raise CertificateProblem(
            "wrong_pass_type",
            f"This pass is not one of {signer.pass_type} of the team {signer.team}, so the "
            f"certificate in {signer.folder} cannot sign it.",
        )
    manifest = archive.manifest(pass_json)
    return Sealed(pass_json, manifest, signer.sign(manifest))


@functools.lru_cache(maxsize=256)
def _heading(pass_type: str, team: str) -> bytes:
    """The begin of pass.json. Pass type and team stand first, so that `seal` can check them by
    comparing bytes."""
    heading = {"formatVersion": 1, "passTypeIdentifier": pass_type, "teamIdentifier": team}
    return orjson.dumps(heading)[:-1] + b","


def _add_barcodes(card: dict[str, object], offered: Sequence[Symbology], content: Content) -> None:
    """Add all barcodes of the design that can carry the code. No phone before iOS 27 draws the
    newer ones, no watch draws Code 128, and a device that can draw none of them shows no barcode at
    all: so one that every device can draw is always among them."""
    encoding = _encoding(content.barcode)
    barcodes, for_all = [], None
    for symbology in offered:
        is_for_all = symbology in symbologies.TWO_DIMENSIONAL
        if is_for_all or symbologies.carries(symbology, content.barcode):
            barcode = {
                "format": BARCODE_FORMATS[symbology],
                "message": content.barcode,
                "messageEncoding": encoding,
                "altText": content.card_number,
            }
            barcodes.append(barcode)
            for_all = barcode if is_for_all else for_all
    card["barcodes"] = barcodes
    # Deprecated since iOS 9 and without the linear barcodes, but some readers know only this key.
    card["barcode"] = for_all


def _style(shown: FieldDesign) -> Mapping[str, object]:
    """The format of a value. Without one the phone would not group the digits of a large number."""
    if shown.shows in designs.NUMBERS:
        if shown.currency is not None:
            return {"currencyCode": shown.currency}
        return {"numberStyle": NUMBER_STYLES[shown.number or "decimal"]}
    if shown.shows in designs.DATES:
        style: dict[str, object] = {
            "dateStyle": DATE_STYLES[shown.date or "medium"],
            "timeStyle": DATE_STYLES[shown.time or "none"],
        }
        if shown.relative:
            style["isRelative"] = True
        if shown.ignores_time_zone:
            style["ignoresTimeZone"] = True
        return style
    return {}


def _circumstances(design: Design) -> dict[str, object]:
    """Where and when the card comes up, and where it leads."""
    default = design.languages[0]
    found: dict[str, object] = {}
    if design.relevant_dates:
        found["relevantDates"] = [_occasion(one) for one in design.relevant_dates]
    if design.locations:
        found["locations"] = [
            _given(
                latitude=place.latitude,
                longitude=place.longitude,
                altitude=place.altitude,
                relevantText=place.text.get(default) or None,
            )
            for place in design.locations
        ]
    if design.beacons:
        found["beacons"] = [
            _given(
                proximityUUID=beacon.uuid,
                major=beacon.major,
                minor=beacon.minor,
                relevantText=beacon.text.get(default) or None,
            )
            for beacon in design.beacons
        ]
    if design.featured_actions:
        found["featuredActions"] = [
            {"identifier": one.identifier, "type": one.type, "url": one.url}
            for one in design.featured_actions
        ]
    if design.app is not None and design.app.store_ids:
        found["associatedStoreIdentifiers"] = list(design.app.store_ids)
        if design.app.launch_url is not None:
            found["appLaunchURL"] = design.app.launch_url
    if design.max_distance is not None:
        found["maxDistance"] = design.max_distance
    return found


def _occasion(occasion: RelevantTime) -> dict[str, object]:
    if occasion.ends is not None:
        return {"startDate": occasion.begins, "endDate": occasion.ends}
    # Until iOS 26 the key of a single moment was `relevantDate`.
    return {"date": occasion.begins, "relevantDate": occasion.begins}


def _given(**values: object) -> dict[str, object]:
    return {name: value for name, value in values.items() if value is not None}


def _near_field(design: Design) -> Mapping[str, object] | None:
    if (nfc := design.nfc) is None:
        return None
    block: dict[str, object] = {"message": nfc.message, "encryptionPublicKey": nfc.public_key}
    if nfc.requires_authentication:
        block["requiresAuthentication"] = True
    return block


def _closing_fields(design: Design) -> list[Mapping[str, object]]:
    """News and links. A pass has no place of their own for them, so they are fields on the back."""
    default = design.languages[0]
    news = [
        {
            "key": message.key,
            "label": message.title[default],
            "value": message.text[default],
            "changeMessage": designs.NEW_VALUE,
        }
        for message in design.messages
    ]
    links = [
        {
            "key": link.key,
            "label": link.label[default],
            "value": link.url,
            "attributedValue": f'<a href="{escape(link.url)}">{escape(_readable(link.url))}</a>',
        }
        for link in design.links
    ]
    return [*news, *links]


def _readable(url: str) -> str:
    """An address without its scheme, as people say it."""
    return re.sub(r"^(https://|tel:|mailto:)", "", url).rstrip("/")


def _with_number(value: Any, number: str) -> Any:
    """The value with the card's number in place of `CARD_NUMBER`, on every level."""
    if isinstance(value, str):
        return value.replace(CARD_NUMBER, number)
    if isinstance(value, Mapping):
        return {name: _with_number(one, number) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_with_number(one, number) for one in value]
    return value


def _rgb(colour: str) -> str:
    red, green, blue = bytes.fromhex(colour[1:])
    return f"rgb({red}, {green}, {blue})"


def _encoding(message: str) -> str:
    """Scanners expect ISO 8859-1. A code that does not fit into it needs a scanner that reads
    UTF-8."""
    if message.isascii():
        return "iso-8859-1"
    try:
        message.encode("iso-8859-1")
    except UnicodeEncodeError:
        return "utf-8"
    return "iso-8859-1"


def _vocabulary(design: Design) -> dict[str, dict[str, str]]:
    """For all texts of the design: the wording in the default language -> the wording in each
    language. Raises `DesignRefused` if one wording has two translations."""
    default = design.languages[0]
    vocabulary: dict[str, dict[str, str]] = {}
    for place, text in designs.texts(design):
        key = text.get(default)
        if not key:
            continue
        translated = {
            language: designs.said(text, language, default) for language in design.languages
        }
        if vocabulary.setdefault(key, translated) != translated:
            raise DesignRefused(
                place,
                "'{text}' is translated differently in another place. One of the two needs another"
                " wording in {default}.",
                text=key,
                default=default,
            )
    return vocabulary


def _strings_file(texts: Mapping[str, str]) -> bytes:
    """UTF-16 BE with a byte order mark. Apple asks for UTF-16, and most other readers understand
    this kind of it."""
    lines = "".join(f'"{_escaped(key)}" = "{_escaped(text)}";\n' for key, text in texts.items())
    return b"\xfe\xff" + lines.encode("utf-16-be")


def _escaped(text: str) -> str:
    # With one bare quotation mark in it, the whole file is ignored.
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return escaped.replace("\r", "\\r").replace("\n", "\\n").replace("\t", "\\t")


def _sha1(data: bytes) -> str:
    # The format demands SHA-1. Security comes from the signature over the list.
    return hashlib.sha1(data, usedforsecurity=False).hexdigest()


def _zip_records(name: bytes, data: bytes, offset: int) -> tuple[bytes, bytes]:
    """The local header and the directory record of a stored member at `offset`, each with its
    name."""
    size = len(data)
    member = MEMBER.pack(0, 0, ZIP_TIME, ZIP_DATE, zlib.crc32(data), size, size, len(name), 0)
    rest = DIRECTORY_REST.pack(0, 0, 0, READABLE_FILE, offset)
    return LOCAL_BEGIN + member + name, DIRECTORY_BEGIN + member + rest + name
