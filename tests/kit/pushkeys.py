"""Keys for Apple's push service as its developer portal gives them out: EC P-256 in PKCS #8."""

import subprocess
from pathlib import Path

import jwt
from cryptography.hazmat.primitives.serialization import load_pem_private_key

KEY_ID = "ABC123DEFG"
TEAM = "SANDBOX000"


def make(folder: Path, curve: str = "P-256") -> Path:
    file = folder / f"AuthKey_{KEY_ID}.p8"
    command = ["openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", f"ec_paramgen_curve:{curve}"]
    subprocess.run([*command, "-out", file], check=True, capture_output=True)
    return file


def token(file: Path, key_id: str = KEY_ID, algorithm: str = "ES256", **claims: object) -> str:
    """A provider token, as right or wrong as the test wants it."""
    key = load_pem_private_key(file.read_bytes(), None)
    return jwt.encode(claims, key, algorithm, {"kid": key_id})
