"""Refresh the vendored plotly.js basic bundle from npm (``make vendor-plotly``).

The page must be drawn by the same major version of plotly.js as the one plotly.py speaks to, so the version is read
from the installed plotly.py and the newest basic bundle of that major is taken. Only the ``npm`` client talks to the
network; what it brought is checked (licence present, nothing that would end a ``<script>`` element) before anything
in the tree is replaced.

Usage: ``python tools/refresh_plotly.py [--check]``. ``--check`` only compares the vendored file with its recorded
digest and its major version with plotly.py's; it needs no network.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import subprocess
import sys
import tarfile
import tempfile
from importlib.resources import files
from pathlib import Path

PACKAGE = "plotly.js-basic-dist-min"
BUNDLE = "plotly-basic.min.js"
ASSETS = Path(__file__).resolve().parent.parent / "analyzer" / "reports" / "assets" / "plotly"


def installed_major() -> int:
    """Major version of the plotly.js inside the installed plotly.py."""
    head = files("plotly").joinpath("package_data/plotly.min.js").read_text(encoding="utf-8")[:400]
    found = re.search(r"plotly\.js v(\d+)\.", head)
    if found is None:
        raise SystemExit("refresh_plotly: the installed plotly.py does not say which plotly.js it holds")
    return int(found.group(1))


def check() -> int:
    """0 when the vendored bundle is the recorded one and of plotly.py's major version."""
    record = json.loads((ASSETS / "vendored.json").read_text(encoding="utf-8"))
    digest = hashlib.sha256((ASSETS / BUNDLE).read_bytes()).hexdigest()
    if digest != record["sha256"]:
        print(f"refresh_plotly: {BUNDLE} is not the recorded file (sha256 {digest})", file=sys.stderr)
        return 1
    if int(record["version"].split(".")[0]) != installed_major():
        print(
            f"refresh_plotly: vendored plotly.js {record['version']}, plotly.py holds major {installed_major()}",
            file=sys.stderr,
        )
        return 1
    print(f"{PACKAGE} {record['version']}: as recorded")
    return 0


def refresh() -> int:
    """Fetch, check and replace; 0 on success."""
    major = installed_major()
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(
            ["npm", "pack", "--silent", f"{PACKAGE}@^{major}"], cwd=folder, check=True, stdout=subprocess.DEVNULL
        )
        archives = sorted(Path(folder).glob("*.tgz"))
        if len(archives) != 1:
            raise SystemExit(f"refresh_plotly: npm brought {len(archives)} archives, expected 1")
        with tarfile.open(archives[0]) as archive:
            members = {name: _read(archive, f"package/{name}") for name in (BUNDLE, "LICENSE", "package.json")}
    bundle = members[BUNDLE]
    if b"</script" in bundle.lower() or b"<!--" in bundle:
        raise SystemExit("refresh_plotly: the bundle holds text that would end a script element; not taken")
    version = json.loads(members["package.json"])["version"]
    ASSETS.mkdir(parents=True, exist_ok=True)
    (ASSETS / BUNDLE).write_bytes(bundle)
    (ASSETS / "LICENSE-plotly.txt").write_bytes(members["LICENSE"])
    record = {
        "package": PACKAGE,
        "version": version,
        "license": "MIT",
        "sha256": hashlib.sha256(bundle).hexdigest(),
        "bytes": len(bundle),
    }
    (ASSETS / "vendored.json").write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    print(f"{PACKAGE} {version}: {len(bundle)} bytes")
    return 0


def _read(archive: tarfile.TarFile, name: str) -> bytes:
    member = archive.extractfile(name)
    if member is None:
        raise SystemExit(f"refresh_plotly: {name} is missing in the package")
    return member.read()


def main() -> int:
    parser = argparse.ArgumentParser(description="Refresh or check the vendored plotly.js basic bundle.")
    parser.add_argument("--check", action="store_true", help="compare with the record, no network")
    return check() if parser.parse_args().check else refresh()


if __name__ == "__main__":
    sys.exit(main())
