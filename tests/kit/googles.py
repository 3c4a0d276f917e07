"""Google for tests: the sandbox's stand-in, and what Google's own description of its API says of a
body.

The description is the discovery document of the Google Wallet API as google-api-python-client
carries it. It names fields, types and enums. What is required, which of several fields may stand,
and limits are told there only in prose, and are written down here by hand."""

import contextlib
import functools
import json
import re
import tempfile
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib import resources
from pathlib import Path
from typing import Any, Literal

from jsonschema import Draft202012Validator

from wallet.sandbox import google
from wallet.sandbox.google import RunningGoogle

Mode = Literal["insert", "patch"]

DOCUMENT = "documents/walletobjects.v1.json"
REQUIRED = {
    ("LoyaltyClass", "insert"): ["id", "issuerName", "programName", "programLogo", "reviewStatus"],
    ("LoyaltyClass", "patch"): ["reviewStatus"],
    ("LoyaltyObject", "insert"): ["id", "classId", "state"],
    ("OfferClass", "insert"): [
        "id",
        "issuerName",
        "provider",
        "redemptionChannel",
        "reviewStatus",
        "title",
    ],
    ("OfferClass", "patch"): ["reviewStatus"],
    ("OfferObject", "insert"): ["id", "classId", "state"],
    ("GiftCardClass", "insert"): ["id", "issuerName", "reviewStatus"],
    ("GiftCardClass", "patch"): ["reviewStatus"],
    ("GiftCardObject", "insert"): ["id", "classId", "state", "cardNumber"],
    ("GenericClass", "insert"): ["id"],
    ("GenericObject", "insert"): ["id", "classId", "cardTitle", "header"],
    ("LoyaltyPoints", "insert"): ["balance"],
    ("Barcode", "insert"): ["type", "value"],
    ("LocalizedString", "insert"): ["defaultValue"],
    ("LocalizedString", "patch"): ["defaultValue"],
    ("TranslatedString", "insert"): ["language", "value"],
    ("TranslatedString", "patch"): ["language", "value"],
    ("ImageUri", "insert"): ["uri"],
}
OUTPUTS = {"hasUsers", "hasLinkedDevice", "classReference", "review"}
ONE_OF = {
    "LoyaltyPointsBalance": {"int", "string", "double", "money"},
    "Image": {"sourceUri", "privateImageId"},
}
ID = re.compile(r"[0-9]+\.[A-Za-z0-9._-]{1,64}")
MOST_SHOWN_MODULES = 10
ROWS = {"oneItem": {"item"}, "twoItems": {"startItem", "endItem"}}
ROWS["threeItems"] = {*ROWS["twoItems"], "middleItem"}
PATH = re.compile(r"(class|object)((?:\.[A-Za-z]+)+)(?:\['([A-Za-z0-9_-]+)'\])?")


@contextlib.contextmanager
def stood_in(folder: Path, **options: Any) -> Iterator[RunningGoogle]:
    """The stand-in, without waits of its own."""
    folder.mkdir()
    (folder / "account.json").write_text(_account())
    at_the_end = contextlib.ExitStack()
    running = at_the_end.enter_context(google.running(folder / "account.json", **options))
    # The stand-in counts seconds by the machine's clock, our budget by the stopped one.
    running.stand_in.rate_per_s = 100_000
    try:
        yield running
    finally:
        running.stand_in.close()
        # A web server looks only now and then whether it is to stop. The test does not wait for
        # that: clients that still ask are cut off already, and the next test has a server of its
        # own.
        threading.Thread(target=at_the_end.close, daemon=True).start()


@functools.cache
def _account() -> str:
    """A key file, made once, since making keys takes long."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "account.json"
        google.ensure_account(path, "http://127.0.0.1/token", datetime.now(UTC))
        return path.read_text()


def environment_of(running: RunningGoogle) -> dict[str, str]:
    """The settings with which a service finds this stand-in."""
    return {
        "WALLET_GOOGLE_URL": running.url,
        "WALLET_GOOGLE_SAVE_URL": running.save_url,
        "WALLET_GOOGLE_KEYS_URL": running.keys_url,
        "WALLET_GOOGLE_CREDENTIALS": str(running.credentials),
    }


def faults(kind: str, body: object, mode: Mode) -> list[str]:
    """What is wrong with the body of a `LoyaltyClass` or `LoyaltyObject` by Google's
    description."""
    validator = _validator(kind, mode)
    found = [f"{error.json_path}: {error.message}" for error in validator.iter_errors(body)]
    return found or list(_rules(kind, body))


@functools.cache
def _document() -> dict[str, Any]:
    carrier = resources.files("googleapiclient.discovery_cache")
    document: dict[str, Any] = json.loads(carrier.joinpath(DOCUMENT).read_text())
    return document


@functools.cache
def _validator(kind: str, mode: Mode) -> Draft202012Validator:
    definitions = {
        name: _schema(name, schema, mode) for name, schema in _document()["schemas"].items()
    }
    return Draft202012Validator({"$ref": f"#/$defs/{kind}", "$defs": definitions})


def _schema(name: str, schema: dict[str, Any], mode: Mode) -> dict[str, Any]:
    properties = {
        key: _property(value, mode)
        for key, value in schema.get("properties", {}).items()
        if not value.get("deprecated") and key not in OUTPUTS
    }
    return {
        "type": "object",
        "additionalProperties": False,
        "properties": properties,
        "required": REQUIRED.get((name, mode), []),
    }


def _property(described: dict[str, Any], mode: Mode) -> dict[str, Any]:
    schema = _type(described, mode)
    # Only a patch may say null: it takes the field away.
    return {"anyOf": [schema, {"type": "null"}]} if mode == "patch" else schema


def _type(described: dict[str, Any], mode: Mode) -> dict[str, Any]:
    if "$ref" in described:
        return {"$ref": f"#/$defs/{described['$ref']}"}
    if "enum" in described:
        old = described.get("enumDeprecated") or [False] * len(described["enum"])
        words = zip(described["enum"], old, strict=True)
        return {"enum": [word for word, is_old in words if not (is_old or "UNSPECIFIED" in word)]}
    match described["type"], described.get("format"):
        case "array", _:
            return {"type": "array", "items": _type(described["items"], mode)}
        case "string", "int64":
            return {"type": "string", "pattern": "^-?[0-9]+$"}
        case "integer", "int32":
            return {"type": "integer", "minimum": -(2**31), "maximum": 2**31 - 1}
        case kind, _:
            return {"type": kind}


def _rules(kind: str, body: Any) -> Iterator[str]:
    for name in ("id", "classId"):
        if body.get(name) is not None and not ID.fullmatch(body[name]):
            yield f"{name}: not an id"
    if kind.endswith("Class"):
        if kind != "GenericClass" and body["reviewStatus"] not in ("UNDER_REVIEW", "DRAFT"):
            yield "reviewStatus: not ours to say"
        if not re.fullmatch("#[0-9a-f]{6}", body.get("hexBackgroundColor", "#000000")):
            yield "hexBackgroundColor: not a colour"
        yield from _layout_rules(body.get("classTemplateInfo") or {})
        if not (body.get("callbackOptions") or {"url": "https://"})["url"].startswith("https://"):
            yield "callbackOptions: not https"
    modules = body.get("textModulesData") or []
    ids = [module["id"] for module in modules]
    if len(ids) != len(set(ids)) or any("." in id_ for id_ in ids):
        yield "textModulesData: ids are the same, or have dots"
    if len(ids) > MOST_SHOWN_MODULES:
        yield "textModulesData: more than are shown"
    if len(body.get("messages") or []) > 10:
        yield "messages: more than ten"
    yield from _unions(body)


def _layout_rules(template: Any) -> Iterator[str]:
    rows = (template.get("cardTemplateOverride") or {}).get("cardRowTemplateInfos")
    if rows is not None and not 1 <= len(rows) <= 3:
        yield "classTemplateInfo: one to three rows"
    for row in rows or []:
        ((kind, items),) = row.items() if len(row) == 1 else [("", {})]
        if items.keys() != ROWS.get(kind):
            yield "classTemplateInfo: a row is of one kind, and full"
    for path in paths(template):
        if not PATH.fullmatch(path):
            yield f"classTemplateInfo: {path} is no path"


def paths(layout: Any) -> list[str]:
    """Every field that a part of a layout names, in order."""
    if isinstance(layout, list):
        return [path for one in layout for path in paths(one)]
    if not isinstance(layout, dict):
        return []
    if "fieldPath" in layout:
        return [layout["fieldPath"]]
    order = ("startItem", "middleItem", "endItem")
    names = sorted(layout, key=lambda name: order.index(name) if name in order else -1)
    return [path for name in names for path in paths(layout[name])]


def at(path: str, class_: Any, object_: Any) -> Any:
    """What a path of a layout leads to; None where Google would show a blank."""
    match = PATH.fullmatch(path)
    found = {"class": class_, "object": object_}[match[1]]
    for name in match[2].removeprefix(".").split("."):
        found = (found or {}).get(name)
    if match[3] is None:
        return found
    return next((one["body"] for one in found or [] if one["id"] == match[3]), None)


def _unions(body: Any) -> Iterator[str]:
    for name, value in body.items():
        if not isinstance(value, dict):
            continue
        shape = {
            "programLogo": "Image",
            "heroImage": "Image",
            "titleImage": "Image",
            "logo": "Image",
        }
        if name == "balance" and "micros" not in value:
            shape["balance"] = "LoyaltyPointsBalance"
        if name in shape:
            said = [key for key in ONE_OF[shape[name]] if value.get(key) is not None]
            if len(said) != 1:
                yield f"{name}: exactly one of {ONE_OF[shape[name]]}"
        yield from _unions(value)
