"""What openssl, a stranger to our code, says about a signature."""

import subprocess
from pathlib import Path


def verifies(signature: bytes, manifest: bytes, root: Path, folder: Path) -> bool:
    """`-purpose any`: a pass certificate is made for client authentication, not for e-mail."""
    (folder / "signature").write_bytes(signature)
    (folder / "manifest.json").write_bytes(manifest)
    command = ["openssl", "cms", "-verify", "-binary", "-inform", "DER", "-purpose", "any"]
    command += ["-in", str(folder / "signature"), "-content", str(folder / "manifest.json")]
    command += ["-CAfile", str(root), "-out", str(folder / "verified")]
    if subprocess.run(command, capture_output=True, check=False).returncode != 0:
        return False
    return (folder / "verified").read_bytes() == manifest


def printed(signature: bytes) -> str:
    """The structure in words."""
    command = ["openssl", "cms", "-cmsout", "-print", "-inform", "DER"]
    return subprocess.run(command, input=signature, capture_output=True, check=True).stdout.decode()
