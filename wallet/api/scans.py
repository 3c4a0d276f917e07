"""What a till asks first: whose card is this?"""

from apiflask import APIBlueprint
from sqlalchemy.orm import Session

from ledger import members, offers
from ledger.errors import UnknownCard
from ledger.members import Member
from wallet.api.auth import needs
from wallet.api.bodies import OfferSeen, ScanIn, ScanOut
from wallet.api.members import described
from wallet.installation import here

routes = APIBlueprint("scans", __name__, tag="Scans")


@routes.post("/scans")
@needs("scans:write")
@routes.input(ScanIn)
@routes.output(ScanOut)
def scan(json_data: ScanIn) -> ScanOut:
    """Tell a till whose card this is. Spaces in the number do not count."""
    number = members.plain(json_data.barcode)
    if not members.may_be_card(number):
        raise UnknownCard
    with here().database.reading() as session:
        return _seen(session, members.by_card(session, number))


def _seen(session: Session, member: Member) -> ScanOut:
    shown = offers.shown(session, member.programme_id, [member.id], here().clock())[member.id]
    return ScanOut(
        **described(session, member).model_dump(),
        name=members.person(session, member.id).name,
        offers=[OfferSeen(id=offer.public_id, title=offer.title) for offer in shown],
    )
