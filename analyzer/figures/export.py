"""Figures as PNG or SVG files, when the optional renderer and a browser for it are there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from analyzer.errors import BadInputError, OutputError, UsageError

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


def write_image(figure: Any, path: str | Path, *, force: bool = False, width: int = 1200, scale: float = 1.0) -> Path:
    """Write ``figure`` to ``path`` in the format its suffix names (``.png`` or ``.svg``).

    Raises what :func:`image_bytes` raises, and ``OutputError`` when the file exists (without ``force``) or cannot be
    written. The file appears whole or not at all.
    """
    target = Path(path)
    if target.exists() and not force:
        raise OutputError(f"{target} exists", hint="Add --force to replace it")
    data = image_bytes(figure, target.suffix.lower().lstrip("."), width=width, scale=scale)
    part = target.with_name(f".{target.name}.part")
    try:
        part.write_bytes(data)
        part.replace(target)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise OutputError(f"{target} cannot be written: {error.strerror or error}") from error
    return target
