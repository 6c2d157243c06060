"""The page without a browser: structure, escaping, policy, size, and the numbers in its data block."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import subprocess
import sys
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from analyzer.errors import UsageError, printable
from analyzer.reports import html, html_page
from analyzer.reports.format import Options
from analyzer.reports.html import render
from analyzer.results import Report
from tests.kit import page_factory as made

VOID = {"meta", "input", "br", "wbr", "line", "circle", "path"}


class Page(HTMLParser):
    """Elements with attributes, texts of scripts, and the visible text, as a browser's parser would see them."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.scripts: list[tuple[dict[str, str], str]] = []
        self.texts: list[str] = []
        self.open: list[str] = []
        self.unbalanced: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        self.elements.append((tag, found))
        if tag == "script":
            self.scripts.append((found, ""))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.unbalanced.append(tag)

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] == "script":
            attrs, text = self.scripts[-1]
            self.scripts[-1] = (attrs, text + data)
        elif not self.open or self.open[-1] != "style":
            self.texts.append(data)

    @property
    def data(self) -> dict[str, object]:
        blocks = [text for attrs, text in self.scripts if attrs.get("type") == "application/json"]
        assert len(blocks) == 1
        found: dict[str, object] = json.loads(blocks[0])
        return found

    @property
    def policy(self) -> str:
        return next(a["content"] for t, a in self.elements if t == "meta" and a.get("http-equiv"))


@pytest.fixture(scope="module", params=sorted(made.SITUATIONS))
def situation(request: pytest.FixtureRequest) -> tuple[Report, str, Page]:
    report = made.SITUATIONS[request.param]()
    text = render(report)
    return report, text, Page(text)


def test_is_one_well_formed_document_without_anything_to_load(situation: tuple[Report, str, Page]) -> None:
    _, text, page = situation
    assert text.startswith("<!DOCTYPE html>")
    assert page.open == [] and page.unbalanced == []
    assert ("html", {"lang": "en"}) in page.elements
    for tag, attrs in page.elements:
        assert tag not in {"link", "img", "iframe", "object", "embed", "base", "form", "frame", "audio", "video"}
        for name, value in attrs.items():
            assert not name.startswith("on"), (tag, name)
            assert name not in {"src", "srcset", "action", "formaction", "style"}, (tag, name)
            if name == "href":
                assert value.startswith("#"), value


def test_policy_lets_exactly_the_own_scripts_run(situation: tuple[Report, str, Page]) -> None:
    _, _, page = situation
    programs = [text for attrs, text in page.scripts if "type" not in attrs]
    assert len(programs) == 2 and len(page.scripts) == 3
    digests = {
        "'sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() + "'" for text in programs
    }
    rules = dict(rule.strip().split(" ", 1) for rule in page.policy.split(";"))
    assert set(rules["script-src"].split()) == digests
    assert rules["default-src"] == rules["connect-src"] == rules["base-uri"] == rules["form-action"] == "'none'"
    assert rules["style-src"] == "'unsafe-inline'"
    assert rules["img-src"] == "data: blob:"


def test_every_window_in_the_data_is_the_reports(situation: tuple[Report, str, Page]) -> None:
    report, _, page = situation
    starts = page.data["starts"]
    assert isinstance(starts, list)
    assert [s["index"] for s in starts] == [s.index for s in report.starts]
    for shown, start in zip(starts, report.starts, strict=True):
        for name in ("ready", "detected"):
            window = getattr(start, name)
            assert [shown[name]["lower"], shown[name]["upper"]] == [window.lower, window.upper]
        assert list(shown["checks"].values()) == [
            [c.cleared.lower, c.cleared.upper] for c in sorted(start.checks, key=lambda c: printable(c.name))
        ]


def test_one_start_stays_under_a_megabyte_and_a_half(situation: tuple[Report, str, Page]) -> None:
    report, text, _ = situation
    if len(report.starts) <= 1:
        assert len(text.encode()) < 1_500_000


def test_the_same_report_gives_the_same_page() -> None:
    assert render(made.crash_loop()) == render(made.crash_loop())


def test_hostile_text_stays_text() -> None:
    page = Page(render(made.hostile()))
    assert {tag for tag, _ in page.elements}.isdisjoint({"img", "iframe", "b"})
    handlers = [attrs for tag, attrs in page.elements if tag == "svg" and "onload" in attrs]
    assert handlers == []
    text = "".join(page.texts)
    assert made.HOSTILE in text
    assert "{{7*7}}" in text and "49${1}" not in text
    assert "\x1b" not in text and "\x00" not in text and "\u202e" not in text
    assert "\\x1b[31mred\\x00\\u202egnp.exe\\udc80" in text


def test_hostile_text_cannot_end_the_data_block() -> None:
    raw = render(made.hostile())
    block = re.search(r'<script type="application/json" id="k3slog-data">(.*?)</script>', raw, re.S)
    assert block is not None
    assert "<" not in block[1] and ">" not in block[1] and "&" not in block[1]
    names = [row["full"] for row in json.loads(block[1])["starts"][0]["rows"]]
    assert made.HOSTILE in names


def test_what_a_reader_needs_is_in_the_words() -> None:
    text = " ".join("".join(Page(render(made.healthy())).texts).split())
    assert "between 12.0 and 14.1 s after the timestamp of its beginning" in text
    assert "poststarthook/rbac/bootstrap-roles was the last check to clear." in text
    assert "What to do: Nothing." in text
    assert "2025-03-01 06:03:22 (UTC+00:00)" in text
    assert "Of 450 lines, 60 were used, 388 say nothing about a start" in text
    assert "cut by the pager: 3" in text


def test_an_undated_log_gets_no_date() -> None:
    text = "".join(Page(render(made.undated())).texts)
    assert "no date in the log (zone not known)" in text
    assert "The year is not in the log and was not guessed." in text


def test_utc_on_request() -> None:
    own = "".join(Page(render(made.stuck())).texts)
    assert "2025-03-01 11:33:22 (UTC+05:30)" in own and "06:03:22" not in own
    utc = Page(render(made.stuck(), Options(utc=True)))
    assert "2025-03-01 06:03:22 (UTC+00:00)" in "".join(utc.texts)
    starts = utc.data["starts"]
    assert isinstance(starts, list) and starts[0]["zone"] == "UTC+00:00"
    assert "no date in the log" in "".join(Page(render(made.undated(), Options(utc=True))).texts)


def test_a_text_without_a_start_still_says_what_was_read() -> None:
    text = "".join(Page(render(made.report())).texts)
    assert "No start found" in text and "Of 450 lines" in text


def test_the_shown_start_can_be_chosen() -> None:
    report = made.crash_loop()
    assert Page(render(report)).data["shown"] == 5  # the one that the answer speaks of
    page = Page(render(report, Options(start="2")))
    assert page.data["shown"] == 2
    first = next(a for t, a in page.elements if t == "article")
    assert first["data-start"] == "2"
    with pytest.raises(UsageError, match="no start 7"):
        render(report, Options(start="7"))


@pytest.mark.long
def test_a_thousand_starts_keep_the_page_light_and_it_says_so() -> None:
    report = made.report(*(made.failed(i) for i in range(1, 1001)))
    page = Page(render(report, Options(start="3")))
    starts = page.data["starts"]
    assert isinstance(starts, list)
    assert len(starts) == html.DETAILED_STARTS and starts[0]["index"] == 3 and starts[-1]["index"] == 1000
    rows = [a for t, a in page.elements if t == "tr" and "data-start" in a]
    assert len(rows) == 1000
    assert "800 older starts are only in the table" in "".join(page.texts)


def test_merged_polls_are_announced_with_their_number() -> None:
    starts = Page(render(made.endless_polls(20_000))).data["starts"]
    assert isinstance(starts, list)
    rows = starts[0]["rows"]
    drawn = [m for row in rows if row["kind"] == "polls" for m in (*row["marks"], *row["dots"])]
    assert sum(m.get("c", 1) for m in drawn) == 20_000
    assert sum(len(row["marks"]) + len(row["dots"]) for row in rows) <= 5000
    assert starts[0]["notes"] == [
        f"20000 polls are drawn as {len(drawn)} marks: neighbouring polls of one error class are merged into a bar "
        "that says how many it stands for"
    ]


def test_long_lines_are_cut_only_when_they_must_and_the_page_says_so() -> None:
    report = made.healthy()
    short = Page(render(report))
    assert "are shown and copied cut" not in "".join(short.texts)
    long = replace(report, evidence={key: "x" * 4096 + str(key) for key in report.evidence})
    few = Page(render(long)).data["evidence"]
    assert isinstance(few, dict) and few["0:61"] == "x" * 4096 + "… [7 more characters]"
    start = report.starts[0]
    polls = tuple(replace(start.polls[3], at_s=8 + n / 10, line=n) for n in range(1, 119))
    page = Page(render(replace(long, starts=(replace(start, polls=polls),))))
    text = "".join(page.texts)
    cut = re.search(r"longer than (\d+) characters are shown and copied cut", text)
    assert cut is not None
    evidence = page.data["evidence"]
    assert isinstance(evidence, dict)
    assert evidence["0:61"].startswith("x" * int(cut[1]) + "… [") and sum(map(len, evidence.values())) < 210_000


def test_evidence_names_only_lines_of_the_report() -> None:
    page = Page(render(made.crash_loop()))
    evidence = page.data["evidence"]
    assert isinstance(evidence, dict) and evidence
    asked = {a["data-ref"] for t, a in page.elements if "data-ref" in a}
    assert asked and asked <= set(evidence)


def test_the_page_is_made_without_plotly_or_pandas() -> None:
    code = (
        "import sys; import analyzer.reports.html, analyzer.figures, analyzer.figures.timeline_model;"
        "print(sorted({'plotly', 'pandas', 'numpy'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_vendored_bundle_is_the_recorded_one_and_of_plotlys_major_version() -> None:
    tool = Path(__file__).parents[2] / "tools" / "refresh_plotly.py"
    done = subprocess.run([sys.executable, str(tool), "--check"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "as recorded" in done.stdout


def test_own_scripts_never_write_markup() -> None:
    for name in ("ticks", "figures", "hover", "view"):
        text = html_page.asset(f"page/{name}.js")
        assert text in html_page.page_script()
        for word in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function"):
            assert word not in text, (name, word)
