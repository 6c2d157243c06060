"""Writes the pictures of the page in docs/images that the README shows, with a real Chromium.

Usage: ``python tools/pictures.py [FOLDER]``, or ``make pictures``. Needs the extras ``browser`` and ``notebook``
(of it Pillow) and a Chromium: ``CHROMIUM`` names one, else the machine's is taken. Each picture is of the sample log
that the README's report is of.
"""

from __future__ import annotations

import io
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from playwright.sync_api import sync_playwright

import analyzer
from analyzer.figures.palette import DARK, LIGHT
from analyzer.reports.html import render

ROOT = Path(__file__).resolve().parent.parent
SAMPLE = "sample_logs/slow-rbac-one-core.short.txt"
WIDTH = 1180  # pixels of every picture
MARGIN = 14  # around what is shown
LARGEST = 200_000  # bytes; a README is read over slow lines, too
CHECK, SECONDS = "rbac/bootstrap-roles", 12.0  # the mark that the pointer is on in the dark

# where in the window a moment of a row is
SPOT = """([name, seconds]) => {
    const box = document.getElementById("timeline"), {xaxis, yaxis} = box._fullLayout, at = box.getBoundingClientRect();
    const row = yaxis.tickvals[yaxis.ticktext.findIndex((text) => text.includes(name))];
    return [at.left + xaxis._offset + xaxis.l2p(seconds), at.top + yaxis._offset + yaxis.l2p(row)];
}"""


def opened(browser: Any, path: Path, theme: str) -> Any:
    page = browser.new_page(viewport={"width": WIDTH, "height": 1400}, color_scheme=theme)
    page.goto(path.as_uri())
    page.wait_for_selector("html[data-drawn=yes]")
    return page


def box(page: Any, first: str, last: str) -> dict[str, float]:
    """The whole width of the page, from above the element ``first`` to below ``last``."""
    top, bottom = page.locator(first).bounding_box(), page.locator(last).bounding_box()
    begin = max(0.0, top["y"] - MARGIN)
    return {"x": 0, "y": begin, "width": WIDTH, "height": bottom["y"] + bottom["height"] + MARGIN - begin}


def report(browser: Any, path: Path) -> bytes:
    """The title, the answer and the timeline, in the light."""
    page = opened(browser, path, "light")
    picture: bytes = page.screenshot(clip=box(page, "header.top", "section[aria-label=Timeline]"))
    return picture


def timeline_dark(browser: Any, path: Path) -> bytes:
    """The timeline in the dark, the pointer on a mark."""
    page = opened(browser, path, "dark")
    page.locator("section[aria-label=Timeline]").evaluate("(e) => window.scrollTo(0, e.offsetTop - 20)")
    page.wait_for_timeout(200)  # a tip goes when the page scrolls
    page.mouse.move(*page.evaluate(SPOT, [CHECK, SECONDS]))
    page.wait_for_selector("#tip:not([hidden])")
    clip = box(page, "section[aria-label=Timeline]", "section[aria-label=Timeline]")
    tip = page.locator("#tip").bounding_box()
    clip["height"] = max(clip["height"], tip["y"] + tip["height"] + MARGIN - clip["y"])
    picture: bytes = page.screenshot(clip=clip)
    return picture


def small(picture: bytes) -> bytes:
    """The picture in 256 colours, those of the page and the most used ones: less than half of the bytes."""
    pixels = np.asarray(Image.open(io.BytesIO(picture)).convert("RGB"), dtype=np.int32)
    found, where, count = np.unique(pixels.reshape(-1, 3), axis=0, return_inverse=True, return_counts=True)
    of_page = np.array([list(bytes.fromhex(colour[1:])) for colour in (*LIGHT.values(), *DARK.values())])
    kept = np.concatenate((of_page, found[np.argsort(-count)]))[:256]
    nearest = ((found[:, None] - kept[None]) ** 2).sum(axis=2).argmin(axis=1)
    few = Image.fromarray(nearest[where].reshape(pixels.shape[:2]).astype(np.uint8))
    few.putpalette(kept.astype(np.uint8).tobytes())
    made = io.BytesIO()
    few.save(made, "PNG", optimize=True)
    return made.getvalue()


PICTURES = {"html-report.png": report, "html-timeline-dark.png": timeline_dark}


def main() -> None:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "docs" / "images"
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    os.chdir(ROOT)  # the page names the log as the reader of the README does
    with tempfile.TemporaryDirectory() as made, sync_playwright() as playwright:
        path = Path(made) / "page.html"
        path.write_text(render(analyzer.analyze(SAMPLE).report), encoding="utf-8")
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        for name, take in PICTURES.items():
            picture = small(take(browser, path))
            if len(picture) > LARGEST:
                sys.exit(f"{name} has {len(picture)} bytes, more than {LARGEST}")
            (folder / name).write_bytes(picture)
            print(f"{folder / name}: {len(picture)} bytes")
        browser.close()


if __name__ == "__main__":
    main()
