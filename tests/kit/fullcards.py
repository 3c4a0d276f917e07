"""A design with all that a design can have."""

import base64
from dataclasses import replace

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from wallet.passes.content import Design, FieldDesign
from wallet.passes.parts import (
    Action,
    App,
    BackMessage,
    Beacon,
    Link,
    NearField,
    Place,
    RelevantTime,
)

POINTS = FieldDesign("points", "header", {"ru": "Баллы"}, "points")
EXPIRES = FieldDesign("expires", "back", {"ru": "До"}, "expires")
TERMS = FieldDesign("terms", "back", {"ru": "Правила"}, "text", text={"ru": "Везде."})
DESIGN = Design("Ромашка", {"ru": "Карта"}, ("ru", "en"), (POINTS,))


def reader_key(curve: ec.EllipticCurve | None = None, *, compressed: bool = True) -> str:
    """A P-256 key in the form of Apple's documentation: the Base64 of its X.509 form."""
    public = ec.generate_private_key(curve or ec.SECP256R1()).public_key()
    if not compressed:
        der = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return base64.b64encode(der).decode()
    point = public.public_bytes(Encoding.X962, PublicFormat.CompressedPoint)
    heading = bytes.fromhex("3039301306072a8648ce3d020106082a8648ce3d030107032200")
    return base64.b64encode(heading + point).decode()


KEY = reader_key()
CAFE = Place(55.752, 37.592, text={"ru": "Вы рядом", "en": "You are near"})
BEACON = Beacon("6ba7b810-9dad-11d1-80b4-00c04fd430c8", 1, 2)
EVENING = RelevantTime("2026-12-31T18:00:00+03:00", "2027-01-01T02:00:00+03:00")
SITE = Link("site", "https://shop.example/rules?a=1&b=2", {"ru": "Подробно", "en": "More"})
NEWS = BackMessage("news", {"ru": "Новость"}, {"ru": "Открылись на Арбате"})
ORDER = Action("order", "order", "https://shop.example/order")
APP = App((1234567890,), "shop://card", "com.example.shop", {"ru": "Приложение"})
NFC = NearField("{card}", KEY, requires_authentication=True)

WHOLE = replace(
    DESIGN,
    fields=(POINTS, EXPIRES, TERMS),
    symbology="ean13",
    fallback="code128",
    relevant_dates=(EVENING, RelevantTime("2026-12-31T18:00+03:00")),
    locations=(CAFE,) * 10,
    beacons=(BEACON,),
    max_distance=200,
    nfc=NFC,
    app=APP,
    featured_actions=(ORDER,),
    links=(SITE, Link("call", "tel:+74951234567", {"ru": "Позвонить"})),
    messages=(NEWS,),
    expires="2027-01-01T00:00:00+03:00",
    sharing_prohibited=False,
    grouping="demo.cards",
    semantics={
        "balance": {"amount": "12.50", "currencyCode": "EUR"},
        "membershipProgramNumber": "{card}",
        "wifiAccess": [{"ssid": "Coffee", "password": "latte"}],
        "silenceRequested": False,
    },
    user_info={"shop": {"id": 7}, "card": "{card}"},
)
