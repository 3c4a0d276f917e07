"""Proofs for members: that a line of their statement stands in the book as it was sealed."""

from apiflask import APIBlueprint

from ledger.errors import DayNotClosed, SealBroken, UnknownPosting
from ledger.seals import proofs
from wallet.api import lookup
from wallet.api.auth import needs
from wallet.api.bodies.proofs import ProofOut
from wallet.api.calls import refuses
from wallet.installation import current_installation

routes = APIBlueprint("proofs", __name__, tag="Statements")


@routes.get("/postings/<posting_id>/proof")
@routes.doc(operation_id="getPostingProof")
@needs("members:read")
@refuses(UnknownPosting, DayNotClosed, SealBroken)
@routes.output(ProofOut)
def prove(posting_id: str) -> ProofOut:
    """The proof of a posting, once the day of its sealing is over.

    The program `verify_statement.py` checks it against the published roots without asking us; it
    comes with the service."""
    with current_installation().database.reading() as session:
        proof = proofs.proof(session, lookup.posting(session, posting_id))
    return ProofOut.model_validate(proof.document())
