"""What the cards of a programme have in their barcodes, and the keys that tills check it with."""

from dataclasses import asdict, replace

from apiflask import APIBlueprint
from sqlalchemy.orm import Session

from ledger.errors import TermsRefused, UnknownProgramme
from ledger.programmes.programmes import Programme
from wallet.access import changes
from wallet.access.changes import ChangedThing
from wallet.api import lookup
from wallet.api.auth import author, needs
from wallet.api.bodies.codes import (
    CONVERTING,
    CardCodeChange,
    CardCodeOut,
    CheckingKeyOut,
    CheckingKeysOut,
)
from wallet.api.calls import refuses
from wallet.errors import CodeNotCarried
from wallet.installation import current_installation
from wallet.passes import barcode_settings, renewal

routes = APIBlueprint("card_codes", __name__, tag="Programmes")


@routes.get("/programmes/<programme>/card-code")
@routes.doc(operation_id="getCardCode")
@needs("programmes:read")
@refuses(UnknownProgramme)
@routes.output(CardCodeOut)
def read(programme: str) -> CardCodeOut:
    """What the barcodes of the programme's cards hold."""
    with current_installation().database.reading() as session:
        return _card_code_out(session, lookup.programme(session, programme))


@routes.patch("/programmes/<programme>/card-code")
@routes.doc(operation_id="updateCardCode")
@needs("programmes:write")
@refuses(UnknownProgramme, CodeNotCarried, TermsRefused)
@routes.input(CardCodeChange)
@routes.output(CardCodeOut, example=CONVERTING)
def change(programme: str, json_data: CardCodeChange) -> CardCodeOut:
    """Change what the barcodes of the programme's cards hold.

    Cards in phones follow in bounded steps."""

    def work(session: Session) -> CardCodeOut:
        programme_ = lookup.programme(session, programme)
        wanted = json_data.model_dump(exclude_none=True)
        before = barcode_settings.held(session, programme_.id)
        choice = replace(before, **wanted)
        renewal.change_terms(session, programme_, choice)
        of = ChangedThing("card_code", programme_.code, programme_.id)
        now = current_installation().clock()
        changes.note(
            session, author(session), "card_code.changed", of, now, asdict(before), asdict(choice)
        )
        return _card_code_out(session, programme_)

    return current_installation().database.run(work)


@routes.get("/programmes/<programme>/card-code/keys")
@routes.doc(operation_id="listCardCodeKeys")
@needs("codes:keys")
@refuses(UnknownProgramme)
@routes.output(CheckingKeysOut)
def keys(programme: str) -> CheckingKeysOut:
    """The keys by which a till recognises forged barcodes, without a network.

    For the kind `hmac` this is the secret itself: with it one can make barcodes too. The record of
    changes says who took it."""
    house = current_installation()
    with house.database.reading() as session:
        programme_ = lookup.programme(session, programme)
        kind = barcode_settings.of(session, programme_.id).kind
    if kind == "hmac":
        of = ChangedThing("card_code", programme_.code, programme_.id)
        with house.database.transaction() as session:
            by = author(session)
            changes.note(session, by, "card_code.keys_taken", of, house.clock())
    return CheckingKeysOut(
        programme=programme_.code,
        kind=kind,
        keys=[
            CheckingKeyOut(
                id=key.id,
                secret=key.value.hex() if kind == "hmac" else None,
                public_key=key.value.hex() if kind == "ed25519" else None,
            )
            for key in renewal.checking_keys(current_installation().keys, kind, programme_.code)
        ],
    )


def _card_code_out(session: Session, programme: Programme) -> CardCodeOut:
    return CardCodeOut(
        **asdict(barcode_settings.of(session, programme.id)),
        converting=barcode_settings.is_converting(session, programme.id),
    )
