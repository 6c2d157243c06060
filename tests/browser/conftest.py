"""A real chromium without network, opening pages from ``file://``."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from analyzer.reports.format import Options
from analyzer.reports.html import render
from analyzer.results import Report

# chromium run as root needs --no-sandbox; the proxy that leads nowhere makes a request that slips through fail
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--proxy-server=127.0.0.1:9", "--disable-background-networking"]


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    api = pytest.importorskip("playwright.sync_api")
    path = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        pytest.fail("no chromium found: install Debian's package chromium, or name one in CHROMIUM")
    with api.sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield started
        started.close()


@dataclass
class Opened:
    """A page, and everything it complained about or asked the network for."""

    page: Any
    path: Path
    complaints: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def goto(self, fragment: str = "") -> None:
        self.page.goto(self.path.as_uri() + fragment)
        self.page.wait_for_selector("html[data-drawn=yes]")

    def windows(self) -> list[list[float]]:
        """``[begin, end]`` of every bar drawn as uncertain in the timeline, from plotly's own data."""
        found: list[list[float]] = self.page.evaluate(
            """() => (document.getElementById('timeline').data || []).filter((t) => t.meta === 'uncertain')
                .flatMap((t) => t.base.map((b, i) => [b, b + t.x[i]]))"""
        )
        return found

    def labels(self) -> list[str]:
        """Names of the rows as they stand on the page."""
        found: list[str] = self.page.evaluate(
            "() => Array.from(document.querySelectorAll('#timeline .yaxislayer-above text')).map((t) => t.textContent)"
        )
        return found

    def shown_range(self) -> list[float]:
        found: list[float] = self.page.evaluate("() => document.getElementById('timeline').layout.xaxis.range")
        return found


Opener = Callable[..., Opened]


@pytest.fixture
def opened(browser: Any, tmp_path: Path) -> Iterator[Opener]:
    """``opened(report, **options of the browser context)`` → a page; no complaint and no request may be left over."""
    contexts: list[Any] = []
    pages: list[Opened] = []

    def make(report: Report, fragment: str = "", *, start: int | None = None, **options: Any) -> Opened:
        path = tmp_path / f"page-{len(pages)}.html"
        path.write_text(render(report, Options(start=None if start is None else str(start))), encoding="utf-8")
        context = browser.new_context(**({"viewport": {"width": 1280, "height": 900}} | options))
        contexts.append(context)
        context.set_default_timeout(15_000)
        page = context.new_page()
        made = Opened(page, path)
        pages.append(made)
        page.on("console", lambda m: made.complaints.append(m.text) if m.type in ("error", "warning") else None)
        page.on("pageerror", lambda e: made.complaints.append(str(e)))
        page.on("request", lambda r: made.requests.append(r.url))
        page.add_init_script(
            "document.addEventListener('securitypolicyviolation', (e) => console.error('policy: ' + e.violatedDirective"
            " + ' ' + e.blockedURI));"
        )
        context.set_offline(True)
        made.goto(fragment)
        return made

    yield make
    for made in pages:
        assert made.complaints == []
        assert [url for url in made.requests if not url.startswith(("file:", "blob:", "data:"))] == []
    for context in contexts:
        context.close()


@pytest.fixture
def opened_file(browser: Any) -> Iterator[Opener]:
    """``opened_file(path, fragment, **options of the context)`` → its page; no complaint and no request may be left."""
    contexts: list[Any] = []
    pages: list[Opened] = []

    def make(path: Path, fragment: str = "", **options: Any) -> Opened:
        context = browser.new_context(**({"viewport": {"width": 1280, "height": 900}} | options))
        contexts.append(context)
        context.set_default_timeout(15_000)
        page = context.new_page()
        shown = Opened(page, path)
        pages.append(shown)
        page.on("console", lambda m: shown.complaints.append(m.text) if m.type in ("error", "warning") else None)
        page.on("pageerror", lambda e: shown.complaints.append(str(e)))
        page.on("request", lambda r: shown.requests.append(r.url))
        context.set_offline(True)
        if options.get("java_script_enabled", True):
            page.add_init_script(
                "document.addEventListener('securitypolicyviolation',"
                " (e) => console.error('policy: ' + e.violatedDirective + ' ' + e.blockedURI));"
            )
            shown.goto(fragment)
        else:
            page.goto(path.as_uri() + fragment)
        return shown

    yield make
    for shown in pages:
        assert shown.complaints == []
        assert [url for url in shown.requests if not url.startswith("file:")] == []
    for context in contexts:
        context.close()


def grave_faults(page: Any) -> list[str]:
    """What axe finds that is worse than minor."""
    package = pytest.importorskip("axe_playwright_python")
    page.evaluate((Path(package.__file__).parent / "axe.min.js").read_text(encoding="utf-8"))
    found = page.evaluate("() => axe.run({ resultTypes: ['violations'] })")
    return [
        f"{v['id']} ({v['impact']}): {v['help']} {json.dumps([n['html'][:160] for n in v['nodes'][:3]])}"
        for v in found["violations"]
        if v["impact"] in ("serious", "critical", "moderate")
    ]


def touching_texts(page: Any, where: str) -> list[str]:
    """Pairs of texts in pictures that lie on each other."""
    found: list[str] = page.evaluate(
        """(where) => Array.from(document.querySelectorAll(where)).flatMap((svg) => {
            const texts = Array.from(svg.querySelectorAll('text'))
                .map((t) => [t.textContent, t.getBoundingClientRect()]).filter(([, b]) => b.width);
            const touch = (a, b) => a.left < b.right - 1 && b.left < a.right - 1
                && a.top < b.bottom - 3 && b.top < a.bottom - 3;
            return texts.flatMap(([one, a], i) => texts.slice(i + 1).filter(([, b]) => touch(a, b))
                .map(([other]) => one + ' | ' + other));
        })""",
        where,
    )
    return found
