"""What people of the staff may do: roles, and the rights that each of them has. Rights are the
scopes of API keys, and some more that only people need."""

from typing import Literal, get_args

from wallet.access.apikeys import SCOPES
from wallet.access.rights import ALL

Role = Literal[
    "viewer",
    "card_editor",
    "marketer",
    "manager",
    "administrator",
    "call_centre",
    "cashier",
]
ROLES: tuple[Role, ...] = get_args(Role)
CONTEXT = "role"  # in which the catalogue names them

# Rights that only people have, not keys. The catalogue says in words what each of them allows
# (context `scope`, as for the scopes of keys).
OF_PEOPLE = (
    "designs:write",
    "terms:write",
    "company:write",
    "points:adjust",
    "points:approve",
    "keys:write",
    "staff:write",
)

_VIEWER = frozenset(
    {
        "programmes:read",
        "members:read",
        "personal:read",
        "offers:read",
        "campaigns:read",
        "passes:read",
        "stores:read",
    }
)
_CARD_EDITOR = _VIEWER | {"members:write", "passes:write"}
_CALL_CENTRE = frozenset({"members:read", "personal:read", "offers:read", "passes:read"})
_CASHIER = frozenset({"scans:write", "points:write", "coupons:use"})
_EVERYTHING = frozenset({*SCOPES, *OF_PEOPLE})

# What each role may do, in the programme that a person has it in. Nobody but an administrator makes
# people of the staff; nobody approves what they asked for themselves, whatever their role.
RIGHTS_OF: dict[Role, frozenset[str]] = {
    "viewer": _VIEWER,
    "card_editor": _CARD_EDITOR,
    "marketer": _EVERYTHING
    - {
        "company:write",
        "programmes:write",
        "points:approve",
        "keys:write",
        "codes:keys",
        "receivers:write",
        "staff:write",
        "stores:write",
    },
    "manager": _EVERYTHING - {"staff:write"},
    "administrator": frozenset({ALL}),
    "call_centre": _CALL_CENTRE,
    "cashier": _CASHIER,
}
