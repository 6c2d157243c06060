"""The registry of formats, and what holds for every format of every kind."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path

import pytest
from markdown_it import MarkdownIt
from prometheus_client.parser import text_string_to_metric_families

from analyzer.errors import UsageError
from analyzer.reports.kinds import (
    BLAME,
    EVERY,
    EXPLANATION,
    FLEET,
    REPORT,
    SCHEDULE,
    SIMULATION,
    TIMELINE,
)
from analyzer.results import Bottleneck, End, Finding, Gap, LedgerCounts, Milestone, Phase, Poll, Report
from analyzer.window import Span
from tests.kit.every_format import every_kind
from tests.kit.made_reports import at, ready_start, report_of

_OF_JUNIT = frozenset(
    ("testsuite", "properties", "property", "testcase", "failure", "skipped", "system-out", "system-err")
)
ROOT = Path(__file__).parents[2]
HOSTILE = [
    "@team", "#12", "x @team, y", "![x](http://h.example/p.png)", "<img src=x>", "[x](javascript:y)", "`", "``` x",
    "a | b", "one\ntwo", "\r\n# x", "\x1b[31mred\x1b[0m", "\u202egnp", "=1+1", "https://h.example/x", "www.h.example",
    "{}", "{0}", "{{ 7 }}", "**b** _c_ ~~d~~ &lt;", "</script><script>x()</script>",
]  # fmt: skip


def spoilt(text: str) -> Report:
    """A report in which every field that a log can fill holds ``text``."""
    base = ready_start(host=text, unit=text, version=text, commit=text, began_local=text, outcome_reason=text)
    check = replace(base.checks[0], name=f"poststarthook/{text}", reasons=(text,), last_blocker="possible")
    start = replace(
        base,
        outcome="failed",
        end=End("failed", 20.0, 99, text),
        checks=(
            check,
            replace(check, name=text, final="failing"),
            replace(check, name=f"{text} unseen", final="unseen"),
        ),
        bottleneck=Bottleneck((text,), "possible", text),
        findings=(
            Finding("x", "critical", text, text, text, (1,)),
            Finding("noise_explained", "info", text, text, text, (1,)),
            Finding("y", "info", text, text, text, (1,)),
        ),
        milestones=(Milestone("starting", 0.0, 1, text), Milestone(text, 1.0, 2, text)),
        phases=(Phase(text, at(0.0, 1), at(1.0, 2), Span(0.9, 1.1)),),
        polls=(Poll(2.0, True, "readyz_failing", "transient", 500, (text,), (text,), True, 3, text=text, ok=(text,)),),
        gaps=(Gap(1.0, 2.0, "lost", 3, 0, text),),
    )  # fmt: skip
    quiet = replace(
        base, index=2, findings=(Finding("healthy", "info", text, text, text),), end=End("stopped", 50.0, 1, text)
    )
    report = report_of(start, quiet, replace(start, index=3), path=text)
    ledger = LedgerCounts(3, 1, 1, 1, 0, 0, {text: 2})
    return replace(report, ledger=ledger, notes=((0, text),), evidence={(0, 1): text, (0, 99): text})


@pytest.mark.parametrize("text", HOSTILE)
def test_no_format_lets_a_log_say_more_than_words(text: str) -> None:
    for kind, one, made in every_kind(spoilt(text), text):
        name, where = one.name, f"{kind} as {one.name}"
        if name == "html":
            made, own = re.subn(r"<script>.*?</script>", "", made, flags=re.DOTALL)  # the page's, mostly plotly's too
            assert own == (2 if kind in (REPORT.name, SIMULATION.name) else 1), where
        assert one.binary or made.replace("\n", "").isprintable(), where
        if name == "markdown":
            _is_tame_markdown(made, text, where)
        elif name == "html":
            assert made.count("<script") == made.count("</script") == 1 and "<img" not in made, where
        elif name == "csv":
            assert not re.search(r'(?m)(?:^|,)"?=', made), where
        elif name in ("json", "trace"):
            assert json.loads(made), where
        elif name == "junit":
            assert {part.tag for part in ET.fromstring(made.encode()).iter()} <= _OF_JUNIT, where
        elif name == "prometheus":
            assert list(text_string_to_metric_families(made)), where


def _is_tame_markdown(made: str, text: str, where: str) -> None:
    """What a reader makes of it: no element that we did not write, no mention and no link outside of a code span."""
    made, folded = re.subn(r"(?m)^(?:<details><summary>Details</summary>|</details>)$", "", made)
    assert folded in (0, 2), where
    tokens = [
        t for block in MarkdownIt("gfm-like", {"linkify": False}).parse(made) for t in (block, *(block.children or ()))
    ]
    kinds = {token.type for token in tokens}
    assert not kinds & {
        "html_inline",
        "html_block",
        "image",
        "link_open",
        "fence",
        "code_block",
        "s_open",
        "em_open",
    }, where
    words = [token.content for token in tokens if token.type == "text"]
    assert not [w for w in words if re.search(r"[@#]\w|://|\bwww\.", w)], where
    headings = [token for token in tokens if token.type == "heading_open"]
    assert len(headings) == len(re.findall(r"(?m)^#{2,3} ", made)), where
    for block in re.findall(r"(?:^\|.*\n)+", made, re.M):
        assert len({len(re.findall(r"(?<!\\)\|", line)) for line in block.splitlines()}) == 1, where


def test_every_kind_has_its_default_and_names_and_suffixes_that_are_unique() -> None:
    for kind in EVERY:
        names = [one.name for one in kind.formats()]
        assert names[0] == kind.default
        suffixes = [suffix for one in kind.formats() for suffix in one.suffixes]
        assert len(set(names)) == len(names) and len(set(suffixes)) == len(suffixes)
        assert all(suffix.startswith(".") and suffix == suffix.lower() for suffix in suffixes)


@pytest.mark.parametrize(
    ("kind", "name", "file", "chosen"),
    [
        (REPORT, None, None, "text"), (REPORT, None, "-", "text"), (REPORT, None, "x.JSON", "json"),
        (REPORT, "csv", "x.json", "csv"), (REPORT, None, "x.html", "html"), (REPORT, None, "x.log", "text"),
        (BLAME, None, "x.md", "markdown"), (TIMELINE, None, None, "csv"), (TIMELINE, None, "x.json", "json"),
        (TIMELINE, None, "x.trace.json", "trace"), (TIMELINE, None, "x.parquet", "parquet"),
        (SIMULATION, None, "x.csv", "csv"), (SCHEDULE, None, "x.json", "json"), (EXPLANATION, None, "x.md", "markdown"),
        (FLEET, None, None, "text"), (FLEET, None, "k3slog.prom", "prometheus"), (FLEET, None, "x.htm", "html"),
    ],
)  # fmt: skip
def test_a_format_is_chosen_by_name_then_by_suffix(
    kind: object, name: str | None, file: str | None, chosen: str
) -> None:
    assert kind.chosen(name, file).name == chosen  # type: ignore[attr-defined]


def test_an_unknown_name_and_binary_on_stdout_are_refused() -> None:
    with pytest.raises(UsageError, match="a table of delays is not written as 'html'"):
        BLAME.named("html")
    for file in (None, "-"):
        with pytest.raises(UsageError, match="parquet is not for a terminal or a pipe"):
            TIMELINE.chosen("parquet", file)


def test_asking_for_names_loads_nothing_heavy() -> None:
    code = (
        "import sys; from analyzer.reports.kinds import EVERY; [k.formats() for k in EVERY];"
        "print({'pandas', 'numpy', 'plotly', 'jinja2', 'rich', 'analyzer.reports.narrative'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, cwd=ROOT)
    assert done.stdout.strip() == "set()"


def test_markup_is_made_of_literals_only() -> None:
    """``md.markup`` trusts its template, and ``md.joined`` its separator: neither may be put together from texts."""
    calls = 0
    for path in sorted((ROOT / "analyzer/reports").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("markup", "joined"):
                calls += 1
                assert isinstance(node.args[0], ast.Constant), f"{path}:{node.lineno}"
            if isinstance(node, ast.ImportFrom | ast.Attribute):
                names = [a.name for a in node.names] if isinstance(node, ast.ImportFrom) else [node.attr]
                assert path.name == "md.py" or not {"_trusted", "_source"} & set(names), f"{path}:{node.lineno}"
    assert calls > 20
