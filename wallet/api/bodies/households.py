"""Members who share an account, or who are one person."""

from ledger.fields import Body, Id
from wallet.api.bodies.examples import OTHER_MEMBER_ID, shows


class IntoIn(Body):
    """The member who stays and gets points, cards and phones of the other."""

    model_config = shows({"into": OTHER_MEMBER_ID})

    into: Id


class HeadIn(Body):
    """The member whose account the household shares."""

    model_config = shows({"head": OTHER_MEMBER_ID})

    head: Id
