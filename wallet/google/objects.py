"""Classes and objects as Google's REST API takes them: design + content -> JSON. Pure.

Fields: Google Wallet API v1, LoyaltyClass, OfferClass, GiftCardClass, GenericClass and their
objects. A class is what the cards of a programme, or the coupons of an offer, have in common; an
object belongs to one member. A generic class has only the layout: words, colour and pictures are in
its objects. No body is ever built from one that was read at Google: our database is the truth, and
a body that a GET answered could not be sent again anyway."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from ledger import words
from wallet.google import layout
from wallet.passes import codes, symbologies
from wallet.passes.content import (
    NOTHING,
    Content,
    Design,
    Fact,
    FieldDesign,
    FieldValue,
    OfferShown,
    PassKind,
    PassState,
    Symbology,
)
from wallet.passes.designs import said
from wallet.passes.parts import Translations

GoogleBody = dict[str, object]

BARCODES: dict[Symbology, str] = {
    "qr": "QR_CODE",
    "pdf417": "PDF_417",
    "aztec": "AZTEC",
    "code128": "CODE_128",
    "code39": "CODE_39",
    "codabar": "CODABAR",
    "ean13": "EAN_13",
    "itf": "ITF_14",
}
ITF_DIGITS = 14  # Google knows this kind of barcode in this length only
STATES: dict[PassState, str] = {
    "active": "ACTIVE",
    "void": "INACTIVE",
    "expired": "EXPIRED",
    "used": "COMPLETED",
}
MICROS = 1_000_000  # in one unit of a currency
ROTATES: tuple[PassKind, ...] = ("loyalty", "generic")
# Google names no limit for linked offers; this is its limit for other linked objects.
MOST_LINKED = 50
LARGEST_INT = 2**31 - 1  # the API's `int` balance has 32 bits
NOTIFY = "notifyPreference"
# How a message comes: with a notification, or only as a text on the card.
ALOUD, SILENT = "TEXT_AND_NOTIFY", "TEXT"
# The fields of an object that we write and that may change.
OF_ALL = ("state", "barcode", "textModulesData", "validTimeInterval", "groupingInfo")
OURS: Mapping[PassKind, Sequence[str]] = {
    "loyalty": (
        *OF_ALL,
        "rotatingBarcode",
        "accountId",
        "accountName",
        "loyaltyPoints",
        "linkedOfferIds",
    ),
    "offer": OF_ALL,
    "gift_card": (*OF_ALL, "cardNumber", "balance"),
    "generic": (
        *OF_ALL,
        "rotatingBarcode",
        "cardTitle",
        "header",
        "subheader",
        "logo",
        "heroImage",
        "hexBackgroundColor",
        "genericType",
    ),
}
# Fields that an object always has: they can be changed and not removed.
ALWAYS = ("state", "textModulesData", "cardNumber")
# What `essentials` keeps.
ESSENTIAL = frozenset(
    {"id", "classId", "state", "barcode", "accountId", "accountName", "loyaltyPoints"}
    | {"cardNumber", "balance", "genericType", "cardTitle", "header", "validTimeInterval"}
)
# Fact -> the name of its label in a class of this kind, with a capital letter.
LABELS: Mapping[PassKind, Mapping[Fact, str]] = {
    "loyalty": {"name": "AccountNameLabel", "card": "AccountIdLabel"},
    "offer": {},
    "gift_card": {"card": "CardNumberLabel"},
    "generic": {},
}
# Fields of a class that a later design may not have: they are cleared then.
MAY_BE_LOST = (
    "classTemplateInfo",
    "merchantLocations",
    "linksModuleData",
    "messages",
    "imageModulesData",
    "appLinkData",
)
PARTS_OF_A_LAYOUT = ("cardTemplateOverride", "detailsTemplateOverride", "listTemplateOverride")


@dataclass(frozen=True, slots=True)
class Pictures:
    """Addresses from which Google fetches the pictures. They are public, and a new picture has a
    new address, since Google keeps what it fetched by address."""

    logo: str
    hero: str
    poster: str | None = None


def class_id(issuer: str, programme_code: str) -> str:
    """The id of a class: of a programme by its code, of an offer by its public id."""
    return f"{issuer}.{programme_code}"


def object_id(issuer: str, serial: str) -> str:
    """The id of a pass's object. Ids stand in links, logs and callbacks, so nothing about the
    person is in them."""
    return f"{issuer}.{serial}"


def class_body(
    id_: str,
    design: Design,
    pictures: Pictures,
    callback_url: str | None,
    offer: OfferShown | None = None,
) -> GoogleBody:
    """The class to insert. `offer` is the offer of which it is the class, if it is for coupons.
    Google accepts only https for callbacks; any other address is left out."""
    default = design.languages[0]
    body: GoogleBody = {
        "id": id_,
        **_named(design, pictures, offer),
        # The first person who saves the card is its owner, on all their devices.
        "multipleDevicesAndHoldersAllowedStatus": (
            "ONE_USER_ALL_DEVICES" if design.sharing_prohibited else "MULTIPLE_HOLDERS"
        ),
        **_circumstances(design, pictures),
    }
    if template := layout.class_template(design):
        body["classTemplateInfo"] = template
    for fact, name in LABELS[design.kind].items():
        field = layout.first(design, fact)
        label = field.label if field is not None else {}
        if label.get(default):
            body[name[0].lower() + name[1:]] = label[default]
            body[f"localized{name}"] = _localized(label, design)
    if callback_url is not None and callback_url.startswith("https://"):
        body["callbackOptions"] = {"url": callback_url}
    return body


def _named(design: Design, pictures: Pictures, offer: OfferShown | None) -> GoogleBody:
    """The name, the logo and other parts that a class of this kind needs."""
    if design.kind == "generic":
        return {}
    default = design.languages[0]
    logo = _image(pictures.logo, design)
    of_all: GoogleBody = {
        # Sent with every write: without it Google refuses to change an approved class.
        "reviewStatus": "UNDER_REVIEW",
        **_called("issuerName", design),
        "heroImage": _image(pictures.hero, design),
        "hexBackgroundColor": design.background.lower(),
    }
    match design.kind:
        case "loyalty":
            return of_all | {
                "programName": design.description[default],
                "localizedProgramName": _localized(design.description, design),
                "programLogo": logo,
            }
        case "gift_card":
            return of_all | {**_called("merchantName", design), "programLogo": logo}
        case "offer":
            return of_all | {
                **_called("provider", design),
                **_offered(design, offer),
                "redemptionChannel": "INSTORE",
                "titleImage": logo,
            }


def _called(field: str, design: Design) -> GoogleBody:
    """The name of the organisation in the field of a class that has it, in each language in which
    it has a name of its own."""
    found: GoogleBody = {field: design.organization_name}
    if len(design.names) > 1:
        found[_localised(field)] = _localized(design.names, design)
    return found


def _localised(field: str) -> str:
    """Google's name of the same field in several languages."""
    return f"localized{field[0].upper()}{field[1:]}"


def _offered(design: Design, offer: OfferShown | None) -> GoogleBody:
    """Title and details of an offer, in each language that it was written in."""
    default = design.languages[0]
    if offer is None or not offer.title:  # its member was erased
        return {"title": design.description[default]}
    titles = _in_each(offer, design, lambda shown: shown.title)
    named: GoogleBody = {"title": titles[default]}
    if offer.others:
        named["localizedTitle"] = _localized(titles, design, titles)
    if offer.text:
        details = _in_each(offer, design, lambda shown: shown.text)
        named["details"] = details[default]
        if offer.others:
            named["localizedDetails"] = _localized(details, design, details)
    return named


def _in_each(offer: OfferShown, design: Design, part: Callable[[OfferShown], str]) -> Translations:
    """This part of the offer in the languages of the design, and in others that it was written
    in."""
    return {
        language: part(offer.in_language(language))
        for language in dict.fromkeys([*design.languages, *offer.others])
    }


def class_patch(body: GoogleBody) -> GoogleBody:
    """The change that brings an existing class to this body; what the design no longer has is
    cleared. Google merges objects, so a part of the layout that is gone must be sent as null."""
    lost: GoogleBody = dict.fromkeys(MAY_BE_LOST)
    names = (
        _localised(name) for name in ("issuerName", "merchantName", "provider") if name in body
    )
    lost |= dict.fromkeys(names)
    if "programName" in body:
        lost |= dict.fromkeys(_labels("loyalty"))
    elif "merchantName" in body:
        lost |= dict.fromkeys(_labels("gift_card"))
    elif "title" in body:
        lost |= dict.fromkeys(("localizedTitle", "details", "localizedDetails"))
    template = body.get("classTemplateInfo")
    kept = {name: value for name, value in body.items() if name != "id"}
    if isinstance(template, dict):
        kept["classTemplateInfo"] = {**dict.fromkeys(PARTS_OF_A_LAYOUT), **template}
    return {**lost, **kept}


def _labels(kind: PassKind) -> Iterator[str]:
    for name in LABELS[kind].values():
        yield from (name[0].lower() + name[1:], f"localized{name}")


def object_body(
    id_: str,
    class_: str,
    design: Design,
    content: Content,
    pictures: Pictures,
    totp_secret: bytes = b"",
    linked: Sequence[str] = (),
) -> GoogleBody:
    """The object to insert. `content` must have been rendered from `design`. With a `totp_secret`
    the phone draws a code that changes by itself, where it can. `linked` are objects of offers that
    are shown with the card; Google must have them."""
    body: GoogleBody = {
        "id": id_,
        "classId": class_,
        "state": "INACTIVE" if content.voided else STATES[content.state],
        "textModulesData": _text_modules(design, content),
    }
    if content.expires:
        body["validTimeInterval"] = {"end": {"date": content.expires}}
    if design.grouping is not None:
        body["groupingInfo"] = {"groupingId": design.grouping}
    if content.barcode:
        body["barcode"] = {
            "type": _barcode_type(design, content.barcode),
            "value": content.barcode,
            "alternateText": content.card_number,
            "renderEncoding": "UTF_8",
        }
        if design.kind in ROTATES and totp_secret and design.symbology in codes.ROTATING_CARRIERS:
            body["rotatingBarcode"] = _rotating(design, content, totp_secret)
    if design.kind == "loyalty" and linked and not content.voided:
        body["linkedOfferIds"] = list(linked[:MOST_LINKED])
    return body | _of_kind(design, content, pictures)


def _of_kind(design: Design, content: Content, pictures: Pictures) -> GoogleBody:
    """The fields that only objects of this kind have."""
    name, points = _first(design, content, "name"), _first(design, content, "points")
    body: GoogleBody = {}
    if design.kind == "generic":
        return _titled(design, content, pictures)
    if design.kind == "gift_card":
        body["cardNumber"] = content.card_number or NOTHING
        if points is not None and points.currency is not None:
            body["balance"] = _money(points)
    if design.kind != "loyalty":
        return body
    if content.barcode:
        body["accountId"] = content.card_number
    if name is not None and name.value != NOTHING:
        body["accountName"] = str(name.value)
    if points is not None:
        body["loyaltyPoints"] = _loyalty_points(design, points)
    return body


def _titled(design: Design, content: Content, pictures: Pictures) -> GoogleBody:
    """The head of a generic object: the organisation, and the primary field or, if that is empty,
    what kind of card it is."""
    default = design.languages[0]
    body: GoogleBody = {
        "genericType": "GENERIC_MEMBERSHIP_CARD",
        "cardTitle": _localized(design.names, design),
        "header": _localized(design.description, design),
        "logo": _image(pictures.logo, design),
        "heroImage": _image(pictures.hero, design),
        "hexBackgroundColor": design.background.lower(),
    }
    field = layout.title(design)
    shown = _shown(content, field.key) if field is not None else None
    if field is not None and shown is not None and shown.value != NOTHING:
        said = _in_languages(field, shown, design) or {default: _written(shown)}
        body["header"] = _localized(said, design, shown.said or ())
        if field.label.get(default):
            body["subheader"] = _localized(field.label, design)
    return body


def object_patch(
    body: GoogleBody,
    design: Design,
    content: Content,
    before: int | None,
    *,
    same_design: bool = True,
) -> GoogleBody:
    """The change that brings an existing object to this body. Google merges objects and replaces
    lists as a whole, so all text modules are sent or none.

    `before` are the points that were written last, None if they are not known; `same_design`:
    whether they were written from this revision. If points changed and the design has words for
    that, the phone may tell its owner; the words are Google's."""
    patch: GoogleBody = dict.fromkeys(name for name in OURS[design.kind] if name not in ALWAYS)
    patch |= {name: value for name, value in body.items() if name not in ("id", "classId")}
    if content.voided or not content.card_number:
        patch["messages"] = []  # Google keeps what it was told, and the card tells nothing more
    now = points(design, content)
    if now is None or design.kind != "loyalty":
        return patch
    grew = before is None or (before > LARGEST_INT) != (now > LARGEST_INT)
    if grew or not same_design:
        # If the balance was of another kind before, merging would leave both: the other is cleared.
        loyalty = body["loyaltyPoints"]
        if isinstance(loyalty, dict):
            kinds = ("int", "string") if same_design else ("int", "string", "money")
            both = {**dict.fromkeys(kinds), **loyalty["balance"]}
            patch["loyaltyPoints"] = {**loyalty, "balance": both}
    shown = _first(design, content, "points")
    if shown is not None and before is not None and before != now and _may_announce(design, shown):
        patch[NOTIFY] = "NOTIFY_ON_UPDATE"
    return patch


def message(design: Design, content: Content) -> GoogleBody | None:
    """The message that the card shows, as `addMessage` takes it; None if it shows none."""
    field = layout.first(design, "message")
    shown = _shown(content, field.key) if field is not None else None
    if field is None or shown is None or not content.message or content.voided:
        return None
    found: GoogleBody = {
        "id": content.message,
        "header": field.label.get(design.languages[0]) or design.organization_name,
        "body": str(shown.value),
    }
    if field.label.get(design.languages[0]):
        found["localizedHeader"] = _localized(field.label, design)
    return found


def essentials(body: GoogleBody) -> GoogleBody:
    """What a card cannot do without: whose it is, what it holds, and its code. The rest comes with
    the next write."""
    return {name: value for name, value in body.items() if name in ESSENTIAL}


def announces_offers(design: Design) -> bool:
    """Whether the design has words for a new offer, so that phones tell of it."""
    return any(
        field.shows in ("offer", "offers") and field.change_message is not None
        for field in design.fields
    )


def offer_message(
    id_: str, offer: OfferShown, design: Design, content: Content
) -> GoogleBody | None:
    """The newest offer as `addMessage` takes it; None if the card does not show it, or not with
    words for a new one."""
    shown = next(
        (
            field
            for field in design.fields
            if field.shows in ("offer", "offers")
            and field.change_message is not None
            and (value := _shown(content, field.key)) is not None
            and str(value.value).startswith(offer.title)
        ),
        None,
    )
    if shown is None or content.voided or not offer.title:
        return None
    header = shown.label.get(design.languages[0]) or design.organization_name
    found: GoogleBody = {"id": id_, "header": header, "body": offer.in_full}
    if offer.others:
        in_each = _in_each(offer, design, lambda one: one.in_full)
        found["localizedBody"] = _localized(in_each, design, in_each)
        if shown.label.get(design.languages[0]):
            found["localizedHeader"] = _localized(shown.label, design)
    return found


def quiet(patch: Mapping[str, object]) -> GoogleBody:
    """The same change without an alert. Google accepts it at any time."""
    return {name: value for name, value in patch.items() if name != NOTIFY}


def differing(
    kind: PassKind, body: Mapping[str, object], found: Mapping[str, object]
) -> Sequence[str]:
    """The names of those fields of ours that Google has in another state than was written. What
    Google adds by itself is no difference. Secrets are not compared, since Google may not return
    them."""
    ours = dict(body)
    if isinstance(rotating := ours.get("rotatingBarcode"), Mapping):
        ours["rotatingBarcode"] = {k: v for k, v in rotating.items() if k != "totpDetails"}
    return [name for name in OURS[kind] if not _holds(found.get(name), ours.get(name))]


def _holds(found: object, ours: object) -> bool:
    if isinstance(ours, Mapping):
        return isinstance(found, Mapping) and all(
            _holds(found.get(name), value) for name, value in ours.items()
        )
    if isinstance(ours, Sequence) and not isinstance(ours, str):
        mine = list(ours)
        theirs = list(found) if isinstance(found, list) else []
        return len(mine) == len(theirs) and all(map(_holds, theirs, mine))
    return found == ours


def points(design: Design, content: Content) -> int | None:
    """The balance the object shows; None if the design shows none."""
    shown = _first(design, content, "points")
    return shown.value if shown is not None and isinstance(shown.value, int) else None


def _first(design: Design, content: Content, fact: Fact) -> FieldValue | None:
    """The value in the fact's own place at Google; None if no field shows the fact."""
    field = layout.first(design, fact)
    return _shown(content, field.key) if field is not None else None


def _shown(content: Content, key: str) -> FieldValue | None:
    return next((shown for shown in content.values if shown.key == key), None)


def _may_announce(design: Design, shown: FieldValue) -> bool:
    return shown.announce and any(
        field.key == shown.key and field.change_message is not None for field in design.fields
    )


def _rotating(design: Design, content: Content, secret: bytes) -> GoogleBody:
    parameters = {"key": secret.hex().upper(), "valueLength": codes.VALUE_DIGITS}
    return {
        "type": BARCODES[design.symbology],
        "valuePattern": codes.rotating_pattern(content.card_number),
        "alternateText": content.card_number,
        "totpDetails": {
            "algorithm": "TOTP_SHA1",
            "periodMillis": str(codes.PERIOD_S * 1000),
            "parameters": [parameters],
        },
    }


def _loyalty_points(design: Design, shown: FieldValue) -> GoogleBody:
    described: GoogleBody = {"balance": _balance(design, shown)}
    label = _label(design, shown)
    if label.get(design.languages[0]):
        described["label"] = label[design.languages[0]]
        described["localizedLabel"] = _localized(label, design)
    return described


def _balance(design: Design, shown: FieldValue) -> GoogleBody:
    value = shown.value
    currency = next(field.currency for field in design.fields if field.key == shown.key)
    if currency is not None or shown.currency is not None:
        return {"money": _money(replace(shown, currency=shown.currency or currency))}
    fits = isinstance(value, int) and value <= LARGEST_INT
    return {"int": value} if fits else {"string": str(value)}


def _money(shown: FieldValue) -> GoogleBody:
    """Money as Google takes it, in millionths. An int64 is text in JSON."""
    micros = int(shown.value) * MICROS // 10**shown.scale
    return {"micros": str(micros), "currencyCode": shown.currency}


def _barcode_type(design: Design, text: str) -> str:
    symbology = symbologies.drawn(design, text)
    if symbology == "itf" and len(text) != ITF_DIGITS:
        symbology = "qr"
    return BARCODES[symbology]


def _circumstances(design: Design, pictures: Pictures) -> GoogleBody:
    """Where the card comes up, and where it leads. Google has no place for Apple's relevant dates,
    beacons and tap cards."""
    default = design.languages[0]
    found: GoogleBody = {}
    if design.locations:
        found["merchantLocations"] = [
            {"latitude": place.latitude, "longitude": place.longitude} for place in design.locations
        ]
    if design.links:
        found["linksModuleData"] = {
            "uris": [
                {
                    "uri": link.url,
                    "description": link.label[default],
                    "localizedDescription": _localized(link.label, design),
                    "id": layout.module_id(link.key),
                }
                for link in design.links
            ]
        }
    if design.messages:
        found["messages"] = [
            {
                "id": layout.module_id(message.key),
                "header": message.title[default],
                "body": message.text[default],
                "localizedHeader": _localized(message.title, design),
                "localizedBody": _localized(message.text, design),
                "messageType": "TEXT",
            }
            for message in design.messages
        ]
    if pictures.poster is not None:
        found["imageModulesData"] = [{"id": "poster", "mainImage": _image(pictures.poster, design)}]
    if design.app is not None and design.app.android_package is not None:
        found["appLinkData"] = {
            "androidAppLinkInfo": {"appTarget": {"packageName": design.app.android_package}},
            "displayText": _localized(design.app.label, design),
        }
    return found


def _text_modules(design: Design, content: Content) -> Sequence[Mapping[str, object]]:
    """All fields that have no place of their own."""
    modules = []
    for field in layout.text_modules(design):
        shown = _shown(content, field.key)
        if shown is None:
            continue
        module: GoogleBody = {"id": layout.module_id(field.key), "body": _written(shown)}
        if (said := _in_languages(field, shown, design)) is not None:
            module["body"] = said[design.languages[0]]
            module["localizedBody"] = _localized(said, design, shown.said or ())
        if field.label.get(design.languages[0]):
            module["header"] = field.label[design.languages[0]]
            module["localizedHeader"] = _localized(field.label, design)
        modules.append(module)
    return modules


def _written(shown: FieldValue) -> str:
    """A value as text, for places where Google does not format it."""
    if shown.currency is None or not isinstance(shown.value, int):
        return str(shown.value)
    return f"{Decimal(shown.value).scaleb(-shown.scale)} {shown.currency}"


def _in_languages(field: FieldDesign, shown: FieldValue, design: Design) -> Translations | None:
    """The value in each language, for texts and dates, which Google does not format; None for
    others, and for what was written in one language."""
    if field.shows == "text":
        return field.text
    if shown.said is not None:
        return shown.said
    if field.shows != "expires" or shown.value == NOTHING:
        return None
    moment = datetime.fromisoformat(str(shown.value))
    return {language: words.end_in(language, moment) for language in design.languages}


def _label(design: Design, shown: FieldValue) -> Translations:
    return next(field.label for field in design.fields if field.key == shown.key)


def _image(address: str, design: Design) -> GoogleBody:
    described: GoogleBody = {
        "defaultValue": {"language": design.languages[0], "value": design.organization_name}
    }
    if len(design.names) > 1:
        described = _localized(design.names, design)
    return {"sourceUri": {"uri": address}, "contentDescription": described}


def _localized(text: Translations, design: Design, beyond: Collection[str] = ()) -> GoogleBody:
    """A text in the languages of the design, and in those `beyond` it."""
    default, *others = dict.fromkeys([*design.languages, *beyond])
    localized: GoogleBody = {"defaultValue": {"language": default, "value": text[default]}}
    if others:
        localized["translatedValues"] = [
            {"language": language, "value": said(text, language, default)} for language in others
        ]
    return localized
