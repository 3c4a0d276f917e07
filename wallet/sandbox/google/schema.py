"""Which names classes and objects may have, what they hold, and Google's limits on them.

Taken from the discovery document of walletobjects v1; only loyalty cards, offers, gift cards and
generic passes."""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from wallet.sandbox.google.refusals import Violation, invalid

JsonBody = dict[str, Any]

_OF_EVERY_CLASS = (
    " heroImage:Image hexBackgroundColor countryCode reviewStatus:Review.Status review:any"
    " multipleDevicesAndHoldersAllowedStatus:Holders allowMultipleUsersPerObject:bool"
    " callbackOptions:CallbackOptions classTemplateInfo:ClassTemplateInfo messages:Message*"
    " textModulesData:TextModuleData* imageModulesData:ImageModuleData*"
    " linksModuleData:LinksModuleData infoModuleData:any"
    " valueAddedModuleData:ValueAddedModuleData* merchantLocations:MerchantLocation*"
    " locations:any appLinkData:AppLinkData homepageUri:Uri enableSmartTap:bool"
    " redemptionIssuers:string* securityAnimation:SecurityAnimation"
    " viewUnlockRequirement:Unlock notifyPreference:Notify"
)
_OF_EVERY_OBJECT = (
    "id classId kind version:any state:State barcode:Barcode rotatingBarcode:RotatingBarcode"
    " heroImage:Image messages:Message* textModulesData:TextModuleData*"
    " imageModulesData:ImageModuleData* linksModuleData:LinksModuleData infoModuleData:any"
    " valueAddedModuleData:ValueAddedModuleData* merchantLocations:MerchantLocation*"
    " locations:any appLinkData:AppLinkData validTimeInterval:TimeInterval"
    " linkedObjectIds:string* groupingInfo:GroupingInfo passConstraints:PassConstraints"
    " saveRestrictions:SaveRestrictions smartTapRedemptionValue notifyPreference:Notify"
    " hasUsers:bool hasLinkedDevice:bool classReference:any disableExpirationNotification:bool"
)
# Shape -> its names. `name` is a text, `name:Type` something else; a list has a star.
_TABLE = {
    "LoyaltyClass": (
        "id kind version:any issuerName localizedIssuerName:LocalizedString programName"
        " localizedProgramName:LocalizedString programLogo:Image wideProgramLogo:Image"
        " wordMark:Image heroImage:Image hexBackgroundColor countryCode reviewStatus:Review.Status"
        " review:any"
        " accountNameLabel localizedAccountNameLabel:LocalizedString accountIdLabel"
        " localizedAccountIdLabel:LocalizedString rewardsTierLabel rewardsTier"
        " localizedRewardsTierLabel:LocalizedString localizedRewardsTier:LocalizedString"
        " secondaryRewardsTierLabel secondaryRewardsTier"
        " localizedSecondaryRewardsTierLabel:LocalizedString"
        " localizedSecondaryRewardsTier:LocalizedString"
        " multipleDevicesAndHoldersAllowedStatus:Holders allowMultipleUsersPerObject:bool"
        " callbackOptions:CallbackOptions classTemplateInfo:ClassTemplateInfo messages:Message*"
        " textModulesData:TextModuleData* imageModulesData:ImageModuleData*"
        " linksModuleData:LinksModuleData infoModuleData:any"
        " valueAddedModuleData:ValueAddedModuleData* merchantLocations:MerchantLocation*"
        " locations:any appLinkData:AppLinkData homepageUri:Uri enableSmartTap:bool"
        " redemptionIssuers:string* securityAnimation:SecurityAnimation"
        " viewUnlockRequirement:Unlock notifyPreference:Notify discoverableProgram:any"
    ),
    "LoyaltyObject": (
        "id classId kind version:any state:State accountId accountName loyaltyPoints:LoyaltyPoints"
        " secondaryLoyaltyPoints:LoyaltyPoints barcode:Barcode rotatingBarcode:RotatingBarcode"
        " heroImage:Image messages:Message* textModulesData:TextModuleData*"
        " imageModulesData:ImageModuleData* linksModuleData:LinksModuleData infoModuleData:any"
        " valueAddedModuleData:ValueAddedModuleData* merchantLocations:MerchantLocation*"
        " locations:any appLinkData:AppLinkData validTimeInterval:TimeInterval"
        " linkedOfferIds:string* linkedObjectIds:string* groupingInfo:GroupingInfo"
        " passConstraints:PassConstraints saveRestrictions:SaveRestrictions smartTapRedemptionValue"
        " notifyPreference:Notify hasUsers:bool hasLinkedDevice:bool classReference:any"
        " disableExpirationNotification:bool"
    ),
    "OfferClass": (
        "id kind version:any issuerName localizedIssuerName:LocalizedString title"
        " localizedTitle:LocalizedString shortTitle localizedShortTitle:LocalizedString provider"
        " localizedProvider:LocalizedString redemptionChannel:Channel details"
        " localizedDetails:LocalizedString finePrint localizedFinePrint:LocalizedString helpUri:Uri"
        " titleImage:Image wideTitleImage:Image" + _OF_EVERY_CLASS
    ),
    "OfferObject": _OF_EVERY_OBJECT,
    "GiftCardClass": (
        "id kind version:any issuerName localizedIssuerName:LocalizedString merchantName"
        " localizedMerchantName:LocalizedString programLogo:Image wideProgramLogo:Image"
        " cardNumberLabel localizedCardNumberLabel:LocalizedString pinLabel"
        " localizedPinLabel:LocalizedString eventNumberLabel"
        " localizedEventNumberLabel:LocalizedString allowBarcodeRedemption:bool" + _OF_EVERY_CLASS
    ),
    "GiftCardObject": (
        _OF_EVERY_OBJECT + " cardNumber pin eventNumber balance:Money balanceUpdateTime:DateTime"
    ),
    "GenericClass": (
        "id multipleDevicesAndHoldersAllowedStatus:Holders callbackOptions:CallbackOptions"
        " classTemplateInfo:ClassTemplateInfo messages:Message* textModulesData:TextModuleData*"
        " imageModulesData:ImageModuleData* linksModuleData:LinksModuleData"
        " valueAddedModuleData:ValueAddedModuleData* merchantLocations:MerchantLocation*"
        " appLinkData:AppLinkData enableSmartTap:bool redemptionIssuers:string*"
        " securityAnimation:SecurityAnimation viewUnlockRequirement:Unlock"
    ),
    "GenericObject": (
        "id classId state:State genericType:GenericType cardTitle:LocalizedString"
        " header:LocalizedString subheader:LocalizedString logo:Image wideLogo:Image"
        " heroImage:Image hexBackgroundColor barcode:Barcode rotatingBarcode:RotatingBarcode"
        " messages:Message* textModulesData:TextModuleData* imageModulesData:ImageModuleData*"
        " linksModuleData:LinksModuleData valueAddedModuleData:ValueAddedModuleData*"
        " merchantLocations:MerchantLocation* appLinkData:AppLinkData"
        " validTimeInterval:TimeInterval notifications:any linkedObjectIds:string*"
        " groupingInfo:GroupingInfo passConstraints:PassConstraints"
        " saveRestrictions:SaveRestrictions smartTapRedemptionValue hasUsers:bool"
    ),
    "LocalizedString": "kind defaultValue:TranslatedString translatedValues:TranslatedString*",
    "TranslatedString": "kind language value",
    "Image": "kind sourceUri:ImageUri contentDescription:LocalizedString privateImageId",
    "ImageUri": "uri description localizedDescription:LocalizedString",
    "Uri": "kind uri description localizedDescription:LocalizedString id",
    "LoyaltyPoints": "label localizedLabel:LocalizedString balance:LoyaltyPointsBalance",
    "LoyaltyPointsBalance": "int:int32 string double:double money:Money",
    "Money": "kind micros currencyCode",
    "Barcode": (
        "kind type:Barcode.Type renderEncoding:Encoding value alternateText"
        " showCodeText:LocalizedString"
    ),
    "RotatingBarcode": (
        "type:Barcode.Type renderEncoding:Encoding valuePattern totpDetails:TotpDetails"
        " alternateText showCodeText:LocalizedString"
    ),
    "TotpDetails": "algorithm periodMillis parameters:TotpParameters*",
    "TotpParameters": "key valueLength:int32",
    "TextModuleData": (
        "id header body localizedHeader:LocalizedString localizedBody:LocalizedString"
    ),
    "ImageModuleData": "id mainImage:Image",
    "LinksModuleData": "uris:Uri*",
    "Message": (
        "kind id header body localizedHeader:LocalizedString localizedBody:LocalizedString"
        " messageType:Message.Type displayInterval:TimeInterval"
    ),
    "TimeInterval": "kind start:DateTime end:DateTime",
    "DateTime": "date",
    "ValueAddedModuleData": (
        "header:LocalizedString body:LocalizedString image:Image uri viewConstraints:any"
        " sortIndex:int32"
    ),
    "MerchantLocation": "latitude:double longitude:double",
    "AppLinkData": (
        "webAppLinkInfo:AppLinkInfo androidAppLinkInfo:AppLinkInfo iosAppLinkInfo:AppLinkInfo"
        " displayText:LocalizedString"
    ),
    "AppLinkInfo": (
        "appLogoImage:Image title:LocalizedString description:LocalizedString appTarget:AppTarget"
    ),
    "AppTarget": "targetUri:Uri packageName",
    "CallbackOptions": "url updateRequestUrl",
    "SecurityAnimation": "animationType",
    "GroupingInfo": "groupingId sortIndex:int32",
    "PassConstraints": "screenshotEligibility nfcConstraint:string*",
    "SaveRestrictions": "restrictToEmailSha256",
    "ClassTemplateInfo": (
        "cardBarcodeSectionDetails:BarcodeSection cardTemplateOverride:CardTemplateOverride"
        " detailsTemplateOverride:DetailsTemplateOverride listTemplateOverride:ListTemplateOverride"
    ),
    "BarcodeSection": (
        "firstTopDetail:BarcodeDetail secondTopDetail:BarcodeDetail firstBottomDetail:BarcodeDetail"
    ),
    "BarcodeDetail": "fieldSelector:FieldSelector",
    "CardTemplateOverride": "cardRowTemplateInfos:CardRow*",
    "CardRow": "oneItem:OneItem twoItems:TwoItems threeItems:ThreeItems",
    "OneItem": "item:TemplateItem",
    "TwoItems": "startItem:TemplateItem endItem:TemplateItem",
    "ThreeItems": "startItem:TemplateItem middleItem:TemplateItem endItem:TemplateItem",
    "TemplateItem": "firstValue:FieldSelector secondValue:FieldSelector predefinedItem",
    "FieldSelector": "fields:FieldReference*",
    "FieldReference": "fieldPath dateFormat",
    "DetailsTemplateOverride": "detailsItemInfos:DetailsItem*",
    "DetailsItem": "item:TemplateItem",
    "ListTemplateOverride": (
        "firstRowOption:FirstRow secondRowOption:FieldSelector thirdRowOption:FieldSelector"
    ),
    "FirstRow": "transitOption fieldOption:FieldSelector",
}
SHAPES: Mapping[str, Mapping[str, str]] = {
    shape: {name.partition(":")[0]: name.partition(":")[2] or "string" for name in names.split()}
    for shape, names in _TABLE.items()
}

WORDS = {
    "State": "ACTIVE COMPLETED EXPIRED INACTIVE",
    "GenericType": (
        "GENERIC_SEASON_PASS GENERIC_UTILITY_BILLS GENERIC_PARKING_PASS GENERIC_VOUCHER"
        " GENERIC_GYM_MEMBERSHIP GENERIC_LIBRARY_MEMBERSHIP GENERIC_RESERVATIONS"
        " GENERIC_AUTO_INSURANCE GENERIC_HOME_INSURANCE GENERIC_ENTRY_TICKET GENERIC_RECEIPT"
        " GENERIC_LOYALTY_CARD GENERIC_BUSINESS_CARD GENERIC_BARCODE_PASS GENERIC_MEMBERSHIP_CARD"
        " GENERIC_STUDENT_CARD GENERIC_TRANSIT_PASS GENERIC_VEHICLE_REGISTRATION GENERIC_OTHER"
    ),
    "Review.Status": "UNDER_REVIEW APPROVED REJECTED DRAFT",
    "Holders": "MULTIPLE_HOLDERS ONE_USER_ALL_DEVICES ONE_USER_ONE_DEVICE",
    "Channel": "INSTORE ONLINE BOTH TEMPORARY_PRICE_REDUCTION",
    "Unlock": "UNLOCK_NOT_REQUIRED UNLOCK_REQUIRED_TO_VIEW",
    "Notify": "NOTIFY_ON_UPDATE NOTIFICATION_SETTINGS_FOR_UPDATES_UNSPECIFIED",
    "Encoding": "UTF_8",
    # EXPIRATION_NOTIFICATION has a name and no support.
    "Message.Type": "TEXT TEXT_AND_NOTIFY",
    "Barcode.Type": (
        "QR_CODE AZTEC PDF_417 CODE_128 CODE_39 CODABAR DATA_MATRIX EAN_8 EAN_13 ITF_14 UPC_A"
        " TEXT_ONLY"
    ),
}
REQUIRED: Mapping[str, tuple[tuple[str, ...], ...]] = {
    # One of each group must be there.
    "LoyaltyClass": (
        ("id",),
        ("issuerName", "localizedIssuerName"),
        ("programName", "localizedProgramName"),
        ("programLogo",),
        ("reviewStatus",),
    ),
    "LoyaltyObject": (("id",), ("classId",), ("state",)),
    "OfferClass": (
        ("id",),
        ("issuerName", "localizedIssuerName"),
        ("title", "localizedTitle"),
        ("provider", "localizedProvider"),
        ("redemptionChannel",),
        ("reviewStatus",),
    ),
    "OfferObject": (("id",), ("classId",), ("state",)),
    "GiftCardClass": (("id",), ("issuerName", "localizedIssuerName"), ("reviewStatus",)),
    "GiftCardObject": (("id",), ("classId",), ("state",), ("cardNumber",)),
    "GenericClass": (("id",),),
    "GenericObject": (("id",), ("classId",), ("cardTitle",), ("header",)),
    "ImageUri": (("uri",),),
    "Uri": (("uri",),),
    "Barcode": (("type",),),
}
EXACTLY_ONE = {
    "Image": ("sourceUri", "privateImageId"),
    "LoyaltyPointsBalance": ("int", "string", "double", "money"),
    "CardRow": ("oneItem", "twoItems", "threeItems"),
}
MOST = {
    "messages": 10,
    "merchantLocations": 10,
    "valueAddedModuleData": 15,
    "cardRowTemplateInfos": 3,
}
# What a phone would dial, mail or open: a scheme must stand before it.
ADDRESS = re.compile(r"[a-z][a-z0-9+.-]*:.+")
IMAGE_ADDRESS = re.compile(r"https?://[^/\s]+.*")
FORMS = {
    **{
        (shape, "hexBackgroundColor"): re.compile(r"#(?:[0-9a-fA-F]{3}){1,2}")
        for shape in ("LoyaltyClass", "OfferClass", "GiftCardClass", "GenericObject")
    },
    ("CallbackOptions", "url"): re.compile(r"https://[^/\s]+.*"),
    ("ImageUri", "uri"): IMAGE_ADDRESS,
    ("Uri", "uri"): ADDRESS,
    ("Money", "micros"): re.compile(r"-?[0-9]+"),
    ("TotpDetails", "periodMillis"): re.compile(r"[0-9]+"),
    ("TextModuleData", "id"): re.compile(r"[A-Za-z0-9_-]+"),
    ("ImageModuleData", "id"): re.compile(r"[A-Za-z0-9_-]+"),
}


def check_names(shape: str, body: object, where: str) -> None:
    """Refuse names that Google does not know, and values of the wrong kind; null always fits."""
    if not isinstance(body, dict):
        raise invalid(Violation(where, "Root element must be a message."))
    if found := list(_misfits(shape, body, where)):
        raise invalid(*found)


def check_whole(shape: str, body: JsonBody, where: str) -> None:
    """Refuse a stored resource that is incomplete, too large, or malformed."""
    if found := list(_flaws(shape, body, where)):
        raise invalid(*found)


def normal(shape: str, body: JsonBody) -> JsonBody:
    """The resource with today's spelling of words that have an older one, such as `active`."""
    spelled = dict(body)
    for name, kind in SHAPES[shape].items():
        value = spelled.get(name)
        if kind in ("State", "Review.Status") and isinstance(value, str):
            spelled[name] = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", value).upper()
    return spelled


def _misfits(shape: str, body: Mapping[str, object], where: str) -> Iterator[Violation]:
    known = SHAPES[shape]
    for name, value in body.items():
        path = f"{where}.{name}"
        if name not in known:
            yield Violation(
                where,
                f"Invalid JSON payload received. Unknown name \"{name}\" at '{where}':"
                " Cannot find field.",
            )
        elif value is not None:
            yield from _misfit(known[name], value, path)


def _misfit(kind: str, value: object, path: str) -> Iterator[Violation]:
    if kind.endswith("*"):
        if not isinstance(value, list):
            yield _wrong(path, "a list", value)
            return
        for index, one in enumerate(value):
            yield from _misfit(kind[:-1], one, f"{path}[{index}]")
    elif kind in SHAPES:
        if isinstance(value, dict):
            yield from _misfits(kind, value, path)
        else:
            yield _wrong(path, kind, value)
    elif not _fits(kind, value):
        yield _wrong(path, kind, value)


def _fits(kind: str, value: object) -> bool:
    if kind in WORDS:
        return isinstance(value, str) and value in WORDS[kind].split()
    match kind:
        case "string":
            return isinstance(value, str)
        case "bool":
            return isinstance(value, bool)
        case "int32":
            whole = isinstance(value, int) and not isinstance(value, bool)
            return whole and -(2**31) <= int(str(value)) < 2**31
        case "double":
            return isinstance(value, int | float) and not isinstance(value, bool)
    return True


def _wrong(path: str, kind: str, value: object) -> Violation:
    return Violation(path, f"Invalid value at '{path}' ({kind}), {str(value)[:60]!r}.")


def _flaws(shape: str, body: JsonBody, path: str) -> Iterator[Violation]:
    for group in REQUIRED.get(shape, ()):
        if not any(body.get(name) for name in group):
            yield Violation(f"{path}.{group[0]}", f"Required field {path}.{group[0]} is missing.")
    choice = EXACTLY_ONE.get(shape, ())
    if choice and sum(name in body for name in choice) != 1:
        yield Violation(path, f"Exactly one of {', '.join(choice)} must be set at {path}.")
    if shape == "TimeInterval":
        yield from _odd_interval(body, path)
    for name, value in body.items():
        place = f"{path}.{name}"
        form = FORMS.get((shape, name))
        if form is not None and not form.fullmatch(str(value)):
            yield Violation(place, f"Invalid value at '{place}': {str(value)[:60]!r}.")
        if isinstance(value, list) and len(value) > MOST.get(name, len(value)):
            yield Violation(place, f"{place} has more than {MOST[name]} entries.")
        yield from _flaws_within(SHAPES[shape][name], value, place)


def _flaws_within(kind: str, value: object, path: str) -> Iterator[Violation]:
    ones: Sequence[object] = value if isinstance(value, list) else [value]
    if kind.rstrip("*") in SHAPES:
        for one in ones:
            if isinstance(one, dict):
                yield from _flaws(kind.rstrip("*"), one, path)


def _odd_interval(body: JsonBody, path: str) -> Iterator[Violation]:
    """Whether one end of an interval has an offset and the other has none."""
    ends = [body[name].get("date", "") for name in ("start", "end") if name in body]
    try:
        with_offset = {datetime.fromisoformat(end).tzinfo is not None for end in ends}
    except ValueError:
        yield Violation(path, f"A date at {path} is not in ISO 8601.")
        return
    if len(with_offset) > 1:
        yield Violation(path, f"Only one end of {path} has an offset.")
