#!/usr/bin/env python3
"""Is every line of my statement in the book, as it was written on its day?

Needs nothing but Python 3.9 or newer (and openssl, if signatures are to be checked):

    python3 verify_statement.py --roots roots.jsonl [--key key.pem] proof.json...

The proofs are answers of GET /api/v1/postings/<id>/proof, one in a file or a list of them; the
roots are what GET /ledger/roots/<programme> answered when the day was over, or what somebody you
trust has kept of it; the key is the `pem` of GET /ledger/key. Exit code 0: all is proven; 1: at
least one line is not, and which; 2: a file cannot be read.

How things are hashed is told in ledger.md. Nothing here comes from the service itself."""

import argparse
import hashlib
import json
import subprocess
import sys
import tempfile
from pathlib import Path

LEAF, NODE, ROOT, NOTE = b"\x00", b"\x01", b"\x03", b"\x04"
SIGNED = b"kopilka ledger root\n"
FORM = 1
ROOT_FIELDS = ("day", "first", "head", "last", "merkle", "previous", "programme")


class NotProven(Exception):
    """Why not."""


class Unreadable(Exception):
    """Which file, and why."""


def sha256(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def canonical(document):
    return json.dumps(
        document, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False
    ).encode()


def climb(leaf, index, size, path):
    """The top of the tree that the path leads to (RFC 9162, 2.1.3.2)."""
    if not 0 <= index < size:
        raise NotProven("its place lies outside the day")
    at, last, top = index, size - 1, leaf
    for step in path:
        if last == 0:
            raise NotProven("the path is too long")
        if at % 2 or at == last:
            top = sha256(NODE, step, top)
            while at and not at % 2:
                at, last = at // 2, last // 2
        else:
            top = sha256(NODE, top, step)
        at, last = at // 2, last // 2
    if last:
        raise NotProven("the path is too short")
    return top


def prove(proof, roots, key):
    """Raises NotProven unless the posting is in the published root of its day."""
    facts, root = proof["facts"], proof["root"]
    if facts["form"] != FORM or proof["form"] != FORM:
        raise NotProven("it is of a form that this program does not know")
    check_words(facts, proof["words"])
    size = root["last"] + 1 - root["first"]
    path = [bytes.fromhex(step) for step in proof["path"]]
    merkle = climb(sha256(LEAF, canonical(facts)), proof["index"], size, path)
    if merkle.hex() != root["merkle"]:
        raise NotProven("what it says is not what was sealed")
    made = {**{name: root[name] for name in ROOT_FIELDS}, "form": FORM}
    if facts["programme"] != root["programme"]:
        raise NotProven("the root is of another programme")
    digest = sha256(ROOT, canonical(made)).hex()
    published = roots.get((root["programme"], root["day"]))
    if published is None:
        raise NotProven(f"no root of {root['day']} was published")
    if digest != published["root"]:
        raise NotProven(f"the root of {root['day']} is not the published one")
    if key is not None:
        check_signature(published, key)


def check_words(facts, words):
    """The words of the posting, if they are still there, are those that were sealed."""
    if words is None:
        return  # there were none, or they were taken off; the rest stands without them
    note = sha256(NOTE, bytes.fromhex(words["salt"]), words["reason"].encode())
    if note.hex() != facts["note"]:
        raise NotProven("its words are not those that were sealed")


def check_signature(published, key):
    if published["key"] != key_name(key):
        raise NotProven(f"its root is signed by another key, {published['key']}")
    with tempfile.TemporaryDirectory() as folder:
        message, signature = Path(folder, "message"), Path(folder, "signature")
        message.write_bytes(SIGNED + bytes.fromhex(published["root"]))
        signature.write_bytes(bytes.fromhex(published["signature"]))
        command = ["openssl", "pkeyutl", "-verify", "-pubin", "-inkey", str(key), "-rawin"]
        command += ["-in", str(message), "-sigfile", str(signature)]
        if subprocess.run(command, capture_output=True, check=False).returncode:
            raise NotProven("the signature of its root is not good")


def key_name(key):
    """A key is named by the hash of its 32 bytes, which end its DER form."""
    command = ["openssl", "pkey", "-pubin", "-in", str(key), "-outform", "DER"]
    answer = subprocess.run(command, capture_output=True, check=False)
    if answer.returncode:
        raise Unreadable(f"{key}: not a public key in PEM")
    return hashlib.sha256(answer.stdout[-32:]).hexdigest()[:16]


def read_roots(file):
    """By programme and day. Each names the one before it: none may be missing between two."""
    roots, last = {}, {}
    for line in sorted(read_lines(file), key=lambda one: one["day"]):
        before = last.get(line["programme"])
        if before is not None and line["previous"] != before["root"]:
            raise Unreadable(
                f"{file}: the root of {line['day']} does not follow that of {before['day']}"
            )
        roots[line["programme"], line["day"]] = last[line["programme"]] = line
    return roots


def read_lines(file):
    return [json.loads(line) for line in read_text(file).split("\n") if line.strip()]


def read_text(file):
    try:
        return Path(file).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Unreadable(f"{file}: {error}") from error


def read_proofs(file):
    found = json.loads(read_text(file))
    return found if isinstance(found, list) else [found]


def told(facts):
    """A line of the statement in a few words."""
    amounts = [one["amount"] for one in facts["entries"] if one["kind"] == "member"]
    points = ", ".join(f"{amount:+d}" for amount in amounts)
    return f"{facts['posted_at'][:10]} {facts['kind']} {points} ({facts['id']})"


def main():
    parser = argparse.ArgumentParser(description="Check the lines of a statement by their proofs.")
    parser.add_argument("--roots", required=True, help="published roots, one JSON object a line")
    parser.add_argument("--key", help="the public key in PEM, to check the signatures of the roots")
    parser.add_argument("proofs", nargs="+", help="files with proofs")
    wanted = parser.parse_args()
    failed = 0
    try:
        roots = read_roots(wanted.roots)
        proofs = [(file, proof) for file in wanted.proofs for proof in read_proofs(file)]
        for file, proof in proofs:
            try:
                prove(proof, roots, wanted.key)
                print(f"proven      {told(proof['facts'])}")
            except NotProven as reason:
                failed += 1
                print(f"NOT PROVEN  {told(proof['facts'])} in {file}: {reason}")
            except (KeyError, TypeError, ValueError, AttributeError):
                failed += 1
                print(f"NOT PROVEN  a line in {file}: it is not a proof")
    except (Unreadable, json.JSONDecodeError, KeyError, TypeError) as error:
        print(f"cannot be read: {error}", file=sys.stderr)
        return 2
    print(f"{len(proofs) - failed} of {len(proofs)} lines are proven.")
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
