"""How a card, or a coupon, is kept in a phone: the one button for what the reader holds, and other
ways beside it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from flask import request, url_for

from wallet.installation import current_installation
from wallet.pages.badges import ShownBadge
from wallet.pages.language import gettext as _
from wallet.passes.badges import BadgeOf

DeviceKind = Literal["apple", "android", "desktop"]


@dataclass(frozen=True, slots=True)
class Way:
    """A link that puts a card or a coupon into a wallet."""

    label: str
    url: str


@dataclass(frozen=True, slots=True)
class WalletButton:
    """What puts the card into a wallet; a badge, or the label. `wallet` None: into any app."""

    wallet: BadgeOf | None
    label: str
    url: str
    badge: ShownBadge | None = None


def device(user_agent: str) -> DeviceKind:
    """What the reader holds, guessed from the browser's name. An iPad says that it is a Mac: who
    seems to sit at a computer is shown every way."""
    if any(word in user_agent for word in ("iPhone", "iPad", "iPod")):
        return "apple"
    return "android" if "Android" in user_agent else "desktop"


def held() -> DeviceKind:
    """What the reader of this page holds."""
    return device(request.user_agent.string)


def of_pass(
    token: str, badges: Mapping[BadgeOf, ShownBadge]
) -> tuple[tuple[WalletButton, ...], tuple[Way, ...]]:
    """For a card or a coupon, the button of the wallet that the reader's device has, if it is set
    up; both if it is no phone. And what else can be done there, as links."""
    holds, house = held(), current_installation()
    apple_url = url_for("pages.cards.apple", token=token)
    for_any_app = _("Download for a wallet app")
    buttons, others = [], []
    if house.apple is not None and holds != "android":
        label = _("Add to Apple Wallet")
        buttons.append(WalletButton("apple", label, apple_url, badges.get("apple")))
    if house.google is not None and holds != "apple":
        label, url = _("Add to Google Wallet"), url_for("pages.cards.google", token=token)
        buttons.append(WalletButton("google", label, url, badges.get("google")))
    if house.apple is not None and holds == "android":
        if buttons:
            others.append(Way(for_any_app, apple_url))
        else:
            buttons.append(WalletButton(None, for_any_app, apple_url))
    return tuple(buttons), tuple(others)
