"""One CA for all tests of the live half: making keys is the slow part."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.live.double import Double, Pki


@pytest.fixture(scope="session")
def pki() -> Pki:
    return Pki()


@pytest.fixture(scope="session")
def client_files(pki: Pki, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """CA, client certificate and key as files."""
    folder = tmp_path_factory.mktemp("client")
    cert, key = pki.issue("system:admin", client=True)
    files = {"ca": pki.ca_pem, "cert": cert, "key": key}
    for name, text in files.items():
        (folder / f"{name}.pem").write_text(text)
    return {name: folder / f"{name}.pem" for name in files}


@pytest.fixture
def ready_double(pki: Pki) -> Double:
    """A server that is ready from the start (not started yet)."""
    return Double(pki, {"poststarthook/a": 0.0})
