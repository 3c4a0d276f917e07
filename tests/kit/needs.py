"""What the tests need besides Python: installed where that is possible, named where it is not.

Run before the tests. As root on a Debian-like system it installs the missing programs; elsewhere it
says which they are, and the tests that need them fail with the same words."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

# Program -> Debian package.
NEEDED = {
    "c++": "g++",
    "chromium": "chromium",
    "cmake": "cmake",
    "openssl": "openssl",
    "rabbitmq-server": "rabbitmq-server",
    "strace": "strace",
    "systemd-analyze": "systemd",
    "zbarimg": "zbar-tools",
}
# Without these a foreign reader, or nginx, does not judge. Libraries: a file of theirs -> Debian
# package.
WELCOME = {"/usr/include/KPim/KPkPass/pass.h": "libkpimpkpass-dev"}
WELCOME_PROGRAMS = {"nginx": "nginx-light", "node": "nodejs", "npm": "npm"}


def main() -> int:
    missing = [program for program in NEEDED if shutil.which(program) is None]
    packages = [NEEDED[program] for program in missing]
    packages += [package for file, package in WELCOME.items() if not Path(file).exists()]
    packages += [name for program, name in WELCOME_PROGRAMS.items() if not shutil.which(program)]
    if not packages:
        return 0
    if os.geteuid() == 0 and shutil.which("apt-get"):
        quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        install = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages]
        for command in (["apt-get", "update", "-qq"], install):
            subprocess.run(command, env=quiet, check=False, stdout=subprocess.DEVNULL)
        missing = [program for program in missing if shutil.which(program) is None]
    if missing:
        names = ", ".join(f"{program} (Debian: {NEEDED[program]})" for program in missing)
        sys.stderr.write(f"The tests need programs that are not here: {names}\n")
    return 0  # the tests themselves fail, one by one, for what is not there


if __name__ == "__main__":
    sys.exit(main())
