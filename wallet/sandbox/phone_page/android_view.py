"""What the page shows of the Android phone, as plain data: the card drawn as Google draws it."""

import zlib
from collections.abc import Mapping
from datetime import datetime

from ledger.languages import Language
from wallet.google.reading import AndroidCard, CardLine
from wallet.sandbox import words
from wallet.sandbox.android import AndroidChange, VirtualAndroid
from wallet.sandbox.phone_page import view
from wallet.sandbox.troubles import SandboxTrouble

PICTURES = ("logo", "hero")
QR = "QR_CODE"


def state(
    android: VirtualAndroid,
    number: str | None,
    language: Language,
    trouble: SandboxTrouble | None,
    now: datetime,
) -> dict[str, object]:
    """The card with this number, which is in front on the iPhone; without a number, the newest
    card. `trouble`: why the last card could not be added."""
    cards, changes = android.cards, android.changes
    wanted = [card for card in cards if number is None or card.number == number]
    card = wanted[-1] if wanted else None
    last = [change for change in changes if card and change.after.id == card.id][-1:]
    return {
        "card": face(card, language, now) if card else None,
        "note": _note(trouble, language),
        "notices": [_notice(change, language) for change in changes],
        "change": _changed(last[0], language) if last else None,
    }


def serial(state: Mapping[str, object]) -> str | None:
    """The serial of the card in such a state."""
    card = state["card"]
    return str(card["serial"]) if isinstance(card, dict) else None


def face(card: AndroidCard, language: Language, now: datetime) -> dict[str, object]:
    """The card as it is drawn at this moment."""
    ink = AndroidCard.ink_on(card.colour)
    return {
        "serial": card.id,
        "colours": [card.colour, ink, ink],
        "issuer": card.issuer(language),
        "programme": card.programme(language),
        "inactive": "" if card.is_active else words.said("page.voided", language),
        "pictures": {name: address for name in PICTURES if (address := _picture(card, name))},
        "rows": [[_line(line) for line in row] for row in card.face(language)],
        "details": [_line(line) for line in card.details(language)],
        "barcode": _barcode(card, language, now),
    }


def barcode_svg(card: AndroidCard, now: datetime) -> bytes | None:
    """The code as a picture; None for the kinds that are shown as text."""
    code = card.drawn_at(now)
    return view.qr_svg(code) if card.code_type == QR and code else None


def _line(line: CardLine) -> dict[str, str]:
    return {"label": line.label, "value": line.value}


def _picture(card: AndroidCard, name: str) -> str:
    """The address of a picture on this page; it changes when the address of the picture itself
    does."""
    address = card.picture(name)
    return f"/android/{card.id}/{name}.png?v={zlib.crc32(address.encode()):08x}" if address else ""


def _barcode(card: AndroidCard, language: Language, now: datetime) -> dict[str, str] | None:
    code = card.drawn_at(now)
    if not card.code_type:
        return None
    if card.code_type == QR:
        address = f"/android/{card.id}/barcode.svg?v={zlib.crc32(code.encode()):08x}"
        return {"picture": address, "caption": card.caption, "text": ""}
    hint = words.said("page.no_barcode", language)
    return {"picture": "", "caption": card.caption, "text": f"{hint}: {card.code_type} {code}"}


def _note(trouble: SandboxTrouble | None, language: Language) -> str:
    if trouble is None:
        return words.said("page.android_empty", language)
    if trouble.problem == "google_not_set_up":
        return words.said("page.android_not_set_up", language)
    return trouble.sentence(language)


def _notice(change: AndroidChange, language: Language) -> dict[str, object]:
    return {
        "number": change.number,
        "title": change.after.programme(language),
        "text": change.message(language) or "",
        "icon": _picture(change.after, "logo"),
    }


def _changed(change: AndroidChange, language: Language) -> dict[str, object]:
    fields, message = change.fields(language), change.message(language)
    return {
        "before": [{"label": field.label, "value": field.before} for field in fields],
        "after": [{"label": field.label, "value": field.after} for field in fields],
        "message": (
            words.said("page.lock_screen", language, message=message)
            if message is not None
            else words.said("page.android_silent", language)
        ),
        "took": "",
    }
