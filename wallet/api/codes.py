"""What the cards of a programme have in their barcodes, and the keys that tills check it with."""

from dataclasses import asdict, replace

from apiflask import APIBlueprint
from sqlalchemy.orm import Session

from ledger.programmes import programmes
from ledger.programmes.programmes import Programme
from wallet.api.auth import needs
from wallet.api.bodies import CardCodeChange, CardCodeOut, CheckingKeyOut, CheckingKeysOut
from wallet.installation import current_installation
from wallet.passes import barcode_settings, renewal

routes = APIBlueprint("card_codes", __name__, tag="Programmes")


@routes.get("/programmes/<programme>/card-code")
@needs("programmes:read")
@routes.output(CardCodeOut)
def read(programme: str) -> CardCodeOut:
    """What the programme's cards have in their barcodes."""
    with current_installation().database.reading() as session:
        return _told(session, programmes.by_code(session, programme))


@routes.patch("/programmes/<programme>/card-code")
@needs("programmes:write")
@routes.input(CardCodeChange)
@routes.output(CardCodeOut)
def change(programme: str, json_data: CardCodeChange) -> CardCodeOut:
    """Choose what they have from now on. Cards in phones follow, in bounded steps."""

    def work(session: Session) -> CardCodeOut:
        found = programmes.by_code(session, programme)
        wanted = json_data.model_dump(exclude_none=True)
        choice = replace(barcode_settings.of(session, found.id), **wanted)
        renewal.change_terms(session, found, choice)
        return _told(session, found)

    return current_installation().database.run(work)


@routes.get("/programmes/<programme>/card-code/keys")
@needs("codes:keys")
@routes.output(CheckingKeysOut)
def keys(programme: str) -> CheckingKeysOut:
    """What a till tells forged barcodes by, without a network. Of hmac it is the secret itself:
    whoever has it can make barcodes."""
    with current_installation().database.reading() as session:
        found = programmes.by_code(session, programme)
        kind = barcode_settings.of(session, found.id).kind
    return CheckingKeysOut(
        programme=found.code,
        kind=kind,
        keys=[
            CheckingKeyOut(
                id=key.id,
                secret=key.value.hex() if kind == "hmac" else None,
                public_key=key.value.hex() if kind == "ed25519" else None,
            )
            for key in renewal.checking_keys(current_installation().keys, kind, found.code)
        ],
    )


def _told(session: Session, programme: Programme) -> CardCodeOut:
    return CardCodeOut(
        **asdict(barcode_settings.of(session, programme.id)),
        converting=barcode_settings.is_converting(session, programme.id),
    )
