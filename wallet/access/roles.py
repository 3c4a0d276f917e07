"""What people of the staff may do: roles, and the rights that each of them has. Rights are the
scopes of API keys, and some more that only people need."""

from collections.abc import Mapping
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
CONTEXT_OF_GROUPS = "group of rights"

# Rights that only people have, not keys. The catalogue says in words what each of them allows
# (context `scope`, as for the scopes of keys).
OF_PEOPLE = (
    "designs:write",
    "terms:write",
    "company:write",
    "points:adjust",
    "points:approve",
    "members:enrol",
    "codes:tell",
    "keys:write",
    "staff:write",
    "sources:write",
)
EVERY_RIGHT = (*SCOPES, *OF_PEOPLE)

# Rights that belong together, as pages show them. The catalogue has the words of each group.
GROUPS: Mapping[str, tuple[str, ...]] = {
    "members": ("members:read", "personal:read", "members:write", "codes:tell"),
    "points": ("points:write", "points:adjust", "points:approve"),
    "tills": ("scans:write", "coupons:use", "members:enrol", "codes:keys"),
    "cards": ("passes:read", "passes:write", "designs:write"),
    "messages": ("campaigns:read", "campaigns:write", "offers:read", "offers:write"),
    "programme": ("programmes:read", "terms:write", "programmes:write", "company:write"),
    "stores": ("stores:read", "stores:write"),
    "catalogue": ("catalogue:read", "catalogue:write"),
    "promotions": ("promotions:read", "promotions:write", "receipts:read", "receipts:write"),
    "files": ("imports:write", "exports:read"),
    "connections": ("receivers:read", "receivers:write", "sources:write"),
    "access": ("staff:write", "keys:write", "changes:read"),
}

_VIEWER = frozenset(
    {
        "programmes:read",
        "members:read",
        "personal:read",
        "offers:read",
        "campaigns:read",
        "passes:read",
        "stores:read",
        "catalogue:read",
        "promotions:read",
        "receipts:read",
    }
)
_CARD_EDITOR = _VIEWER | {"members:write", "passes:write", "codes:tell"}
_CALL_CENTRE = frozenset(
    {"members:read", "personal:read", "offers:read", "passes:read", "codes:tell", "receipts:read"}
)
_CASHIER = frozenset(
    {
        "scans:write",
        "points:write",
        "coupons:use",
        "members:enrol",
        "codes:tell",
        "receipts:read",
        "receipts:write",
    }
)
_EVERYTHING = frozenset(EVERY_RIGHT)

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
        "sources:write",
        "staff:write",
        "stores:write",
    },
    "manager": _EVERYTHING - {"staff:write"},
    "administrator": frozenset({ALL}),
    "call_centre": _CALL_CENTRE,
    "cashier": _CASHIER,
}


def allows(role: Role, right: str) -> bool:
    """Whether who has this role has this right."""
    return bool({ALL, right} & RIGHTS_OF[role])
