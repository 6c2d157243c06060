"""Pictures of figures by kaleido and the Chromium of this machine."""

from __future__ import annotations

import pytest

from analyzer import figures
from analyzer.figures import export
from tests.kit import page_factory as made

pytestmark = pytest.mark.browser
HEADS = {"png": b"\x89PNG\r\n\x1a\n", "svg": b"<svg "}


@pytest.mark.parametrize("format", HEADS)
def test_a_figure_becomes_a_picture(format: str) -> None:
    data = export.image_bytes(figures.phases(made.base()), format)
    assert data.startswith(HEADS[format])
    assert len(data) > 5_000
