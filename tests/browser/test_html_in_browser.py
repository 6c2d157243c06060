"""The page as people use it, in a real browser from ``file://`` without network."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from analyzer.figures.timeline_model import timeline_model
from analyzer.reports.html import render
from analyzer.results import Report, StartReport
from tests.kit import page_factory as made

pytestmark = pytest.mark.browser

SITUATIONS = sorted(made.SITUATIONS)


def expected_windows(start: StartReport, *, all_checks: bool) -> list[list[float]]:
    """The windows of the report that must be drawn: each check's, readiness, detection; open ends up to the edge."""
    model = timeline_model(start)
    if not model.drawable:
        return []
    edge = start.end.at_s if start.end.kind != "running" and start.end.at_s is not None else model.end
    some_failing = any(c.seen_failing for c in start.checks)
    checks = [c for c in start.checks if all_checks or c.seen_failing or not some_failing]
    windows = [c.cleared for c in checks] + [start.ready]
    if start.detected.upper is not None:
        windows.append(start.detected)
    lanes = [row for row in model.rows if row.kind in ("phases", "datastore")]
    extra = [[mark.begin, mark.end] for row in lanes for mark in row.marks if mark.kind == "uncertain"]
    known = [w for w in windows if w.lower is not None or w.upper is not None]
    drawn = [[model.begin if w.lower is None else w.lower, edge if w.upper is None else w.upper] for w in known]
    # nothing is left to draw of a window without width, or of one that would open only after the process ended
    return [w for w in drawn if w[0] < w[1]] + extra


def close_to(found: list[list[float]], wanted: list[list[float]]) -> None:
    assert len(found) == len(wanted)
    for one, other in zip(sorted(found), sorted(wanted), strict=True):
        assert one == pytest.approx(other, abs=1e-9)


@pytest.mark.parametrize("name", SITUATIONS)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_opens_and_draws_every_window_of_the_report(opened: Any, name: str, scheme: str) -> None:
    report: Report = made.SITUATIONS[name]()
    shown = opened(report, "#all=1", color_scheme=scheme)
    for start in report.starts:
        if len(report.starts) > 1:
            shown.page.select_option("#pick", str(start.index))
        close_to(shown.windows(), expected_windows(start, all_checks=True))
        text = shown.page.inner_text("#content")
        assert start.bottleneck.sentence in text or not start.bottleneck.sentence
        for finding in start.findings:
            assert finding.title.splitlines()[0] in text or name == "hostile"
    if not report.starts:
        assert "No start found" in shown.page.inner_text("#content")


def text_problems(page: Any) -> list[str]:
    """Texts of charts that touch another text or are cut by their chart's edge."""
    found: list[str] = page.evaluate(
        """() => {
            const bad = [];
            document.querySelectorAll('.js-plotly-plot').forEach((plot) => {
                const frame = plot.getBoundingClientRect();
                const texts = Array.from(plot.querySelectorAll('svg text')).filter((t) => t.textContent.trim()
                    && !t.closest('.hoverlayer') && t.style.display !== 'none'
                    && getComputedStyle(t).visibility !== 'hidden' && Number(getComputedStyle(t).opacity) > 0)
                    .map((t) => [t.textContent, t.getBoundingClientRect()]).filter(([, b]) => b.width > 0);
                texts.forEach(([text, a], i) => {
                    const clipped = a.left < frame.left - 1 || a.right > frame.right + 1 || a.bottom > frame.bottom + 1;
                    if (clipped) { bad.push(plot.id + ': cut: ' + text); }
                    texts.slice(i + 1).forEach(([other, b]) => {
                        const across = a.left < b.right - 2 && b.left < a.right - 2;
                        if (across && a.top < b.bottom - 3 && b.top < a.bottom - 3) {
                            bad.push(plot.id + ': ' + text + ' | ' + other); }
                    });
                });
            });
            return bad;
        }"""
    )
    return found


@pytest.mark.parametrize("name", SITUATIONS)
@pytest.mark.parametrize("width", [1280, 390])
def test_fits_the_screen_and_no_texts_overlap(opened: Any, name: str, width: int) -> None:
    shown = opened(made.SITUATIONS[name](), "#all=1", viewport={"width": width, "height": 844})
    assert shown.page.evaluate("() => document.documentElement.scrollWidth - window.innerWidth") <= 0
    assert text_problems(shown.page) == []


def test_filter_keeps_what_matches_and_dims_the_rest(opened: Any) -> None:
    shown = opened(made.healthy())
    assert any("crd-informer-synced" in label for label in shown.labels())
    shown.page.fill("#filter", "rbac")
    shown.page.wait_for_function("() => document.getElementById('matches').textContent.startsWith('1 of 5 checks')")
    checks = [label for label in shown.labels() if "/" in label and "readyz" not in label]
    assert checks == ["▶ rbac/bootstrap-roles"]
    rows = shown.page.locator("table[data-table=checks] tbody tr:not([hidden])")
    assert rows.count() == 1 and "rbac" in rows.first.inner_text()
    shown.page.fill("#filter", "text of line 44")
    shown.page.wait_for_function("() => document.getElementById('matches').textContent.includes('1 of 16 messages')")
    faint = shown.page.evaluate(
        "() => document.getElementById('timeline').data.filter((t) => ['poll', 'milestone'].includes(t.meta))"
        ".flatMap((t) => t.marker.opacity)"
    )
    assert sorted(faint)[-1] == 1 and faint.count(1) == 1
    shown.page.fill("#filter", "no such thing anywhere")
    shown.page.wait_for_function("() => document.getElementById('matches').textContent.startsWith('0 of 5 checks')")
    shown.page.fill("#filter", "")
    shown.page.wait_for_function("() => document.getElementById('matches').textContent === ''")
    assert shown.page.locator("table[data-table=checks] tbody tr").count() == 5


def test_checks_never_seen_failing_come_on_request(opened: Any) -> None:
    shown = opened(made.healthy())
    assert "ping" not in shown.labels()
    shown.page.check("#extra")
    assert {"ping", "log"} <= set(shown.labels())
    assert "all=1" in shown.page.url


def test_starts_switch_by_table_list_chart_and_keys(opened: Any) -> None:
    shown = opened(made.crash_loop())
    page = shown.page

    def current() -> str:
        assert page.locator("#starts tr[aria-current=true]").count() == 1
        index: str = page.locator("article.start").get_attribute("data-start")
        assert page.locator("#starts tr[aria-current=true]").get_attribute("data-start") == index
        assert page.input_value("#pick") == index
        return index

    assert current() == "5"  # the one that the answer speaks of
    page.click("#starts a[href='#start=2']")
    assert current() == "2"
    assert "address already in use" in page.inner_text("article.start")
    page.select_option("#pick", "6")
    assert current() == "6" and "address already in use" not in page.inner_text("article.start")
    page.click("#previous")
    assert current() == "5"
    page.keyboard.press("[")
    assert current() == "4"
    page.keyboard.press("]")
    page.keyboard.press("]")
    page.keyboard.press("]")  # the last one stays
    assert current() == "6" and page.is_disabled("#next")
    box = page.locator("#overview .nsewdrag").first.bounding_box()
    page.mouse.click(box["x"] + box["width"] * 0.118, box["y"] + box["height"] * 0.46)
    page.wait_for_selector("article.start[data-start='1']")
    assert current() == "1" and page.is_disabled("#previous")


def test_table_of_starts_sorts(opened: Any) -> None:
    shown = opened(made.crash_loop())
    page = shown.page

    def indexes() -> list[str]:
        found: list[str] = page.eval_on_selector_all("#starts tbody tr", "rows => rows.map((r) => r.dataset.start)")
        return found

    assert indexes() == ["1", "2", "3", "4", "5", "6"]
    page.click("#starts button[data-key=index]")
    page.click("#starts button[data-key=index]")
    assert indexes() == ["6", "5", "4", "3", "2", "1"]
    page.click("#starts button[data-key=ready]")
    assert indexes()[0] == "6"  # the only one that became ready
    assert page.get_attribute("#starts th:has(button[data-key=ready])", "aria-sort") == "ascending"
    page.click("#starts button[data-key=ready]")
    assert indexes()[-1] == "6"


def test_a_link_shows_the_same(opened: Any) -> None:
    first = opened(made.crash_loop())
    first.page.click("#starts a[href='#start=3']")
    first.page.click("button[data-do=in]")
    first.page.fill("#filter", "rbac")
    first.page.wait_for_function("() => location.hash.includes('q=rbac')")
    fragment = first.page.url.split("#", 1)[1]
    assert fragment.startswith("start=3&x=") and fragment.endswith("&q=rbac")
    second = opened(made.crash_loop(), "#" + fragment)
    assert second.page.get_attribute("article.start", "data-start") == "3"
    assert second.page.input_value("#filter") == "rbac"
    assert second.shown_range() == pytest.approx(first.shown_range(), abs=1e-3)
    assert second.labels() == first.labels()
    second.page.evaluate("() => { location.hash = '#start=5'; }")
    second.page.wait_for_selector("article.start[data-start='5']")
    assert second.page.input_value("#filter") == ""


@pytest.mark.parametrize("fragment", ["#start=99&x=a,b", "#x=5,1", "#%E0%A4%A", "#start=1&x=1e999,2e999&q=%3Cimg%3E"])
def test_broken_links_fall_back(opened: Any, fragment: str) -> None:
    shown = opened(made.healthy(), fragment)
    low, high = shown.shown_range()
    assert low < 0 < 15 < high < 16


def test_zoom_pan_and_the_whole_text(opened: Any) -> None:
    shown = opened(made.healthy())
    low, high = shown.shown_range()
    shown.page.click("button[data-do=in]")
    inner = shown.shown_range()
    assert inner[1] - inner[0] == pytest.approx((high - low) / 2)
    shown.page.click("button[data-do=right]")
    assert shown.shown_range()[0] == pytest.approx(inner[0] + (high - low) / 8)
    shown.page.click("button[data-do=all]")
    assert shown.shown_range()[1] > 40
    shown.page.click("button[data-do=start]")
    assert shown.shown_range() == pytest.approx([low, high])
    shown.page.locator("#timeline").scroll_into_view_if_needed()
    box = shown.page.locator("#timeline .nsewdrag").first.bounding_box()
    y = box["y"] + box["height"] - 6
    shown.page.mouse.move(box["x"] + box["width"] * 0.25, y)
    shown.page.mouse.down()
    shown.page.mouse.move(box["x"] + box["width"] * 0.5, y, steps=4)
    shown.page.mouse.up()
    shown.page.wait_for_function("() => location.hash.includes('x=')")
    dragged = shown.shown_range()
    assert dragged[1] - dragged[0] == pytest.approx((high - low) / 4, rel=0.05)
    ticks = shown.page.evaluate("() => document.getElementById('timeline').layout.xaxis.ticktext")
    assert "06:03:26" in " ".join(ticks)


def test_pointing_shows_the_line_and_a_click_copies_it(opened: Any) -> None:
    shown = opened(made.healthy(), permissions=["clipboard-read", "clipboard-write"])
    page = shown.page
    page.locator("#timeline").scroll_into_view_if_needed()
    page.wait_for_timeout(200)  # a scroll hides the tip, and its event comes late
    box = page.locator("#timeline .nsewdrag").first.bounding_box()
    low, high = shown.shown_range()
    place = page.evaluate(
        "() => { const gd = document.getElementById('timeline'); const t = gd.data.find((d) => d.meta === 'poll');"
        " const r = gd.layout.yaxis.range; return [t.x[0], (t.y[0] - r[1]) / (r[0] - r[1])]; }"
    )
    x = box["x"] + (place[0] - low) / (high - low) * box["width"]
    y = box["y"] + place[1] * box["height"]
    page.mouse.move(x, y)
    page.wait_for_selector("#tip:not([hidden])")
    tip = page.inner_text("#tip")
    assert "line 17 of journal.txt" in tip and "text of line 17" in tip and "2.000 s (06:03:24.000)" in tip
    page.mouse.click(x, y)
    page.wait_for_selector("#toast:not([hidden])")
    assert page.inner_text("#toast") == "Copied line 17"
    copied = page.evaluate("() => navigator.clipboard.readText()")
    assert copied == "journal.txt:17: Mar 01 06:03:39 node-a k3s[1193]: text of line 17"
    page.click("table[data-table=checks] button.ref[data-ref='0:52']")
    assert page.evaluate("() => navigator.clipboard.readText()").endswith("text of line 52")


def test_everything_works_from_the_keyboard(opened: Any) -> None:
    shown = opened(made.healthy(), permissions=["clipboard-read", "clipboard-write"])
    page = shown.page
    low, high = shown.shown_range()
    page.keyboard.press("t")
    assert page.evaluate("() => document.activeElement.id") == "timeline"
    page.keyboard.press("+")
    assert shown.shown_range()[1] - shown.shown_range()[0] == pytest.approx((high - low) / 2)
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("0")
    assert shown.shown_range() == pytest.approx([low, high])
    seen = set()
    for _ in range(12):
        page.keyboard.press("n")
        seen.add(page.inner_text("#tip"))
    assert len(seen) == 12
    page.keyboard.press("p")
    assert page.inner_text("#tip") in seen
    while "line" not in page.inner_text("#tip") or "line of its own" in page.inner_text("#tip"):
        page.keyboard.press("n")
    page.keyboard.press("Enter")
    page.wait_for_selector("#toast:not([hidden])")
    assert page.inner_text("#toast").startswith("Copied line")
    assert page.evaluate("() => navigator.clipboard.readText()").startswith("journal.txt:")
    page.keyboard.press("Escape")
    assert page.is_hidden("#tip")
    page.keyboard.press("/")
    assert page.evaluate("() => document.activeElement.id") == "filter"
    page.keyboard.type("[t?")  # while typing, keys are letters
    assert page.input_value("#filter") == "[t?" and page.is_hidden("#help")
    page.keyboard.press("Tab")
    page.keyboard.press("?")
    assert page.is_visible("#help")


def test_dark_mode_by_system_and_by_button(opened: Any) -> None:
    background = "() => getComputedStyle(document.querySelector('.card')).backgroundColor"
    plot = "() => document.getElementById('timeline').layout.paper_bgcolor"
    light = opened(made.healthy(), color_scheme="light")
    dark = opened(made.healthy(), color_scheme="dark")
    assert light.page.evaluate(background) == "rgb(255, 255, 255)" and light.page.evaluate(plot) == "#ffffff"
    assert dark.page.evaluate(background) == "rgb(20, 24, 29)" and dark.page.evaluate(plot) == "#14181d"
    dark.page.click("#theme")
    assert dark.page.inner_text("#theme") == "Theme: light"
    assert dark.page.evaluate(background) == "rgb(255, 255, 255)" and dark.page.evaluate(plot) == "#ffffff"
    dark.page.click("#theme")
    assert dark.page.inner_text("#theme") == "Theme: dark" and dark.page.evaluate(plot) == "#14181d"


def test_hostile_names_and_messages_stay_text(opened: Any) -> None:
    shown = opened(made.hostile(), "#all=1")
    page = shown.page
    page.keyboard.press("t")
    for _ in range(40):
        page.keyboard.press("n")
    page.keyboard.press("Enter")
    page.fill("#filter", "<img")
    page.wait_for_function("() => document.getElementById('matches').textContent.startsWith('1 of')")
    assert page.evaluate("() => window.__hit") is None
    assert page.locator("img, iframe, a[href^=javascript], svg a").count() == 0
    assert any(label.endswith("{{7*7}}${1}") and "</script><img" in label for label in shown.labels())
    assert made.HOSTILE in page.inner_text("h1")


def test_prints_light_and_with_all_tables(opened: Any) -> None:
    shown = opened(made.healthy(), color_scheme="dark")
    assert shown.page.locator("details[open]").count() == 1
    pdf = shown.page.pdf(format="A4")
    assert pdf.startswith(b"%PDF") and len(pdf) > 20_000
    assert shown.page.locator("article details[open]").count() == 6
    assert shown.page.evaluate("() => document.documentElement.dataset.theme") is None


def test_a_hundred_starts_with_forty_checks_open_quickly(opened: Any, tmp_path: Path) -> None:
    large = tmp_path / "many.html"
    large.write_text(render(made.many(100, 40)), encoding="utf-8")
    shown = opened(made.healthy())
    page = shown.page
    # processor time of the page's main thread, so that other work on the machine does not decide
    meter = page.context.new_cdp_session(page)
    meter.send("Performance.enable", {"timeDomain": "threadTicks"})

    def spent() -> float:
        metrics = meter.send("Performance.getMetrics")["metrics"]
        return next(m["value"] for m in metrics if m["name"] == "TaskDuration")

    page.goto(large.as_uri())
    page.wait_for_selector("html[data-drawn=yes]")
    opening = spent()
    assert 0.1 < opening < 3, f"opening took {opening:.2f} s of processor time"
    assert page.locator("#starts tbody tr").count() == 100
    assert len([label for label in shown.labels() if "made-up" in label]) == 35
    page.select_option("#pick", "17")
    page.wait_for_selector("article.start[data-start='17']")
    switching = spent() - opening
    assert switching < 1.5, f"switching took {switching:.2f} s of processor time"


def test_marks_on_the_page_stay_under_the_limit(opened: Any) -> None:
    shown = opened(made.endless_polls(20_000))
    marks = shown.page.evaluate(
        "() => document.querySelectorAll('#timeline path, #timeline text, #timeline rect').length"
    )
    assert 100 < marks < 6000
    assert "20000 polls are drawn as" in shown.page.inner_text("#notes")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(
    ("name", "width"), [("crash-loop", 1280), ("stuck", 390), ("timeless", 390), ("nothing", 1280)]
)
def test_axe_finds_nothing_serious(opened: Any, name: str, width: int, scheme: str) -> None:
    package = pytest.importorskip("axe_playwright_python")
    script = (Path(package.__file__).parent / "axe.min.js").read_text(encoding="utf-8")
    shown = opened(made.SITUATIONS[name](), viewport={"width": width, "height": 844}, color_scheme=scheme)
    shown.page.click("#help-button")
    shown.page.evaluate("() => document.querySelectorAll('details').forEach((d) => { d.open = true; })")
    shown.page.evaluate(script)
    found = shown.page.evaluate("() => axe.run({ resultTypes: ['violations'] })")
    grave = [
        f"{v['id']} ({v['impact']}): {v['help']} {json.dumps([n['html'][:120] for n in v['nodes'][:3]])}"
        for v in found["violations"]
        if v["impact"] in ("serious", "critical", "moderate")
    ]
    assert grave == []
