"""What the page shows, as plain data: the pass drawn from its pass.json, the last change, and the
exchanges between phone, till and service."""

import io
import re
import zlib
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

import segno

from ledger.languages import Language
from wallet.apple.reading import OpenedPass, PassBarcode
from wallet.sandbox import words
from wallet.sandbox.exchanges import Exchange, Journal
from wallet.sandbox.passbook import FieldChange
from wallet.sandbox.phone import CardChange, VirtualPhone

SHOWN_EXCHANGES = 60
QR = "PKBarcodeFormatQR"
GROUPS = {
    "header": ("headerFields",),
    "primary": ("primaryFields",),
    "secondary": ("secondaryFields", "auxiliaryFields"),
    "back": ("backFields",),
}
PICTURES = ("logo", "strip", "thumbnail", "icon")
# What a card may ask: the kind of input, as HTML has it.
INPUTS = {"name": "text", "phone": "tel", "email": "email", "postal_code": "text"}
TAG = re.compile(r"<[^>]*>")
COLOURS = ("backgroundColor", "foregroundColor", "labelColor")

# A push that came so long after the till's answer was for another change.
SAME_STORY = timedelta(minutes=1)


def state(
    phone: VirtualPhone,
    journal: Journal,
    serial: str | None,
    language: Language,
    answered_at: datetime | None,
) -> dict[str, object]:
    """Everything on the page. `serial`: the pass in front, or the newest. `answered_at`: when the
    till last got an answer."""
    revision = journal.revision  # read first: what comes meanwhile is news for the next look
    passes, changes = phone.passes, phone.changes
    front = _in_front(passes, serial)
    last = [change for change in changes if front and change.after.serial == front.serial][-1:]
    return {
        "revision": revision,
        "passes": [_tab(one, number) for number, one in enumerate(passes, 1)],
        "pass": face(front, language) if front else None,
        "change": changed(last[0], language, answered_at) if last else None,
        "notices": [_notice(change, language) for change in changes],
        "exchanges": _exchanges(journal.after(0), language),
    }


def serial_in_front(phone: VirtualPhone, serial: str | None) -> str:
    """The serial of the pass in front; empty if there is no pass."""
    front = _in_front(phone.passes, serial)
    return front.serial if front else ""


def face(pass_: OpenedPass, language: Language) -> dict[str, object]:
    """The pass as it is drawn."""
    return {
        "serial": pass_.serial,
        "colours": [str(pass_.document.get(name, "")) for name in COLOURS],
        "organization": pass_.organization,
        "title": pass_.said(str(pass_.document.get("logoText", "")), language),
        "voided": words.said("page.voided", language) if pass_.document.get("voided") else "",
        "pictures": {name: address for name in PICTURES if (address := _picture(pass_, name))},
        "barcode": _barcode(pass_, language),
        "sheet": _sheet(pass_, language),
        **{
            slot: [
                {"label": pass_.label(field, language), "value": pass_.value(field, language)}
                for field in pass_.fields
                if field.group in groups
            ]
            for slot, groups in GROUPS.items()
        },
    }


def written(answer: Mapping[str, object]) -> dict[str, str]:
    """A sheet that was filled in, in the form in which a phone sends it."""
    said = {name: str(answer.get(name, "")).strip() for name in INPUTS}
    given, _, family = said["name"].partition(" ")
    sent = {
        "fullName": said["name"],
        "givenName": given,
        "familyName": family,
        "phoneNumber": said["phone"],
        "emailAddress": said["email"],
        "postalCode": said["postal_code"],
    }
    return {name: value for name, value in sent.items() if value}


def changed(
    change: CardChange, language: Language, answered_at: datetime | None
) -> dict[str, object]:
    """Before and after, what the lock screen said of it, and how long the push took."""
    fields = change.fields(language)
    message = change.message(language)
    return {
        "before": _side(fields, "before"),
        "after": _side(fields, "after"),
        "message": (
            words.said("page.silent", language)
            if message is None
            else words.said("page.lock_screen", language, message=message)
        ),
        "took": _took(change, answered_at, language),
    }


def barcode_svg(barcode: PassBarcode) -> bytes | None:
    """The code as a picture; None for the kinds that are shown as text."""
    if barcode.format != QR:
        return None
    return qr_svg(barcode.message)


def qr_svg(text: str) -> bytes:
    picture = io.BytesIO()
    code = segno.make(text, error="m", micro=False)
    code.save(picture, kind="svg", border=0, omitsize=True, xmldecl=False)
    return picture.getvalue()


def _in_front(passes: list[OpenedPass], serial: str | None) -> OpenedPass | None:
    """The pass that was asked for, or the newest."""
    return next((one for one in passes if one.serial == serial), passes[-1] if passes else None)


def _tab(pass_: OpenedPass, number: int) -> dict[str, object]:
    return {"serial": pass_.serial, "name": f"{number} · {pass_.organization}"}


def _picture(pass_: OpenedPass, name: str) -> str:
    """The address of a picture on this page; it changes when the picture does."""
    data = pass_.image(name)
    if data is None:
        return ""
    return f"/passes/{pass_.serial}/{name}.png?v={zlib.crc32(data):08x}"


def _barcode(pass_: OpenedPass, language: Language) -> dict[str, str] | None:
    code = pass_.barcode
    if code is None:
        return None
    if code.format == QR:
        address = f"/passes/{pass_.serial}/barcode.svg?v={zlib.crc32(code.message.encode()):08x}"
        return {"picture": address, "caption": code.caption, "text": ""}
    kind = code.format.removeprefix("PKBarcodeFormat")
    hint = words.said("page.no_barcode", language)
    return {"picture": "", "caption": code.caption, "text": f"{hint}: {kind} {code.message}"}


def _sheet(pass_: OpenedPass, language: Language) -> dict[str, object] | None:
    sheet = pass_.sheet
    if sheet is None:
        return None
    return {
        "text": sheet.text,
        "terms": TAG.sub("", sheet.terms),
        "fields": [
            {"name": name, "label": words.said(f"page.sheet.{name}", language), "type": kind}
            for name, kind in INPUTS.items()
            if name in sheet.asks
        ],
    }


def _side(fields: Iterable[FieldChange], side: str) -> list[dict[str, str]]:
    return [{"label": field.label, "value": getattr(field, side)} for field in fields]


def _took(change: CardChange, answered_at: datetime | None, language: Language) -> str:
    if change.pushed_at is None or answered_at is None:
        return ""
    took = change.pushed_at - answered_at
    if abs(took) > SAME_STORY:
        return ""
    # A push may come before the answer: then the wait for it was zero.
    ms = max(0, round(took.total_seconds() * 1000))
    return words.said("page.push_ms", language, ms=ms)


def _notice(change: CardChange, language: Language) -> dict[str, object]:
    return {
        "number": change.number,
        "title": change.after.organization,
        "text": change.message(language) or "",
        "icon": _picture(change.after, "icon"),
    }


def _exchanges(exchanges: list[Exchange], language: Language) -> list[dict[str, object]]:
    return [
        {
            "number": exchange.number,
            "at": exchange.at.isoformat(),
            "who": exchange.who,
            "whose": words.said(f"who.{exchange.who}", language),
            "what": f"{exchange.method} {exchange.path}",
            "status": exchange.status,
            "ms": "" if exchange.ms is None else f"{exchange.ms:.0f} {words.said('ms', language)}",
            "sentence": exchange.sentence(language),
        }
        for exchange in reversed(exchanges[-SHOWN_EXCHANGES:])
    ]
