# SPDX-License-Identifier: LGPL-2.1-or-later
"""The built binaries, as readelf shows them."""

import os
import shutil
import subprocess
import sys

BUILD = os.environ.get("top_builddir", ".")
SANITIZERS = ("libasan", "libubsan", "liblsan", "libtsan")


def built(name):
    """The linked file of that name, not a wrapper script of libtool's; None when it was not built."""
    found = []
    for where, folders, files in os.walk(BUILD):
        folders[:] = [f for f in folders if not f.endswith("T") and f not in (".git", "_inst")]
        for file in files:
            path = os.path.join(where, file)
            if file == name and not os.path.islink(path):
                with open(path, "rb") as f:
                    if f.read(4) == b"\x7fELF":
                        found.append(path)
    return min(found, key=len) if found else None


def readelf(path, *options):
    return subprocess.run(["readelf", "-W", *options, path], capture_output=True, text=True, check=True).stdout


def skip(why):
    print(why)
    sys.exit(77)


def judge(names, check):
    """Calls check(name, path, text of the dynamic section) for each binary, prints its mistakes; the exit status."""
    if not shutil.which("readelf"):
        skip("no readelf")
    mistakes = []
    for name in names:
        path = built(name)
        if not path:
            mistakes.append(f"{name} is not built")
            continue
        dynamic = readelf(path, "-d")
        if any(s in dynamic for s in SANITIZERS) or "__asan_init" in readelf(path, "--syms"):
            skip("built with a sanitizer: not judged")
        mistakes += check(name, path, dynamic)
    print("\n".join(mistakes) or f"{len(names)} binaries as they should be")
    return 1 if mistakes else 0
