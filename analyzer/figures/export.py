"""Figures as PNG or SVG, when the optional renderer and a browser for it are there."""

from __future__ import annotations

from typing import Any

from analyzer.errors import BadInputError, UsageError

FORMATS = ("png", "svg")


def image_bytes(figure: Any, format: str, *, width: int = 1200, scale: float = 1.0) -> bytes:
    """``figure`` as PNG or SVG.

    Raises ``UsageError`` for another format and ``BadInputError``, with what to install, when kaleido or the browser
    that it drives is missing.
    """
    if format not in FORMATS:
        raise UsageError(f"figures cannot be written as {format!r}", hint="Use png or svg")
    try:
        import kaleido  # noqa: F401
    except ImportError:
        raise BadInputError(
            "pictures need the optional package kaleido",
            hint="Install k3slog[images], or write the page with --html",
        ) from None
    try:
        data: bytes = figure.to_image(format=format, width=width, scale=scale)
    except Exception as error:  # kaleido's and the browser's errors share no base class
        first = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise BadInputError(
            f"the picture could not be drawn: {first}",
            hint="kaleido needs a Chromium that it may start (BROWSER_PATH names one); the page (--html) needs none",
        ) from error
    return data
