"""Opens a .pkpass as a phone does: trusts nothing, then reads what the card shows.

Rules: Apple's "Wallet Passes" (Pass) and the archived "Wallet Developer Guide". Like
`wallet.sandbox.signature`, and `wallet.apple.reading` for the fields, this is a reading of its own,
so that a mistake of the service's builder is not repeated here."""

import hashlib
import io
import json
import re
import stat
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cryptography import x509

from ledger.languages import Language
from wallet.apple import reading
from wallet.apple.reading import STYLES, FieldTwice, OpenedPass, Sheet, by_key
from wallet.sandbox import signature, words
from wallet.sandbox.troubles import PassRefused

MEDIA_TYPE = "application/vnd.apple.pkpass"
SEVERAL_MEDIA_TYPE = "application/vnd.apple.pkpasses"
MOST_IN_ONE_FILE = 10

MOST_FILES = 40
MOST_BYTES = 10_000_000
SHORTEST_TOKEN = 16
REQUIRED = (
    "passTypeIdentifier",
    "serialNumber",
    "teamIdentifier",
    "organizationName",
    "description",
)
SHEET = "personalization.json"
ASKED = {
    "PKPassPersonalizationFieldName": "name",
    "PKPassPersonalizationFieldPhoneNumber": "phone",
    "PKPassPersonalizationFieldEmailAddress": "email",
    "PKPassPersonalizationFieldPostalCode": "postal_code",
}
UNLISTED = frozenset({"manifest.json", "signature"})

METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
ENCRYPTED = 1
# A file at the top, or in the folder of a language. Any other name is an attempt to get out of the
# pass.
MEMBER_NAME = re.compile(r"([A-Za-z0-9-]+\.lproj/)?[A-Za-z0-9][A-Za-z0-9@._-]*")


@dataclass(frozen=True, slots=True)
class FieldChange:
    """What a field said and says now; empty where the field was not there, or is gone."""

    label: str
    before: str
    after: str


def open_pass(bundle: bytes, root: x509.Certificate, now: datetime) -> OpenedPass:
    """Check the bundle, from the archive to its contents, and read it. Raises `PassRefused`."""
    files = _unpack(bundle)
    _require_manifest(files)
    seal = signature.verify(files["signature"], files["manifest.json"], root, now)
    document = _json_object(files, "pass.json")
    _require_keys(document)
    if document["passTypeIdentifier"] != seal.pass_type:
        raise PassRefused("pass_type_of_another_certificate")
    if document["teamIdentifier"] != seal.team:
        raise PassRefused("team_of_another_certificate")
    if not any(name.startswith("icon") for name in files):
        raise PassRefused("without_icon")
    try:
        return reading.opened(files, _sheet(files, document))
    except FieldTwice as error:
        raise PassRefused("field_twice", name=error.key) from error
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise PassRefused("bad_field") from error


def open_several(data: bytes, root: x509.Certificate, now: datetime) -> tuple[OpenedPass, ...]:
    """The passes of a .pkpasses. The file has no list and no signature of its own, so each pass is
    checked as if it had come alone, and if one is refused all are. Raises `PassRefused`."""
    files = _unpack(data, MOST_IN_ONE_FILE, MOST_IN_ONE_FILE * MOST_BYTES)
    if not files or any(not name.endswith(".pkpass") for name in files):
        raise PassRefused("not_passes")
    return tuple(open_pass(bundle, root, now) for bundle in files.values())


def changes(before: OpenedPass, after: OpenedPass, language: Language) -> tuple[FieldChange, ...]:
    """The fields whose values differ, by key, in the order of the newer pass."""
    old, new = by_key(before), by_key(after)
    found = []
    for key in (*new, *(key for key in old if key not in new)):
        was, now = old.get(key), new.get(key)
        if was is not None and now is not None and was.value == now.value:
            continue
        said_before = before.value(was, language) if was else ""
        if now is not None:
            found.append(
                FieldChange(after.label(now, language), said_before, after.value(now, language))
            )
        elif was is not None:
            found.append(FieldChange(before.label(was, language), said_before, ""))
    return tuple(found)


def lock_screen(before: OpenedPass, after: OpenedPass, language: Language) -> str | None:
    """What the phone tells its owner of a change; None if it changes the card in silence."""
    return reading.lock_screen(before, after, language, words.said("card_changed", language))


def _sheet(files: Mapping[str, bytes], document: Mapping[str, Any]) -> Sheet | None:
    """A pass may ask if it is one for NFC, and has a logo to ask under ("Rewards Enrollment")."""
    if SHEET not in files:
        return None
    asked = _json_object(files, SHEET)
    names, text = asked.get("requiredPersonalizationFields"), asked.get("description")
    is_sound = isinstance(names, list) and names and all(name in ASKED for name in names)
    if not is_sound or not isinstance(text, str) or not text:
        raise PassRefused("bad_sheet")
    if "nfc" not in document or not any(name.startswith("personalizationLogo") for name in files):
        raise PassRefused("may_not_ask")
    terms = asked.get("termsAndConditions", "")
    return Sheet(tuple(ASKED[name] for name in names or ()), text, str(terms))


def _unpack(
    bundle: bytes, most_files: int = MOST_FILES, most_bytes: int = MOST_BYTES
) -> dict[str, bytes]:
    """All files of the zip, by name. Nothing is written anywhere."""
    if len(bundle) > most_bytes:
        raise PassRefused("too_large")
    try:
        with zipfile.ZipFile(io.BytesIO(bundle)) as archive:
            members = [member for member in archive.infolist() if not member.is_dir()]
            _require_harmless(members, most_files, most_bytes)
            return {member.filename: archive.read(member) for member in members}
    # A crafted zip fails in many ways: bad lengths, cut streams, checksums that do not hold.
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, ValueError) as error:
        raise PassRefused("not_a_zip") from error


def _require_harmless(members: list[zipfile.ZipInfo], most_files: int, most_bytes: int) -> None:
    if len(members) > most_files:
        raise PassRefused("too_many_files")
    if sum(member.file_size for member in members) > most_bytes:
        raise PassRefused("too_large")
    names = [member.filename for member in members]
    if len(set(names)) < len(names):
        raise PassRefused("file_twice")
    for member in members:
        if stat.S_ISLNK(member.external_attr >> 16):
            raise PassRefused("symlink")
        if member.compress_type not in METHODS or member.flag_bits & ENCRYPTED:
            raise PassRefused("not_a_zip")
        # `orig_filename` is what stands in the zip, before Python cut or turned anything in it.
        if MEMBER_NAME.fullmatch(member.orig_filename) is None:
            raise PassRefused("path_in_zip")


def _require_manifest(files: Mapping[str, bytes]) -> None:
    for name in ("pass.json", *UNLISTED):
        if name not in files:
            raise PassRefused("file_missing", name=name)
    manifest = _json_object(files, "manifest.json")
    if manifest.keys() != files.keys() - UNLISTED:
        raise PassRefused("manifest_incomplete")
    for name, promised in manifest.items():
        # The format's own choice; what is trusted is the signature over the list.
        if hashlib.sha1(files[name], usedforsecurity=False).hexdigest() != promised:
            raise PassRefused("file_tampered", name=name)


def _json_object(files: Mapping[str, bytes], name: str) -> dict[str, Any]:
    try:
        found = json.loads(files[name])
    except (ValueError, RecursionError) as error:
        raise PassRefused("not_json", name=name) from error
    if not isinstance(found, dict):
        raise PassRefused("not_json", name=name)
    return found


def _require_keys(document: Mapping[str, Any]) -> None:
    for name in REQUIRED:
        if not isinstance(document.get(name), str) or not document[name]:
            raise PassRefused("key_missing", name=name)
    if document.get("formatVersion") != 1:
        raise PassRefused("key_missing", name="formatVersion")
    if sum(style in document for style in STYLES) != 1:
        raise PassRefused("key_missing", name=" / ".join(STYLES))
    if document.get("webServiceURL"):
        if len(str(document.get("authenticationToken", ""))) < SHORTEST_TOKEN:
            raise PassRefused("key_missing", name="authenticationToken")
        # A real phone wants https; http is for its developer switch, and for this sandbox.
        if not re.match(r"https?://[^/]", str(document["webServiceURL"])):
            raise PassRefused("key_missing", name="webServiceURL")
