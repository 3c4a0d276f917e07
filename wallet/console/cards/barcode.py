"""The page of what the barcodes of a programme's cards hold. It is a term of the programme and no
part of a design: cards follow as soon as it is saved."""

from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import TypeVar

from flask import Blueprint
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from ledger.errors import Refusal, TermsRefused
from ledger.programmes.programmes import Programme
from ledger.words import N_
from wallet.access import changes
from wallet.access.changes import ChangedThing
from wallet.console import doing, opened, pages
from wallet.console.cards import worked_on
from wallet.console.cards.worked_on import HERE
from wallet.console.forms import FORM, FormEntries, FormRefused
from wallet.console.pages import IN_PROGRAMME, needs
from wallet.errors import CodeNotCarried
from wallet.installation import current_installation
from wallet.pages.language import gettext as _
from wallet.passes import barcode_settings, issued, renewal
from wallet.passes.barcode_settings import AtGoogle, BarcodeSettings, Numbers
from wallet.passes.codes import CodeKind

PAGE = "console/cards/barcode.html"
NUMBERS: Mapping[Numbers, str] = {"accept": N_("is taken"), "refuse": N_("is refused")}
AT_GOOGLE: Mapping[AtGoogle, str] = {
    "same": N_("the same as on an iPhone"),
    "rotating": N_("a code that changes every half minute"),
}

ChosenTerm = TypeVar("ChosenTerm", CodeKind, Numbers, AtGoogle)

routes = Blueprint("barcode", __name__)


@routes.get(f"{IN_PROGRAMME}/cards/barcode")
@needs("programmes:read")
def show() -> str:
    """What the barcodes hold, and the form that changes it."""
    with current_installation().database.reading() as session:
        programme = pages.programme_row(session)
        choice = barcode_settings.of(session, programme.id)
        return pages.show(
            PAGE, HERE, problems={}, typed=asdict(choice), **_around(session, programme)
        )


@routes.post(f"{IN_PROGRAMME}/cards/barcode")
@needs("programmes:write")
def save() -> Response:
    """Change what the barcodes hold; cards that exist follow."""
    entries, house = FormEntries(), current_installation()
    kind = _chosen(entries, "kind", worked_on.CODE_KINDS)
    numbers = _chosen(entries, "numbers", NUMBERS)
    at_google = _chosen(entries, "at_google", AT_GOOGLE)
    renew_days, grace_hours = entries.whole("renew_days"), entries.whole("grace_hours")

    def work(session: Session) -> None:
        programme = pages.programme_row(session)
        before = barcode_settings.held(session, programme.id)
        opened.require_fresh(session, entries, [_thing(programme)])
        if renew_days is None or grace_hours is None or not entries.fit:
            raise FormRefused
        choice = replace(
            before,
            kind=kind,
            numbers=numbers,
            at_google=at_google,
            renew_days=renew_days,
            grace_hours=grace_hours,
        )
        if choice == before:
            return
        renewal.change_terms(session, programme, choice)
        changes.note(
            session,
            pages.author(),
            "card_code.changed",
            _thing(programme),
            house.clock(),
            asdict(before),
            asdict(choice),
        )

    if not doing.done(entries, work, _field_of):
        with house.database.reading() as session:
            around = _around(session, pages.programme_row(session))
        return pages.show_again(PAGE, HERE, entries, typed=entries, **around)
    pages.say(_("Saved. The cards in phones follow by themselves."))
    return pages.go("console.barcode.show")


def _chosen(entries: FormEntries, name: str, known: Mapping[ChosenTerm, str]) -> ChosenTerm:
    """The known word that was chosen; the first of them, and a problem, for any other."""
    entries.choice(name, known)
    return next((one for one in known if one == entries[name]), next(iter(known)))


def _field_of(refusal: Refusal) -> str:
    if isinstance(refusal, TermsRefused) and refusal.field in BarcodeSettings.__slots__:
        return refusal.field
    if isinstance(refusal, CodeNotCarried):
        return "at_google" if refusal.kind == "rotating" else "kind"
    return FORM


def _thing(programme: Programme) -> ChangedThing:
    return ChangedThing("card_code", programme.code, programme.id)


def _around(session: Session, programme: Programme) -> Mapping[str, object]:
    def said(options: Mapping[ChosenTerm, str]) -> list[tuple[str, str]]:
        return [(one, _(words)) for one, words in options.items()]

    return {
        "kinds": said(worked_on.CODE_KINDS),
        "numbers": said(NUMBERS),
        "at_google": said(AT_GOOGLE),
        "cards": issued.number_of_kind(session, programme.id, coupons=False),
        "converting": barcode_settings.is_converting(session, programme.id),
        "opened": opened.last_change(session, [_thing(programme)]),
    }
