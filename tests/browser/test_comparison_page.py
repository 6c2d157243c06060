"""The pages of a comparison and of a history as people use them, in a real browser from ``file://`` without network."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from analyzer.collection.model import Bounds
from analyzer.comparison.compare import compared
from analyzer.comparison.model import Asked, Compared, History, Limit
from analyzer.reports import comparison_html, history_html
from tests.browser.conftest import Opened, Opener, grave_faults, touching_texts
from tests.browser.test_answer_in_browser import cut_tables
from tests.kit import made_comparison as made
from tests.kit.made_collection import HOSTILE
from tests.kit.made_sides import One, failed, side

pytestmark = pytest.mark.browser

WORDS = "(all) => all.map((e) => (e.innerText ?? e.textContent).replace(/\\s+/g, ' ').trim())"
PICTURES = "#curve svg, #trend svg, .forest:not(.more) .axis, .lanes .axis"
CHECKS = tuple(f"check:poststarthook/number-{n:02d}-of-the-controllers" for n in range(20))


def engine() -> Compared:
    """Real intervals: new is slower in one phase, a tenth of it fails, and a limit of 2 s."""

    def starts(seed: int, slower: float) -> list[One]:
        rng = np.random.default_rng(seed)
        found = []
        for _ in range(27):
            own: dict[str, Bounds] = {}
            for id in ("extract", "certificates", "apiserver_boot", "hooks", *CHECKS):
                least = float(rng.lognormal(1.0, 0.4)) + (slower if id == "hooks" else 0.0)
                own[id] = (least, least + float(rng.random()))
            total = sum(own[id][0] for id in ("extract", "certificates", "apiserver_boot", "hooks"))
            own["ready"] = (total, total + 1.0)
            found.append(One(own, {"host": f"node-{rng.integers(9)}", "findings": (("slow_datastore", "warning"),)}))
        return found

    new = [*starts(2, 4.0), *[failed(reason="etcd has no quorum") for _ in range(3)]]
    return compared(side(starts(1, 0.0)), side(new, "new"), Asked(limit=Limit(2.0)), ("v1.32.4", "v1.33.1"))


COMPARISONS: dict[str, Callable[[], Compared]] = {
    "engine": engine,
    "slower": made.slower,
    "few": made.few,
    "all-failed": made.all_failed,
    "many": made.many,
    "days": made.days,
    "nothing": made.nothing_in_common,
    "hostile": lambda: made.hostile(HOSTILE),
}
HISTORIES: dict[str, Callable[[], History]] = {
    "trend": made.trend,
    "long-trend": made.long_trend,
    "changes": made.changes,
    "hostile-history": lambda: made.hostile_history(HOSTILE),
}


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The page of a situation, written once."""
    folder = tmp_path_factory.mktemp("pages")

    def page(name: str) -> Path:
        path = folder / f"{name}.html"
        if not path.exists():
            of_two = COMPARISONS.get(name)
            text = history_html.render(HISTORIES[name]()) if of_two is None else comparison_html.render(of_two())
            path.write_text(text, encoding="utf-8")
        return path

    return page


@pytest.fixture
def opened(opened_file: Opener, pages: Callable[[str], Path]) -> Opener:
    def make(name: str, **options: Any) -> Opened:
        return opened_file(pages(name), **options)

    return make


def unfold(page: Any) -> None:
    page.evaluate("() => document.querySelectorAll('details').forEach((d) => { d.open = true; })")


# --- curves


def test_at_the_same_width_the_script_draws_the_same_picture(opened: Opener) -> None:
    plain = opened("engine", java_script_enabled=False).page
    alive = opened("engine").page
    alive.set_viewport_size({"width": 1026, "height": 900})  # the picture is 960 wide in it
    alive.wait_for_function("() => document.querySelector('#curve svg').getAttribute('viewBox') === '0 0 960 360'")
    paths = "(s) => Array.from(s.querySelectorAll('.band path, .grid path, .never path'), (p) => p.getAttribute('d'))"
    drawn, made_before = (p.locator("#curve svg").first.evaluate(paths) for p in (alive, plain))
    assert len(drawn) == len(made_before) > 20
    for one, other in zip(drawn, made_before, strict=True):
        found, wanted = ([float(n) for n in re.findall(r"-?[\d.]+", path)] for path in (one, other))
        # the script has whole milliseconds: a step may come a column earlier
        assert len(found) == pytest.approx(len(wanted), abs=8)
        assert sum(found) / len(found) == pytest.approx(sum(wanted) / len(wanted), rel=0.02)
    texts = "(s) => Array.from(s.querySelectorAll('text'), (t) => [t.textContent, t.getAttribute('y')])"
    assert alive.locator("#curve svg").first.evaluate(texts) == plain.locator("#curve svg").first.evaluate(texts)


def test_other_curves_are_chosen_from_the_list_and_from_the_table(opened: Opener) -> None:
    page = opened("engine").page
    assert page.inner_text("#curve-title") == "Time until the API server is ready"
    assert "10 % with no known end" in page.inner_html("#curve")
    before = page.locator("#curve .band.c1 .area").get_attribute("d")
    page.select_option("#metric", "hooks")
    assert page.inner_text("#curve-title") == "Length of “checks and hooks”"
    assert page.locator("#curve .band.c1 .area").get_attribute("d") != before
    assert "10 % with no known end" in page.inner_html("#curve")  # starts without it may have taken any time
    page.click("#differences button.draw:has-text('ready')")
    assert page.input_value("#metric") == "ready"
    assert page.locator("#curve .band.c1 .area").get_attribute("d") == before
    assert page.locator("#curves").bounding_box()["y"] < 100
    page.check("#log")
    assert page.locator("#curve .band.c1 .area").get_attribute("d") != before


def test_the_curves_are_read_by_keys_and_by_pointing(opened: Opener) -> None:
    page = opened("engine").page
    page.focus("#curve")
    page.keyboard.press("ArrowRight")
    said = page.inner_text("#reading")
    assert re.match(r"By [\d.]+ s: v1\.32\.4 [\d.]+(–[\d.]+)? % · v1\.33\.1 [\d.]+(–[\d.]+)? %", said)
    page.keyboard.press("ArrowLeft")
    assert page.inner_text("#reading") != said
    page.keyboard.press("Escape")
    assert page.inner_text("#reading") == ""
    page.locator("#curve").hover(position={"x": 400, "y": 100})
    assert page.inner_text("#reading").startswith("By ")


# --- tables and starts


def test_without_a_script_all_numbers_pictures_and_starts_stand(opened: Opener) -> None:
    page = opened("engine", java_script_enabled=False).page
    assert page.locator("#curve svg.wide").is_visible() and not page.locator("#curve svg.narrow").is_visible()
    assert page.locator("#differences tbody tr").count() == 26
    assert page.locator("#differences button, .controls:visible, button.copy").count() == 0
    lanes = page.locator("details.start table.lanes")
    assert lanes.count() == 16 and not lanes.first.is_visible()
    page.locator("details.start summary").first.click()
    assert lanes.first.is_visible() and page.locator("code.command").first.is_visible()
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.locator("#curve svg.narrow").is_visible() and not page.locator("#curve svg.wide").is_visible()
    assert page.evaluate("() => document.documentElement.scrollWidth <= window.innerWidth")


def test_a_start_is_opened_by_keys_and_its_command_copied(opened: Opener) -> None:
    page = opened("engine", permissions=["clipboard-read", "clipboard-write"]).page
    page.locator("details.start summary").first.focus()
    page.keyboard.press("Enter")
    start = page.locator("details.start").first
    assert "Length of phases" in start.inner_text() and "The datastore" in start.inner_text()
    start.locator("button.copy").click()
    page.wait_for_selector("#toast:not([hidden])")
    copied = page.evaluate("() => navigator.clipboard.readText()")
    assert copied == start.locator("code.command").inner_text()
    assert re.fullmatch(r"k3slog analyze logs/\d+\.log --start 1 --html start\.html", copied)


def test_undecided_checks_are_folded_and_open(opened: Opener) -> None:
    page = opened("engine").page
    folded = page.locator("#differences details.folded")
    assert folded.count() == 1 and not folded.locator("table").is_visible()
    folded.locator("summary").click()
    assert folded.locator("tbody tr:visible").count() == 14


@pytest.mark.parametrize("width", [1280, 390])
def test_bars_stand_below_their_axis(opened: Opener, width: int) -> None:
    """The zero line of every row is where the axis has its 0."""
    page = opened("engine", viewport={"width": width, "height": 844}).page
    unfold(page)
    off = page.evaluate(
        """() => Array.from(document.querySelectorAll('table.forest:not(.more)')).flatMap((table) => {
            const zero = Array.from(table.querySelectorAll('.axis text')).find((t) => t.textContent === '0')
                .getBoundingClientRect();
            return Array.from(table.querySelectorAll('tbody line.zero'))
                .map((line) => Math.abs(line.getBoundingClientRect().x - (zero.left + zero.right) / 2));
        })"""
    )
    assert len(off) >= 12 and max(off) < 1.5


def test_hostile_names_stay_text(opened: Opener) -> None:
    for name in ("hostile", "hostile-history"):
        page = opened(name).page
        unfold(page)
        assert "</script><img src=x" in page.inner_text("main")
        assert page.evaluate("() => window.__hit") is None and page.evaluate("() => ({}).polluted") is None
        assert page.locator("img, iframe, a[href^=javascript]").count() == 0
    page = opened("hostile").page
    page.select_option("#metric", index=1)
    assert "</script><img" in page.inner_text("#curve-title") and page.evaluate("() => window.__hit") is None


# --- histories


def test_the_points_of_a_trend_are_read_by_keys_and_by_pointing(opened: Opener) -> None:
    page = opened("trend").page
    page.focus("#trend")
    page.keyboard.press("ArrowRight")
    assert page.inner_text("#reading").startswith("v1.33.4+k3s1: 11.6–11.8, interval 11.0–12.5, 20 starts")
    page.keyboard.press("ArrowLeft")
    assert page.inner_text("#reading").startswith("v1.33.1+k3s1: ") and "slower than" in page.inner_text("#reading")
    assert page.locator("#trend svg.wide .point.at.slower").count() == 1
    page.keyboard.press("Escape")
    assert page.inner_text("#reading") == ""
    page.locator("#trend svg.wide .point .hit").first.hover()
    assert page.inner_text("#reading").startswith("v1.31.8+k3s1: ")


# --- how it looks


@pytest.mark.parametrize("name", [*COMPARISONS, *HISTORIES])
@pytest.mark.parametrize("width", [1280, 800, 390])
def test_fits_the_screen_no_table_is_cut_and_no_texts_touch(opened: Opener, name: str, width: int) -> None:
    page = opened(name, viewport={"width": width, "height": 844}).page
    unfold(page)
    assert page.evaluate("() => document.documentElement.scrollWidth - window.innerWidth") <= 0
    assert cut_tables(page) == []
    assert touching_texts(page, PICTURES) == []
    outside = page.evaluate(
        """() => Array.from(document.querySelectorAll('main svg text'))
            .map((t) => [t.textContent, t.getBoundingClientRect()])
            .filter(([, b]) => b.width && (b.left < 0 || b.right > innerWidth)).map(([text]) => text)"""
    )
    assert outside == []


@pytest.mark.parametrize("name", [*COMPARISONS, *HISTORIES])
@pytest.mark.parametrize("width", [1280, 800, 390])
def test_no_words_run_out_of_their_cells(opened: Opener, name: str, width: int) -> None:
    page = opened(name, viewport={"width": width, "height": 844}).page
    unfold(page)
    out = page.evaluate(
        """() => Array.from(document.querySelectorAll('main :is(tbody :is(td, th), dd, li, summary > span)'))
            .filter((c) => c.clientWidth && !c.querySelector('svg') && !c.querySelector('.sr')
                && c.scrollWidth > c.clientWidth + 1).map((c) => c.textContent.trim().slice(0, 60))"""
    )
    assert out == []


def test_the_verdict_is_on_the_first_screen(opened: Opener) -> None:
    for width in (1280, 390):
        for name in ("engine", "trend"):
            shown = opened(name, viewport={"width": width, "height": 844})
            assert shown.page.locator("#answer .verdict").bounding_box()["y"] < 150


def test_dark_mode_by_system_and_by_button(opened: Opener) -> None:
    background = "() => getComputedStyle(document.querySelector('.card')).backgroundColor"
    sides = "() => ['.band.c0 .edge', '.band.c1 .edge'].map((e) => getComputedStyle(document.querySelector(e)).stroke)"
    light, dark = (opened("engine", color_scheme=scheme).page for scheme in ("light", "dark"))
    assert light.evaluate(background) == "rgb(255, 255, 255)" and dark.evaluate(background) == "rgb(20, 24, 29)"
    assert light.evaluate(sides) != dark.evaluate(sides) and len(set(dark.evaluate(sides))) == 2
    dark.click("#theme")
    assert dark.inner_text("#theme") == "Theme: light" and dark.evaluate(background) == "rgb(255, 255, 255)"
    history = opened("trend", color_scheme="dark").page
    history.click("#theme")
    assert history.evaluate(background) == "rgb(255, 255, 255)"


@pytest.mark.parametrize("name", ["engine", "trend", "changes"])
def test_on_paper_it_is_light_unfolded_and_fits(opened: Opener, name: str) -> None:
    page = opened(name, viewport={"width": 703, "height": 1032}, color_scheme="dark").page  # A4 within its margins
    page.emulate_media(media="print")
    page.evaluate("() => window.dispatchEvent(new Event('beforeprint'))")
    box = page.locator(".front").bounding_box()
    assert box["y"] + box["height"] < 1032
    assert page.locator(".controls, .tools").filter(visible=True).count() == 0
    assert page.evaluate("() => document.documentElement.scrollWidth <= window.innerWidth")
    if name == "engine":
        assert page.locator("#differences details.folded table").is_visible()
        assert page.locator("details.start[open]").count() == 0  # as their reader left them: each is half a page
    assert touching_texts(page, PICTURES) == []
    assert page.pdf(format="A4").startswith(b"%PDF")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(
    ("name", "width"),
    [("engine", 1280), ("engine", 390), ("few", 1280), ("nothing", 390), ("trend", 1280), ("changes", 390)],
)
def test_axe_finds_nothing_serious(opened: Opener, name: str, width: int, scheme: str) -> None:
    page = opened(name, viewport={"width": width, "height": 844}, color_scheme=scheme).page
    unfold(page)
    assert grave_faults(page) == []
