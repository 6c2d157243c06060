"""The answer block as HTML: the words of the text report, commands to copy, the lines behind it, nothing of a log
that could run."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from analyzer.reports import answer as answers, answer_html, html
from analyzer.reports.html import quantiles, render
from analyzer.reports.shown_answer import shown
from analyzer.results import Finding, Phase, Report
from analyzer.window import OPEN, Span, Window
from tests.kit import page_factory as made
from tests.reports.test_html import Page


def plain(page: str) -> str:
    return " ".join("".join(Page(page).texts).split())


@pytest.mark.parametrize("name", sorted(made.SITUATIONS))
def test_the_page_and_the_notebook_say_the_words_of_the_answer(name: str) -> None:
    report: Report = made.SITUATIONS[name]()
    if not report.starts or name == "hostile":
        return
    told = answers.answer(report)
    for text in (plain(render(report)), plain(answer_html.notebook(report))):
        for said in (told.verdict, told.why, *told.quotes[:1], told.do, told.also, told.sure, told.time, told.normal):
            assert " ".join(said.split()) in text, said


def test_the_answer_is_the_first_thing_on_the_page() -> None:
    report = made.crash_loop()
    text = plain(render(report))
    told = answers.answer(report)
    assert text.index(told.verdict) < text.index("All starts") < text.index("Timeline")
    assert "node-a: 6 tries" in text


def test_a_notebook_needs_no_script_and_stays_light() -> None:
    for name, make in made.SITUATIONS.items():
        block = answer_html.notebook(make())
        assert len(block.encode("utf-8", "replace")) <= 30_000, name
        page = Page(block)
        assert not {"script", "button", "img", "iframe", "link", "a"} & {tag for tag, _ in page.elements}
        assert page.open == [] and page.unbalanced == []
        assert not any(key.startswith("on") for _, attrs in page.elements for key in attrs)


def test_a_notebook_stays_light_whatever_the_log_says() -> None:
    bad = "<&>\x1b\u202e" * 4000
    finding = Finding("x", "critical", bad, bad, bad, (44,))
    start = replace(made.base(), outcome="failed", outcome_reason=bad, host=bad, unit=bad, findings=(finding,))
    block = answer_html.notebook(made.report(start))
    assert len(block.encode("utf-8", "replace")) <= 30_000
    assert "\x1b" not in block and "\u202e" not in block


def test_an_answer_alone_shows_itself_the_same() -> None:
    report = made.crash_loop()
    told = answers.answer(report)
    text = plain(shown(told)._repr_html_())
    assert told.verdict in text and told.do in text and f"(line {told.lines[0]})" in text


def test_lines_behind_the_cause_lead_to_their_source() -> None:
    finding = Finding("no_quorum", "critical", "No quorum", "Detail.", "Start it.", (44, 52), source=1)
    start = replace(made.base(), findings=(finding,))
    report = made.report(start)
    report = replace(report, sources=report.sources * 2, evidence={**report.evidence, (1, 44): "a", (1, 52): "b"})
    page = Page(render(report))
    answer = re.search(r'id="answer".*?</section>', render(report), re.S)
    assert answer is not None and re.findall(r'data-ref="([^"]+)"', answer[0]) == ["1:44", "1:52"]
    evidence = page.data["evidence"]
    assert isinstance(evidence, dict) and evidence["1:44"] == "a"


def test_a_command_can_be_copied_and_a_blank_is_only_shown() -> None:
    advice = "Run sudo systemctl start k3s there, or test with nc -vz <peer> 2380. Then k3s --help."
    start = replace(made.base(), findings=(Finding("x", "critical", "T", "D", advice, (44,)),))
    page = Page(render(made.report(start)))
    copied = {attrs["data-copy"] for _, attrs in page.elements if "data-copy" in attrs}
    assert "sudo systemctl start k3s" in copied and not any("<peer>" in text for text in copied)
    shown_only = '<code class="command">nc <span class="option">-vz</span> &lt;peer&gt; 2380</code>'
    assert shown_only in render(made.report(start))


def test_no_line_ends_within_an_option_and_what_looks_like_markup_stays_text() -> None:
    advice = "Run k3s server --cluster-reset <b>--x</b> once (-u k3s), a well-known way."
    page = render(made.report(replace(made.base(), findings=(Finding("x", "info", "T", "D", advice, (44,)),))))
    assert '<span class="option">--cluster-reset</span>' in page and '(<span class="option">-u</span> k3s)' in page
    assert "a well-known way." in page and "<b>--x" not in page and advice in plain(page)


def test_failures_first_in_the_list_and_in_the_table() -> None:
    hosts = [replace(made.base(i) if i != 3 else made.failed(3), host=f"node-{i}") for i in range(1, 6)]
    report = made.report(*hosts, replace(made.failed(6), host="node-6"))
    raw = render(report)
    assert "6 hosts, 6 starts" in plain(raw)
    beside = re.findall(r'<li class="(\w+)"><span class="sign">', raw)
    assert beside == ["failed", "ready", "ready", "ready", "ready"]
    rows = [attrs["data-start"] for tag, attrs in Page(raw).elements if tag == "tr" and "data-start" in attrs]
    assert rows == ["3", "6", "1", "2", "4", "5"]


def test_of_one_host_only_episodes_that_need_a_look_are_listed() -> None:
    starts = tuple(replace(made.base(i), findings=()) for i in range(1, 9))
    beside, more = answer_html.others(made.report(*starts), answers.answer(made.report(*starts)))
    assert beside == [] and more == 7


def test_each_start_of_several_has_its_own_short_answer() -> None:
    raw = render(made.crash_loop())
    assert len(re.findall(r'class="k3slog-answer small', raw)) == 6
    assert raw.count('id="answer"') == 1
    assert "k3slog-answer small" not in render(made.healthy())


def test_quantiles_hold_the_windows_and_count_failures_as_later_than_all() -> None:
    starts = [replace(made.base(i), ready=Window(float(i), float(i) + 1.0)) for i in range(1, 11)]
    assert [(q["name"], q["lower"], q["upper"]) for q in quantiles(starts)] == [("p50", 5.0, 6.0), ("p90", 9.0, 10.0)]
    failed = [made.failed(i) for i in range(11, 21)]
    assert [q["name"] for q in quantiles([*starts, *failed])] == ["p50"]
    assert quantiles([*starts, *failed])[0]["upper"] == 11.0
    assert quantiles([*starts[:1], *failed]) == []
    assert quantiles(starts[:3]) == []
    cut = [replace(start, begin_seen=False) for start in starts]
    assert quantiles(cut) == []


def test_a_boot_before_the_start_is_drawn_before_zero_and_does_not_press_it() -> None:
    start = made.base()
    boot = Phase("boot", Window(None, -90.0), start.phases[0].begin, Span(90.0, None), ("boot",))
    page = Page(render(made.report(replace(start, phases=(boot, *start.phases)))))
    starts = page.data["starts"]
    assert isinstance(starts, list)
    shown = starts[0]
    phases = next(row for row in shown["rows"] if row["kind"] == "phases")
    mark = next(mark for mark in phases["marks"] if mark["l"] == "machine boot")
    assert (mark["a"], mark["b"], mark["oa"]) == (-90.0, 0.0, True)
    assert shown["begin"] == -90.0 and -0.5 * shown["focus"] < shown["focus_begin"] < 0
    assert all(m["a"] >= 0 for row in shown["rows"] if row["kind"] == "check" for m in row["marks"])


def test_the_datastore_has_a_lane_with_what_shows_it_slow() -> None:
    start = made.base()
    slow = Finding("slow_datastore", "warning", "Slow", "D", "A", (44, 52), moments=(8.0, None))
    relapsed = Finding("datastore_relapsed", "warning", "Bad again", "D", "A", (44, 52), moments=(8.0, 10.0))
    check = replace(start.checks[0], name="etcd", cleared=Window(10.0, 12.0), first_seen_failing_s=9.0)
    report = made.report(replace(start, findings=(slow, relapsed), checks=(*start.checks, check)))
    starts = Page(render(report)).data["starts"]
    assert isinstance(starts, list)
    lane = next(row for row in starts[0]["rows"] if row["kind"] == "datastore")
    # a line of a relapse is also one on which the check still passed: only the check's own stretch is drawn of it
    assert [(dot["k"], dot["t"]) for dot in lane["dots"]] == [("milestone", 1.4), ("trouble", 8.0)]
    assert [(m["k"], m["a"], m["b"]) for m in lane["marks"] if m["k"] == "failing"] == [("failing", 9.0, 10.0)]
    bare = Page(render(made.report(replace(start, phases=(), milestones=())))).data["starts"]
    assert isinstance(bare, list) and not [row for row in bare[0]["rows"] if row["kind"] == "datastore"]


def test_only_what_decides_readiness_is_hatched() -> None:
    starts = Page(render(made.healthy())).data["starts"]
    assert isinstance(starts, list)
    hatched = [row["id"] for row in starts[0]["rows"] for mark in row["marks"] if mark.get("m")]
    assert hatched == ["ready", made.RBAC]
    open_end = replace(made.base(), ready=OPEN, bottleneck=replace(made.base().bottleneck, certainty="possible"))
    starts = Page(render(made.report(open_end))).data["starts"]
    assert isinstance(starts, list)
    assert not [mark for row in starts[0]["rows"] for mark in row["marks"] if mark.get("m")]


def test_the_order_of_outcomes_knows_them_all() -> None:
    assert set(html._ORDER) == set(html.terms("outcome"))
