"""The page of a fleet as people use it, in a real browser from ``file://`` without network."""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from analyzer.reports import fleet_rows
from analyzer.reports.fleet_html import render
from analyzer.reports.fleet_report import FleetReport
from tests.browser.conftest import Opened, Opener, grave_faults, touching_texts
from tests.browser.test_answer_in_browser import cut_tables
from tests.kit import made_collection as made

pytestmark = pytest.mark.browser

WORDS = "(all) => all.map((e) => (e.innerText ?? e.textContent).replace(/\\s+/g, ' ').trim())"


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The page of a situation, written once."""
    folder = tmp_path_factory.mktemp("pages")

    def page(name: str) -> Path:
        path = folder / f"{name}.html"
        if not path.exists():
            path.write_text(render(made.fleet() if name == "large" else made.SITUATIONS[name]()), encoding="utf-8")
        return path

    return page


@pytest.fixture
def opened(opened_file: Opener, pages: Callable[[str], Path], tmp_path: Path) -> Opener:
    """``opened(situation or report, fragment, **options of the context)``."""

    def make(what: str | FleetReport, fragment: str = "", **options: Any) -> Opened:
        path = pages(what) if isinstance(what, str) else tmp_path / "page.html"
        if not isinstance(what, str):
            path.write_text(render(what), encoding="utf-8")
        return opened_file(path, fragment, **options)

    return make


def rows(page: Any, table: str = "starts") -> list[str]:
    found: list[str] = page.eval_on_selector_all(f"#{table} tbody tr:not(.detail)", WORDS)
    return found


def matches(page: Any) -> int:
    return int(page.inner_text("#matches").split()[0].strip(",;").replace(",", ""))


def settled(page: Any, words: str) -> None:
    """Waits until the line over the table says so."""
    page.wait_for_function("(w) => document.getElementById('matches').textContent.startsWith(w)", arg=words)


# --- the script says what the page says without it


@pytest.mark.parametrize("name", ["small", "wide", "all-failed", "hosts"])
def test_the_script_shows_the_same_rows_and_groups_as_the_page_without_it(opened: Opener, name: str) -> None:
    plain = opened(name, java_script_enabled=False).page
    alive = opened(name).page
    assert rows(alive)[:100] == rows(plain)
    assert rows(alive, "groups") == rows(plain, "groups") and len(rows(plain, "groups")) >= 1
    for ranked in ("reasons", "findings", "notes"):
        assert rows(alive, ranked) == rows(plain, ranked)
    one, other = (page.locator("#curve svg.curve").first for page in (plain, alive))
    assert one.locator(".band").count() == other.locator(".band").count()
    titles = "(s) => Array.from(s.querySelectorAll('.band title'), (t) => t.textContent)"
    assert one.evaluate(titles) == other.evaluate(titles)
    never = "(s) => (s.querySelector('.never text') || { textContent: '' }).textContent"
    assert one.evaluate(never) == other.evaluate(never)


def test_at_the_same_width_the_script_draws_the_same_picture(opened: Opener) -> None:
    plain = opened("small", java_script_enabled=False).page
    alive = opened("small").page
    alive.set_viewport_size({"width": 1026, "height": 900})  # the picture is 960 wide in it
    alive.wait_for_function("() => document.querySelector('#curve svg').getAttribute('viewBox') === '0 0 960 360'")
    paths = "(s) => Array.from(s.querySelectorAll('.band path, .grid path'), (p) => p.getAttribute('d'))"
    drawn, made_before = (p.locator("#curve svg").first.evaluate(paths) for p in (alive, plain))
    assert len(drawn) == len(made_before)
    for one, other in zip(drawn, made_before, strict=True):
        found, wanted = ([float(n) for n in re.findall(r"-?[\d.]+", path)] for path in (one, other))
        # the script has whole milliseconds: a step may come a column earlier
        assert len(found) == pytest.approx(len(wanted), abs=8)
        assert sum(found) / len(found) == pytest.approx(sum(wanted) / len(wanted), rel=0.02)


def test_without_a_script_the_page_stands(opened: Opener) -> None:
    page = opened("large", java_script_enabled=False).page
    assert len(rows(page)) == 100
    assert page.locator("#curve svg.wide").is_visible() and not page.locator("#curve svg.narrow").is_visible()
    assert "The other 4,900 starts are in this page" in page.inner_text("#starts-card")
    assert page.locator(".controls").filter(visible=True).count() == 0
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.locator("#curve svg.narrow").is_visible() and not page.locator("#curve svg.wide").is_visible()
    assert page.evaluate("() => document.documentElement.scrollWidth <= window.innerWidth")


# --- all starts


def test_all_five_thousand_starts_can_be_reached(opened: Opener) -> None:
    page = opened("large").page
    seen = set(rows(page))
    while page.is_enabled("#pager button[data-page=on]"):
        page.click("#pager button[data-page=on]")
        seen |= set(rows(page))
    assert len(seen) == 5000
    assert "Page 50 of 50" in page.inner_text("#pager")
    page.click("#pager button[data-page=first]")
    assert page.is_disabled("#pager button[data-page=back]") and "row=" not in page.url


def test_filters_narrow_the_table_the_curve_and_the_rankings(opened: Opener) -> None:
    report = made.fleet()
    page = opened("large").page
    page.select_option("#filters [data-label=version]", made.SLOW_RELEASE)
    wanted = [s for s in report.collection.starts if s.version == made.SLOW_RELEASE]
    settled(page, f"{len(wanted)} of 5,000")
    assert rows(page, "groups")[0].startswith(f"starts that match {len(wanted)}")
    assert page.locator("#curve .band.rest").count() == 1
    failed = sum(s.outcome == "failed" for s in wanted)
    assert sum(int(n) for n in page.eval_on_selector_all("#reasons td:nth-child(2)", WORDS)) == failed
    page.select_option("#filters [data-label=outcome]", "failed")
    settled(page, f"{failed} of 5,000")
    page.select_option("#filters [data-label='label.site']", "east")
    east = sum(s.outcome == "failed" and ("site", "east") in s.labels for s in wanted)
    settled(page, f"{east} of 5,000")
    page.click("#chips button[data-drop='*']")
    settled(page, "5,000")
    assert page.locator("#curve .band.rest").count() == 0 and page.url.endswith(".html")


def test_text_host_and_time_filters(opened: Opener) -> None:
    report = made.fleet()
    page = opened("large").page
    page.fill("#filter", "quorum node-00")
    wanted = sum("quorum" in s.reason and "node-00" in (s.host or "") for s in report.collection.starts)
    settled(page, f"{wanted} of 5,000")
    page.fill("#filter", "no such thing anywhere")
    settled(page, "0 of 5,000")
    assert rows(page) == ["No start matches the filters."]
    page.fill("#filter", "")
    settled(page, "5,000")
    page.fill("#filters [data-label=host]", "node-0017")
    settled(page, f"{sum(s.host == 'node-0017' for s in report.collection.starts)} of 5,000")
    page.fill("#filters [data-label=host]", "node-001")  # no host of that name: all that contain it
    settled(page, f"{sum('node-001' in (s.host or '') for s in report.collection.starts)} of 5,000")
    page.click("#chips button[data-drop=host]")
    page.fill("#from", "2026-03-02T00:00")
    page.fill("#to", "2026-03-02T11:59")
    inside = [
        s
        for s in report.collection.starts
        if s.began_at and "2026-03-02 00:00" <= f"{s.began_at:%Y-%m-%d %H:%M}" <= "2026-03-02 11:59"
    ]
    settled(page, f"{len(inside)} of 5,000")
    assert "from=2026-03-02T00%3A00" in page.url


def test_the_table_sorts_both_ways(opened: Opener) -> None:
    page = opened("small").page
    column = "rows => rows.map((r) => r.cells[0].innerText)"
    page.click("#starts button[data-key=host]")
    up = page.eval_on_selector_all("#starts tbody tr", column)
    assert page.get_attribute("#starts th:has(button[data-key=host])", "aria-sort") == "ascending"
    named = [host for host in up if host.startswith("node-")]
    assert named == sorted(named) and len(named) >= 99
    page.click("#starts button[data-key=took]")
    page.click("#starts button[data-key=took]")
    assert page.get_attribute("#starts th:has(button[data-key=took])", "aria-sort") == "descending"
    took = page.eval_on_selector_all("#starts tbody td:nth-child(3)", WORDS)
    open_ended = [t.startswith(">") for t in took]
    assert open_ended == sorted(open_ended, reverse=True) and any(open_ended)
    closed = [float(t.split("–")[0]) for t in took if not t.startswith(">")]
    assert all(b <= a + 0.1 for a, b in pairwise(closed))  # they are rounded by width
    assert "sort=-took" in page.url


def test_links_of_the_answer_and_the_rankings_are_filters(opened: Opener) -> None:
    report = made.fleet()
    page = opened("large").page
    page.click("#answer a:has-text('node-0017')")
    settled(page, f"{sum(s.host == 'node-0017' for s in report.collection.starts)} of 5,000")
    page.click("#chips button[data-drop=host]")
    page.click("#findings a:has-text('etcd has no quorum')")
    wanted = sum(("no_quorum", "critical") in s.findings for s in report.collection.starts)
    settled(page, f"{wanted} of 5,000")
    assert "finding: etcd has no quorum" in page.inner_text("#chips") and "finding=no_quorum" in page.url


def test_a_start_opens_with_all_that_is_known_of_it(opened: Opener) -> None:
    shown = opened("small", "#host=node-0007", permissions=["clipboard-read", "clipboard-write"])
    page = shown.page
    page.locator("#starts button.open").first.focus()
    page.keyboard.press("Enter")
    detail = page.inner_text("#starts tr.detail")
    assert "k3s.service" in detail and "Time until the node is ready" in detail
    page.click("#starts tr.detail button.copy")
    page.wait_for_selector("#toast:not([hidden])")
    copied = page.evaluate("() => navigator.clipboard.readText()")
    assert re.fullmatch(r"k3slog analyze logs/site-1/node-0007/k3s\.log --start \d+", copied)
    page.keyboard.press("Tab")
    page.locator("#starts button.open").first.click()
    assert page.locator("#starts tr.detail").count() == 0


def test_a_page_that_does_not_hold_all_starts_counts_all_of_them(
    opened: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fleet_rows, "STARTS_BYTES", 25_000)
    report = made.fleet(300, 40)
    page = opened(report, "#outcome=failed").page
    failed = dict(report.fleet.outcomes)["failed"]
    assert "of 300 starts are not in this table" in page.inner_text("#starts-card")
    assert matches(page) == failed == len(rows(page))  # those that need someone are there
    assert rows(page, "groups")[0].startswith("all starts 300 ")  # and what is said of the whole stays so
    starts = [int(n) for n in page.eval_on_selector_all("#findings td:nth-child(2)", WORDS)]
    assert starts == [one.starts for one in report.fleet.groups[0].findings if one.severity != "info"]
    assert page.locator("#curve-tools").is_hidden() and page.locator("#curve svg.wide").is_visible()


# --- the address


def test_a_link_shows_the_same(opened: Opener) -> None:
    first = opened("large").page
    first.select_option("#filters [data-label='label.rack']", "r03")
    first.fill("#filter", "slowly")
    first.wait_for_function("() => location.hash.includes('q=slowly')")
    first.click("#starts button[data-key=began]")
    first.select_option("#by", "label.site")
    first.select_option("#metric", "node_ready")
    fragment = first.url.split("#", 1)[1]
    second = opened("large", "#" + fragment).page
    assert second.input_value("#filter") == "slowly" and second.input_value("#metric") == "node_ready"
    assert rows(second) == rows(first) and rows(second, "groups") == rows(first, "groups")
    assert second.inner_text("#curve-title") == "Time until the node is ready"
    second.evaluate("() => { location.hash = '#outcome=failed'; }")
    settled(second, f"{dict(made.fleet().fleet.outcomes)['failed']} of")
    assert second.input_value("#filter") == ""


@pytest.mark.parametrize(
    "fragment",
    [
        "#row=1e9&sort=__proto__&by=constructor",
        "#%E0%A4%A",
        "#version=%3Cimg%20src%3Dx%20onerror%3D1%3E&label.__proto__=x",
        "#from=javascript:1&to=9999-99-99T99:99&metric=toString&log=2",
        "#reason=%3Cscript%3E&finding=x&show=&show=a&row=-5",
        "#row=9999999",
        "#" + "q=&" * 5000,
    ],
)
def test_broken_links_fall_back(opened: Opener, fragment: str) -> None:
    page = opened("small", fragment).page
    assert matches(page) == 300
    assert len(rows(page)) == 100
    assert page.locator("#curve .band.whole").count() == 1


def test_what_a_link_asks_for_stays_text(opened: Opener) -> None:
    page = opened("small", "#q=%3Cimg%20src%3Dx%20onerror%3Dwindow.__hit%3D1%3E&host=%3Cb%3E").page
    assert page.evaluate("() => window.__hit") is None and page.locator("img, #chips b").count() == 0
    assert "<b>" in page.inner_text("#chips")


def test_hostile_names_stay_text_wherever_they_are_shown(opened: Opener) -> None:
    page = opened("small").page
    for row in ("groups", "reasons", "findings"):
        assert any("</script><img" in text for text in rows(page, row)), row
    page.select_option("#by", "label.rack")
    assert any("</script><img" in text for text in rows(page, "groups"))
    page.click("#reasons a:has-text('</script>')")
    settled(page, "1 of 300")
    page.click("#starts button.open")
    assert "</script><img" in page.inner_text("#starts tr.detail") and "\\u202egnp.exe" in page.inner_text("#starts")
    assert page.locator("#starts tr.detail button.copy").count() == 0  # nothing that a shell would take apart
    assert page.evaluate("() => window.__hit") is None and page.evaluate("() => ({}).polluted") is None
    assert page.locator("img, iframe, a[href^=javascript]").count() == 0


# --- the curve


def test_groups_are_chosen_for_the_curve(opened: Opener) -> None:
    page = opened("large").page
    boxes = page.locator("#groups input[type=checkbox]")
    assert boxes.count() == 11 and page.locator("#groups input:checked").count() == 3
    for _ in range(3):
        page.locator("#groups input:not(:checked)").first.click()
    assert page.locator("#curve .band:not(.whole)").count() == 6
    assert page.locator("#groups input:not(:checked):not(:disabled)").count() == 0  # six can be told apart
    page.locator("#groups input:checked").first.click()
    assert page.locator("#curve .band:not(.whole)").count() == 5 and page.url.count("show=") == 5
    page.select_option("#by", "-")
    assert page.locator("#curve .band").count() == 1 and len(rows(page, "groups")) == 1


def test_the_logarithmic_axis_can_be_switched(opened: Opener) -> None:
    page = opened("wide").page
    assert page.is_checked("#log")
    ticks = page.eval_on_selector_all("#curve .ticks text", WORDS)
    assert any("h" in tick for tick in ticks)
    page.uncheck("#log")
    assert page.eval_on_selector_all("#curve .ticks text", WORDS) != ticks and "log=0" in page.url
    assert not opened("all-failed").page.is_checked("#log")


def test_the_curve_is_read_by_keys_and_by_pointing(opened: Opener) -> None:
    page = opened("small").page
    page.focus("#curve")
    page.keyboard.press("ArrowRight")
    said = page.inner_text("#reading")
    assert re.match(r"By [\d.]+ s: all starts [\d.]+(–[\d.]+)? %", said)
    page.keyboard.press("ArrowLeft")
    assert page.inner_text("#reading") != said
    page.keyboard.press("Escape")
    assert page.inner_text("#reading") == ""
    page.locator("#curve").hover(position={"x": 400, "y": 100})
    assert page.inner_text("#reading").startswith("By ")


# --- how it looks


@pytest.mark.parametrize("name", sorted(made.SITUATIONS))
@pytest.mark.parametrize("width", [1280, 800, 390])
def test_fits_the_screen_and_no_table_is_cut(opened: Opener, name: str, width: int) -> None:
    page = opened(name, viewport={"width": width, "height": 844}).page
    page.evaluate("() => document.querySelectorAll('details').forEach((d) => { d.open = true; })")
    assert page.evaluate("() => document.documentElement.scrollWidth - window.innerWidth") <= 0
    if width == 390:
        assert cut_tables(page) == []
        if page.locator("#starts button.open").count():
            page.locator("#starts button.open").first.click()
            assert page.evaluate("() => document.documentElement.scrollWidth - window.innerWidth") <= 0
    assert touching_texts(page, "#curve svg") == []


def test_the_answer_is_on_the_first_screen(opened: Opener) -> None:
    for width in (1280, 390):
        box = opened("large", viewport={"width": width, "height": 844}).page.locator("#answer .verdict").bounding_box()
        assert box["y"] < 150


def test_dark_mode_by_system_and_by_button(opened: Opener) -> None:
    background = "() => getComputedStyle(document.querySelector('.card')).backgroundColor"
    band = "() => getComputedStyle(document.querySelector('.band.c0 .edge')).stroke"
    light, dark = (opened("small", color_scheme=scheme).page for scheme in ("light", "dark"))
    assert light.evaluate(background) == "rgb(255, 255, 255)" and dark.evaluate(background) == "rgb(20, 24, 29)"
    assert light.evaluate(band) != dark.evaluate(band)
    dark.click("#theme")
    assert dark.inner_text("#theme") == "Theme: light" and dark.evaluate(background) == "rgb(255, 255, 255)"
    assert dark.evaluate(band) == light.evaluate(band)


def test_on_paper_the_answer_and_the_curve_have_a_page(opened: Opener) -> None:
    page = opened("large", viewport={"width": 703, "height": 1032}, color_scheme="dark").page  # A4 within its margins
    page.emulate_media(media="print")
    page.evaluate("() => window.dispatchEvent(new Event('beforeprint'))")
    box = page.locator(".front").bounding_box()
    assert box["y"] + box["height"] < 1032
    assert page.locator(".controls, .chips, .tools").filter(visible=True).count() == 0
    assert page.evaluate("() => document.documentElement.scrollWidth <= window.innerWidth")
    assert page.locator("#bad").is_visible() and page.locator("#notes").is_visible()
    assert page.pdf(format="A4").startswith(b"%PDF")


def test_five_thousand_starts_open_and_filter_quickly(opened: Opener) -> None:
    shown = opened("large")
    page = shown.page
    meter = page.context.new_cdp_session(page)
    meter.send("Performance.enable", {"timeDomain": "threadTicks"})

    def spent() -> float:
        metrics = meter.send("Performance.getMetrics")["metrics"]
        return float(next(m["value"] for m in metrics if m["name"] == "TaskDuration"))

    before = spent()
    page.fill("#filter", "node-00")
    page.wait_for_function("() => location.hash.includes('q=node-00')")
    page.click("#starts button[data-key=where]")
    assert spent() - before < 1.5
    page.reload()
    page.wait_for_selector("html[data-drawn=yes]")
    assert spent() < 3


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("name", "width"), [("small", 1280), ("small", 390), ("nothing", 390), ("all-failed", 1280)])
def test_axe_finds_nothing_serious(opened: Opener, name: str, width: int, scheme: str) -> None:
    fragment = "#outcome=failed" if name == "small" else ""
    page = opened(name, fragment, viewport={"width": width, "height": 844}, color_scheme=scheme).page
    page.evaluate("() => document.querySelectorAll('details').forEach((d) => { d.open = true; })")
    if page.locator("#starts button.open").count():
        page.locator("#starts button.open").first.click()
    assert grave_faults(page) == []
