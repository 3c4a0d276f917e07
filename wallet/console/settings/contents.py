"""The home of settings: what there is to set, by subject, in plain words; and one search over all
of it."""

from collections.abc import Sequence
from dataclasses import dataclass

from flask import Blueprint, request

from ledger.words import N_
from wallet.console import pages
from wallet.console.pages import IN_PROGRAMME, needs
from wallet.console.settings import search
from wallet.console.shell import ConsoleLink
from wallet.pages.language import gettext as _

HERE = "settings"

routes = Blueprint("settings", __name__)


@dataclass(frozen=True, slots=True)
class SettingsPlace:
    """A page of settings: its link, and what is there in one sentence."""

    endpoint: str
    right: str
    icon: str
    words: str
    under: str


# By subject, each with its places.
SUBJECTS: Sequence[tuple[str, Sequence[SettingsPlace]]] = (
    (
        N_("Programme"),
        (
            SettingsPlace(
                "console.base_programme.show",
                "programmes:read",
                "coins",
                N_("Base programme"),
                N_("What a purchase earns, how much points may pay, how long they live, gifts"),
            ),
            SettingsPlace(
                "console.programme_settings.show",
                "programmes:read",
                "settings",
                N_("Programme and company"),
                N_("Names, languages, country, time zone, returns, operator, personal data"),
            ),
            SettingsPlace(
                "console.stores.find",
                "stores:read",
                "building-store",
                N_("Stores and tills"),
                N_("Where customers buy, and how reports tell places apart"),
            ),
            SettingsPlace(
                "console.poster.show",
                "stores:read",
                "printer",
                N_("Poster"),
                N_("A sheet with a code to print, and how many joined by it"),
            ),
            SettingsPlace(
                "console.first_hour.show",
                "programmes:read",
                "checklist",
                N_("Ready to start"),
                N_("What is left to do before the first customer"),
            ),
        ),
    ),
    (
        N_("People and access"),
        (
            SettingsPlace(
                "console.staff.show",
                "staff:write",
                "users",
                N_("Staff and roles"),
                N_("Who comes in, and what each may do"),
            ),
            SettingsPlace(
                "console.keys.show",
                "keys:write",
                "key",
                N_("API keys"),
                N_("Access for tills, 1C and other programs"),
            ),
            SettingsPlace(
                "console.receivers.show",
                "receivers:read",
                "webhook",
                N_("Webhooks"),
                N_("Systems that tell us of points, and systems that we tell what happens"),
            ),
            SettingsPlace(
                "console.changes.show",
                "changes:read",
                "history",
                N_("Record of changes"),
                N_("Who changed what, and what it was before"),
            ),
        ),
    ),
    (
        N_("Data and cards"),
        (
            SettingsPlace(
                "console.imports.find",
                "imports:write",
                "file-spreadsheet",
                N_("Imports"),
                N_("Customers, points, products, prices and stores from a spreadsheet"),
            ),
            SettingsPlace(
                "console.jobs.show",
                "campaigns:read",
                "list-check",
                N_("Jobs"),
                N_("What runs now, and what ran lately"),
            ),
            SettingsPlace(
                "console.certificates.show",
                "programmes:read",
                "certificate",
                N_("Certificates"),
                N_("What Apple Wallet and Google Wallet need, and for how long it is good"),
            ),
        ),
    ),
)


@dataclass(frozen=True, slots=True)
class ShownPlace:
    """A place as the page shows it."""

    link: ConsoleLink
    under: str


@routes.get(f"{IN_PROGRAMME}/settings")
@needs("programmes:read")
def show() -> str:
    """All settings that the reader may see; with `q`, those that it means."""
    query = request.args.get("q", "").strip()[:100]
    found = search.found(query, pages.may, pages.programme().code)
    subjects = [
        (_(words), list(map(_shown, filter(_is_shown, places)))) for words, places in SUBJECTS
    ]
    is_part = request.headers.get("HX-Target") == "settings-found"
    return pages.show(
        "console/settings/settings_found.html" if is_part else "console/settings/settings.html",
        HERE,
        query=query,
        found=found,
        subjects=[(words, shown) for words, shown in subjects if shown],
    )


def _is_shown(place: SettingsPlace) -> bool:
    return search.has_page(place.endpoint) and pages.may(place.right)


def _shown(place: SettingsPlace) -> ShownPlace:
    link = ConsoleLink(_(place.words), pages.url(place.endpoint), place.icon)
    return ShownPlace(link, _(place.under))
