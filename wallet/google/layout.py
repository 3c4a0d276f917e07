"""Where a design's fields stand on a card at Google: in the rows of its face, in its details, in
its line in the list of passes. Pure.

ClassTemplateInfo, Google Wallet API v1, and "Loyalty template". Google draws a field's label with
its value, puts a single item in the middle of its row, and leaves blank a path that leads to
nothing."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from math import ceil

from wallet.passes.content import Design, Fact, FieldDesign, PassKind, Slot

LayoutPart = dict[str, object]

FACE: tuple[Slot, ...] = ("header", "primary", "secondary", "auxiliary")
MOST_ROWS = 3  # of the face
MOST_IN_A_ROW = 3  # items
MOST_TEXT_MODULES = 10  # of an object; Google does not show more

# Facts that have a place of their own on cards of this kind; all others are text modules.
POINTS, NAME, CARD = "object.loyaltyPoints.balance", "object.accountName", "object.accountId"
PLACES: Mapping[PassKind, Mapping[Fact, str]] = {
    "loyalty": {"points": POINTS, "name": NAME, "card": CARD},
    "offer": {"offer": "class.title"},
    "gift_card": {"points": "object.balance", "card": "object.cardNumber"},
    "generic": {},
}
# Facts that are whole sentences: beside another item they would be cut off.
SENTENCES = frozenset[Fact]({"offer", "offers", "text"})


def first(design: Design, fact: Fact) -> FieldDesign | None:
    """The first field that shows the fact: this one stands in the fact's own place."""
    return next((field for field in design.fields if field.shows == fact), None)


def title(design: Design) -> FieldDesign | None:
    """The field that a generic card has as its title; None for other kinds, which have titles of
    their own."""
    if design.kind != "generic":
        return None
    return next((field for field in design.fields if field.slot == "primary"), None)


def text_modules(design: Design) -> Sequence[FieldDesign]:
    """The fields without a place of their own, at most as many as Google shows. Fields of the face
    come first, so that they are not the ones that are left out. The card number is in its own
    place, however many fields show it, and Google shows messages itself."""
    return _without_place(design)[:MOST_TEXT_MODULES]


def beyond_face(design: Design) -> Sequence[FieldDesign]:
    """The fields of the face that its rows have no room for: they stand among the details."""
    shown = {path for row in _rows(design) for path in row}
    found = [(field, _paths(design, [field])) for field in _face(design)]
    return [field for field, paths in found if paths and paths[0] not in shown]


def beyond_card(design: Design) -> Sequence[FieldDesign]:
    """The fields that Google does not show at all: they are too many."""
    return _without_place(design)[MOST_TEXT_MODULES:]


def _without_place(design: Design) -> list[FieldDesign]:
    places = PLACES[design.kind]
    return [
        field
        for field in (*_face(design), *_back(design))
        if field.shows != "message"
        and not ("card" in places and field.shows == "card")
        and not (field.shows in places and field is first(design, field.shows))
    ]


def module_id(key: str) -> str:
    """Our keys may have dots and Google's may not. Different keys stay different."""
    return key.replace("_", "_u").replace(".", "_d")


def class_template(design: Design) -> LayoutPart:
    """The layout of a programme's cards. An empty part is left out, so that Google uses its own."""
    face = _paths(design, _face(design))
    details = _paths(design, [*_back(design), *_face(design)])
    template: LayoutPart = {}
    if face:
        template["cardTemplateOverride"] = {
            "cardRowTemplateInfos": [_row(row) for row in _rows(design)]
        }
    if face and design.kind != "generic":
        # In a stack of passes people look for the first field of the face. A generic card is
        # listed by its title.
        template["listTemplateOverride"] = {
            "firstRowOption": {"fieldOption": _selector("class.issuerName")},
            "secondRowOption": _selector(face[0]),
        }
    if details:
        template["detailsTemplateOverride"] = {
            "detailsItemInfos": [{"item": _item(path)} for path in details]
        }
    return template


def _face(design: Design) -> list[FieldDesign]:
    """The fields of the face, without the title, which Google shows anyway."""
    shown = [field for slot in FACE for field in design.fields if field.slot == slot]
    return [field for field in shown if field is not title(design)]


def _back(design: Design) -> list[FieldDesign]:
    return [field for field in design.fields if field.slot == "back"]


def _paths(design: Design, fields: Sequence[FieldDesign]) -> list[str]:
    """The paths at which Google finds what these fields show, each once; fields that Google would
    not show have none."""
    modules = text_modules(design)
    found = (
        f"object.textModulesData['{module_id(field.key)}']"
        if field in modules
        else PLACES[design.kind].get(field.shows)
        for field in fields
    )
    return list(dict.fromkeys(path for path in found if path is not None))


def _rows(design: Design) -> list[list[str]]:
    """The rows of the face. Short values share rows, and a sentence has a row for itself. If that
    takes too many rows, the fields fill the rows in their order, and those left over stand in the
    details."""
    face = _face(design)
    short = _paths(design, [field for field in face if field.shows not in SENTENCES])
    long = _paths(design, [field for field in face if field.shows in SENTENCES])
    rows = [*_evenly(short), *([path] for path in long)]
    if len(rows) > MOST_ROWS:
        rows = _evenly(_paths(design, face)[: MOST_ROWS * MOST_IN_A_ROW])
    return rows


def _evenly(paths: Sequence[str]) -> list[list[str]]:
    """These paths in as few rows as possible, of nearly equal length."""
    number = ceil(len(paths) / MOST_IN_A_ROW)
    ends = [round(len(paths) * row / number) for row in range(number + 1)] if number else []
    return [list(paths[begin:end]) for begin, end in pairwise(ends)]


def _row(paths: Sequence[str]) -> LayoutPart:
    match [_item(path) for path in paths]:
        case [item]:
            return {"oneItem": {"item": item}}
        case [start, end]:
            return {"twoItems": {"startItem": start, "endItem": end}}
        case [start, middle, end]:
            return {"threeItems": {"startItem": start, "middleItem": middle, "endItem": end}}
    raise ValueError("a row has one to three items")


def _item(path: str) -> LayoutPart:
    return {"firstValue": _selector(path)}


def _selector(path: str) -> LayoutPart:
    return {"fields": [{"fieldPath": path}]}
