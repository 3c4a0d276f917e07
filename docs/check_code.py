#!/usr/bin/env python3
"""Is this barcode genuine? Told without a network.

Needs nothing but Python 3.9 or newer (and openssl for codes of the kind ed25519):

    python3 check_code.py --keys keys.json CODE...        or codes on standard input, one a line

The keys are the answer of GET /codes/<programme>/keys, which anybody may ask (ed25519), or of GET
/api/v1/programmes/<programme>/card-code/keys (hmac: a secret). Exit code 0: all are genuine; 1: at
least one is not, and why; 2: the keys cannot be read.

A genuine code may be a picture of a card: only the service knows which code is the newest. What is
checked here is told byte by byte in codes.md. Of a coupon the card's part is checked: whether there
is such a coupon, and whether it was used, only the service knows. Nothing in it comes from the
service itself."""

import argparse
import hashlib
import hmac
import json
import subprocess
import sys
import tempfile
from pathlib import Path

KINDS = {"961": ("hmac", 16, 39), "962": ("ed25519", 64, 155)}
COUPON, COUPON_DIGITS = "964", 42  # what stands before the card's code on a coupon
# What stands before the 32 bytes of a public key in its DER form (RFC 8410).
DER = bytes.fromhex("302a300506032b6570032100")


class NotGenuine(Exception):
    """Why not."""


def check(code, programme, keys):
    """The card number and generation. Raises NotGenuine."""
    text = "".join(code.split())
    if text.startswith(COUPON):
        text = text[COUPON_DIGITS:]
    if not (text.isascii() and text.isdigit()) or text[:3] not in KINDS:
        raise NotGenuine("it is not a signed code")
    kind, size, digits = KINDS[text[:3]]
    body, signature = text[:-digits], int(text[-digits:])
    card, generation = parts(body[3:])
    if signature >= 1 << 8 * size:
        raise NotGenuine("its signature is too large")
    message = f"kopilka card code\n{programme}\n{body}".encode()
    good = by_hmac if kind == "hmac" else by_ed25519
    if not any(good(key, message, signature.to_bytes(size, "big")) for key in keys):
        raise NotGenuine("its signature is not one of these keys")
    return card, generation


def parts(text):
    """Card number and generation, each behind its length."""
    length = int(text[:2] or "0")
    if length < 50:
        card, rest = text[2 : 2 + length], text[2 + length :]
    else:
        pairs, rest = text[2 : 2 + 2 * (length - 50)], text[2 + 2 * (length - 50) :]
        card = "".join(chr(33 + int(pairs[at : at + 2])) for at in range(0, len(pairs), 2))
    generation = rest[1:]
    if not card or rest[:1] != str(len(generation)) or generation[:1] in ("", "0"):
        raise NotGenuine("its parts do not fit together")
    return card, int(generation)


def by_hmac(key, message, signature):
    if not key.get("secret"):
        return False
    made = hmac.new(bytes.fromhex(key["secret"]), message, hashlib.sha256).digest()
    return hmac.compare_digest(made[:16], signature)


def by_ed25519(key, message, signature):
    if not key.get("public_key"):
        return False
    with tempfile.TemporaryDirectory() as folder:
        files = {"key": DER + bytes.fromhex(key["public_key"]), "in": message, "sig": signature}
        for name, data in files.items():
            Path(folder, name).write_bytes(data)
        command = ["openssl", "pkeyutl", "-verify", "-pubin", "-keyform", "DER", "-rawin"]
        command += ["-inkey", str(Path(folder, "key")), "-in", str(Path(folder, "in"))]
        command += ["-sigfile", str(Path(folder, "sig"))]
        return subprocess.run(command, capture_output=True, check=False).returncode == 0


def main():
    parser = argparse.ArgumentParser(description="Tell genuine barcodes from forged ones.")
    parser.add_argument("--keys", required=True, help="the keys of the programme, as JSON")
    parser.add_argument("codes", nargs="*", help="what the scanner read")
    wanted = parser.parse_args()
    try:
        found = json.loads(Path(wanted.keys).read_text(encoding="utf-8"))
        programme, keys = found["programme"], found["keys"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        print(f"{wanted.keys} cannot be read: {error}", file=sys.stderr)
        return 2
    failed = 0
    for code in wanted.codes or filter(str.strip, sys.stdin):
        try:
            card, generation = check(code, programme, keys)
            print(f"genuine      card {card}, generation {generation}")
        except NotGenuine as reason:
            failed += 1
            print(f"NOT GENUINE  {code.strip()[:60]}: {reason}")
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
