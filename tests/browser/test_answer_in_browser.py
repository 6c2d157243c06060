"""The answer on the page as people meet it: first on the screen, on a telephone, on paper; the strip of starts."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from analyzer.reports.simulation_html import render as render_simulation
from analyzer.results import Finding, Report
from analyzer.simulator.run import Ceiling, Difference, Point, PolicyResult, Simulation, Stat
from analyzer.window import Window
from tests.browser.test_html_in_browser import text_problems
from tests.kit import page_factory as made

pytestmark = pytest.mark.browser


def outlier() -> Report:
    """A hundred starts, of which one took a hundred times as long."""
    report = made.many(100, 6)
    slow = replace(report.starts[40], ready=Window(1200.0, 1202.0), detected=Window(1202.0, 1202.1))
    return replace(report, starts=(*report.starts[:40], slow, *report.starts[41:]))


def overview(page: Any, what: str) -> Any:
    return page.evaluate(f"() => document.getElementById('overview').layout.{what}")


def test_the_answer_is_on_the_first_screen(opened: Any) -> None:
    shown = opened(made.crash_loop())
    box = shown.page.locator("#answer .verdict").bounding_box()
    assert box["y"] < 150
    size = "(e) => parseFloat(getComputedStyle(e).fontSize)"
    large = shown.page.locator("#answer .verdict").evaluate(size)
    assert large > 1.3 * max(shown.page.locator("#answer dd").evaluate_all(f"(all) => all.map({size})"))
    assert large > shown.page.locator("article .k3slog-answer .verdict").evaluate(size)


def test_a_command_is_copied_whole(opened: Any) -> None:
    advice = "Then sudo systemctl restart k3s."
    start = replace(made.base(), findings=(Finding("x", "critical", "T", "D", advice, (44,)),))
    shown = opened(made.report(start), permissions=["clipboard-read", "clipboard-write"])
    shown.page.click("#answer .do button.copy")
    shown.page.wait_for_selector("#toast:not([hidden])")
    copied = shown.page.evaluate("() => navigator.clipboard.readText()")
    assert copied == shown.page.inner_text("#answer .do code.command") == "sudo systemctl restart k3s"


@pytest.mark.parametrize("width", [1280, 390])
def test_one_slow_start_does_not_flatten_the_others(opened: Any, width: int) -> None:
    shown = opened(outlier(), viewport={"width": width, "height": 844})
    assert overview(shown.page, "yaxis.type") == "log"
    assert [a["text"] for a in overview(shown.page, "annotations")] == ["p50", "p90"]
    assert "logarithmic" in shown.page.inner_text("#overview-title")
    assert text_problems(shown.page) == []
    even = opened(made.many(20, 6))
    assert overview(even.page, "yaxis.type") == "linear"
    assert "p50: half were ready after" in even.page.inner_text("#overview-title")


def cut_tables(page: Any) -> list[str]:
    """Tables whose cells go beyond the screen."""
    found: list[str] = page.evaluate(
        """() => Array.from(document.querySelectorAll("table")).filter((t) => t.getClientRects().length
            && Array.from(t.querySelectorAll("td, th")).some((c) => c.getBoundingClientRect().right > innerWidth))
            .map((t) => t.caption ? t.caption.textContent : t.id)"""
    )
    return found


EMPTY_COLUMNS = """() => Array.from(document.querySelectorAll('main table')).flatMap((t) =>
    Array.from(t.tHead.rows[0].cells).filter((h, i) => !h.hidden
        && Array.from(t.tBodies[0].rows).every((r) => !r.cells[i].textContent.trim())).map((h) => h.textContent))"""


@pytest.mark.parametrize("name", ["crash-loop", "healthy", "stuck"])
def test_no_table_is_cut_on_a_telephone(opened: Any, name: str) -> None:
    shown = opened(made.SITUATIONS[name](), viewport={"width": 390, "height": 844})
    shown.page.evaluate("() => document.querySelectorAll('details').forEach((d) => { d.open = true; })")
    assert cut_tables(shown.page) == []
    assert shown.page.evaluate("() => document.documentElement.scrollWidth <= window.innerWidth")
    assert shown.page.evaluate(EMPTY_COLUMNS) == []
    label = shown.page.locator("table[data-table=checks] td").first.get_attribute("data-label")
    assert label is not None and label.startswith("Turned OK")


@pytest.mark.parametrize("name", ["crash-loop", "healthy", "stuck"])
def test_on_paper_the_answer_has_a_page_and_then_comes_the_appendix(opened: Any, name: str) -> None:
    shown = opened(made.SITUATIONS[name](), viewport={"width": 703, "height": 1032})  # A4 within its margins
    shown.page.emulate_media(media="print")
    shown.page.evaluate("() => window.dispatchEvent(new Event('beforeprint'))")
    assert shown.page.locator(".front").evaluate("(e) => getComputedStyle(e).breakAfter") == "page"
    box = shown.page.locator(".front").bounding_box()
    assert box["y"] + box["height"] < 1032
    assert not shown.page.locator("button.copy, .tools, .chart-tools .buttons").filter(visible=True).count()
    assert shown.page.evaluate("() => document.documentElement.scrollWidth <= window.innerWidth")


LOOK = """() => ({paper: getComputedStyle(document.querySelector('main .card')).backgroundColor,
    plot: document.querySelector('#pareto .main-svg').style.backgroundColor,
    mark: document.querySelector('#pareto .points path').style.fill})"""


def test_the_simulation_has_the_same_design(browser: Any, tmp_path: Path) -> None:
    stat = Stat(1.0, 1.0, 2.0, 3.0, 0.5)
    policy = PolicyResult("adaptive", 10, 1, stat, stat, stat, stat, stat, stat, stat)
    shared = replace(policy, policy="shared-2s", vs_shared_2s={"detected_s": Difference(1.0, 0.5, 1.5, 0.1, 2.0)})
    ceiling = Ceiling(0.0, 1.0, 2.0, "the start")
    simulation = Simulation(
        1, 10, "start 1", {"machine": "m"}, (policy, shared), (Point(2.0, 1.0),), ceiling, stat, stat, stat
    )
    path = tmp_path / "simulation.html"
    path.write_text(render_simulation(simulation), encoding="utf-8")
    context = browser.new_context(viewport={"width": 390, "height": 844}, offline=True)
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda m: complaints.append(m.text) if m.type in ("error", "warning") else None)
    page.goto(path.as_uri())
    page.wait_for_selector("html[data-drawn=yes]")
    assert page.locator("main > :first-child > :first-child").get_attribute("id") == "answer"
    assert page.evaluate("() => document.documentElement.scrollWidth <= window.innerWidth")
    assert cut_tables(page) == []
    before = page.locator(".numbers.stacked td").first.evaluate("(e) => getComputedStyle(e, '::before').content")
    assert "attr(" in before or "noticed at" in before
    light = page.evaluate(LOOK)
    page.emulate_media(color_scheme="dark")
    page.wait_for_function(f"(light) => ({LOOK})().plot !== light.plot", arg=light)
    dark = page.evaluate(LOOK)
    assert light["paper"] == light["plot"] != dark["paper"] == dark["plot"] and light["mark"] != dark["mark"]
    page.locator("#theme").click()
    assert page.evaluate(LOOK) == light
    page.emulate_media(color_scheme="light", media="print")
    assert page.locator(".front").evaluate("(e) => getComputedStyle(e).breakAfter") == "page"
    assert complaints == []
    context.close()
