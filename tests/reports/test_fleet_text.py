"""The summary of many starts for people: in the terminal and as Markdown."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given, settings, strategies as st

from analyzer.collection.model import Fleet, Group, MetricSummary, Outlier, Quantile, Reason, Slow
from analyzer.reports import fleet_markdown, fleet_text, fleet_words as words
from analyzer.reports.fleet_report import FleetReport
from analyzer.reports.format import Options
from tests.kit import made_fleets

HOSTILE = [
    "\x1b[31mred\x1b[0m",
    "a\nb\r\nc",
    "\u202egnp",
    "\udc80\udcff",
    "<img src=x>",
    "x" * 500,
    "日本語" * 60,
    "a b " * 99,
    "",
]


def text(report: FleetReport, **options: object) -> str:
    return fleet_text.render(report, Options(**options))  # type: ignore[arg-type]


def flat(shown: str) -> str:
    return " ".join(shown.split())


def whole(report: FleetReport, **changes: object) -> FleetReport:
    """The report with another group of all starts."""
    first, *others = report.fleet.groups
    return replace(report, fleet=replace(report.fleet, groups=(replace(first, **changes), *others)))  # type: ignore[arg-type]


def with_ready(p50: Quantile, p90: Quantile, p99: Quantile, n: int = 200, ready: int = 190) -> Group:
    outcomes = tuple((name, count) for name, count in (("ready", ready), ("failed", n - ready)) if count)
    return Group((), n, 40, outcomes, (MetricSummary("ready", n, p50, p90, p99),), (), ())


# --- the whole text


def test_a_healthy_fleet_needs_few_lines() -> None:
    shown = text(made_fleets.small())
    assert shown.startswith(
        "✓ 5 starts of 3 hosts from 3 inputs: 5 ready; half of the starts were ready\n  within 5.4 to 5.6 s."
    )
    assert not re.search("(?m)^(Unusual|Failed|Findings|Inputs)", shown)
    assert shown.count("\n") < 12


def test_the_slow_hosts_the_slow_release_and_the_bad_inputs_are_named() -> None:
    shown = text(made_fleets.large())
    assert flat(shown).startswith(
        "▲ 2,000 starts of 400 hosts from 2,000 inputs: 1,921 ready, 61 failed, 18 incomplete; half of the starts "
        "were ready within 6.0 to 7.7 s, nine of ten within 8.0 to 10.8 s, 99 of 100 not before 10.8 s, if at all: "
        "79 starts were never seen ready."
    )
    for name in (*made_fleets.SLOW_HOSTS, made_fleets.SLOW_RELEASE):
        assert name in shown.partition("\nFailed")[0].partition("Unusual")[2]
    assert "60 of 2,060 inputs could not be used: 12 missing or damaged, 12 without a line of k3s" in flat(shown)
    assert len(re.findall(r"logs/bad/\d\d\.export\.gz: ", shown)) == 3
    assert re.search(r"(?m)^v1.33.4\+k3s1 +200 +40 +8 +9.4–11.2 +10.6–12.4$", shown)
    order = [
        shown.index(f"\n{label}") for label in ("Unusual", "Failed", "Findings", "Slowest", "version", "Inputs", "More")
    ]
    assert order == sorted(order)


def test_of_starts_that_all_failed_none_is_said_to_have_been_ready() -> None:
    shown = text(made_fleets.all_failed())
    assert shown.startswith("✗ 12 starts of 4 hosts from 4 inputs: 12 failed; none of them was seen ready.")
    assert "still not ready after 13.0 s: A member of etcd cannot be reached" in shown
    assert "6 starts on 2 hosts: The address of port 6443 is in use" in shown


def test_without_a_start_it_says_why() -> None:
    shown = text(made_fleets.only_bad())
    assert shown.startswith("✗ No start in 5 inputs, none of which could be used.\n")
    assert "logs/0.gz: bad gzip data after 4,096 bytes" in shown
    assert text(FleetReport(Fleet((), 0, (), (), (), ()), made_fleets.only_bad().collection)).startswith(
        "? No start in 0 inputs."
    )


@pytest.mark.parametrize("width", [None, 80, 120, 400])
@pytest.mark.parametrize("name", ["small", "large", "all failed", "only bad inputs"])
def test_it_fits_and_a_wide_terminal_does_not_widen_it(name: str, width: int | None) -> None:
    report = made_fleets.made()[name]
    shown = text(report, width=width)
    assert shown == text(report)
    assert shown.count("\n") <= 40 and max(map(len, shown.splitlines())) <= 80


@pytest.mark.parametrize("hostile", HOSTILE)
def test_hostile_names_neither_widen_nor_lengthen_nor_steer_it(hostile: str) -> None:
    report = made_fleets.hostile(hostile)
    many = replace(
        report.fleet,
        outliers=tuple(Outlier(f"{hostile}{n}", "ready", hostile * 3) for n in range(30)),
        slowest=tuple(Slow(hostile, n + 1, hostile, 1.0, None, hostile) for n in range(30)),
        groups=tuple(
            replace(group, by=group.by and ((hostile, f"{n}{hostile}"),), reasons=(Reason(hostile, 3, 2),) * 30)
            for n, group in enumerate(report.fleet.groups * 9)
            if n == 0 or group.by
        ),
        confidence=0.95, repeated=3,
    )  # fmt: skip
    for fleet in (report.fleet, many):
        one = FleetReport(fleet, report.collection)
        shown = text(one)
        assert shown.count("\n") <= 40 and max(map(wide, shown.splitlines())) <= 80
        assert shown.replace("\n", "").isprintable()
        marked = fleet_markdown.render(one)
        assert marked.count("\n") <= 60 and marked.replace("\n", "").isprintable()


def wide(line: str) -> int:
    from analyzer.reports.terminal import cells

    return cells(line)


def test_colour_and_ascii_change_no_words() -> None:
    report = made_fleets.large()
    coloured = text(report, color=True)
    assert "\x1b[" in coloured and re.sub(r"\x1b\[[\d;]*m", "", coloured) == text(report)
    assert text(report, ascii=True).isascii()


# --- sentences


@pytest.mark.parametrize(
    ("p50", "p90", "p99", "told"),
    [
        (Quantile(5.2, 6.8), Quantile(9, 14), Quantile(20, 25),
         "half of the starts were ready within 5.2 to 6.8 s, nine of ten within 9.0 to 14.0 s, "
         "99 of 100 within 20.0 to 25.0 s"),
        (Quantile(5.2, 6.8), Quantile(30, None), Quantile(40, None),
         "half of the starts were ready within 5.2 to 6.8 s, nine of ten not before 30.0 s, if at all: "
         "10 starts were never seen ready"),
        (Quantile(150, None), Quantile(300, None), Quantile(300, None),
         "half of the starts were ready not before 2 min 30 s, if at all: 10 starts were never seen ready"),
        (Quantile(0, 0.44), Quantile(0.2, 1.0), Quantile(0.9, 130),
         "half of the starts were ready within 0.5 s, nine of ten within 0.2 to 1.0 s, "
         "99 of 100 within 0.9 s to 2 min 10 s"),
    ],
)  # fmt: skip
def test_the_curve_in_words(p50: Quantile, p90: Quantile, p99: Quantile, told: str) -> None:
    assert words.curve(with_ready(p50, p90, p99)) == told


@given(
    ends=st.lists(st.tuples(st.floats(0, 4000), st.none() | st.floats(0, 900)), min_size=3, max_size=3),
    n=st.integers(1, 500), part=st.integers(1, 500),
)  # fmt: skip
@settings(max_examples=200, deadline=None)
def test_an_open_end_always_says_how_many_were_never_seen_ready(
    ends: list[tuple[float, float | None]], n: int, part: int
) -> None:
    lows = sorted(low for low, _ in ends)
    quantiles = [Quantile(low, None if more is None else low + more) for low, (_, more) in zip(lows, ends, strict=True)]
    group = with_ready(*quantiles, n=n, ready=n - n * part // 501)  # type: ignore[misc]
    told = words.curve(group)
    never = words.not_ready(group)
    assert told and "inf" not in told and "None" not in told
    if "if at all" in told and never:
        assert f"{words.counted(never, 'start')} {'was' if never == 1 else 'were'} never seen ready" in told


def test_of_servers_and_agents_together_it_says_of_how_many_the_curve_is() -> None:
    group = replace(with_ready(Quantile(5, 6), Quantile(7, 8), Quantile(9, 10)), starts=300)
    assert words.curve(group).startswith("half of the 200 that run an API server were ready within 5.0 to 6.0 s")
    node = replace(group, starts=500, metrics=(replace(group.metrics[0], id="node_ready", n=250), *group.metrics))
    assert words.curve(node).startswith("half of the 250 that log it had their node ready within")


def test_one_start_is_told_as_one() -> None:
    one = made_fleets.report([made_fleets.start("a.log", 1, "a")], [(5.0, 6.0)])
    assert words.verdict(one.fleet) == "1 start of 1 host from 1 input: 1 ready; it was ready within 5.0 to 6.0 s."
    two = replace(one.fleet.groups[0], starts=2, outcomes=(("ready", 1), ("failed", 1)))
    assert words.curve(two) == "one of them was ready within 5.0 to 6.0 s"


def test_failures_without_a_reason_are_counted_too() -> None:
    group = replace(made_fleets.all_failed().fleet.groups[0], reasons=(Reason("a port is taken", 5, 2),))
    assert list(words.reasons(group)) == ["5 starts on 2 hosts: a port is taken", "7 starts: the log gives no reason"]


def test_confidence_is_said_where_there_is_one() -> None:
    report = made_fleets.large()
    metric = report.fleet.groups[0].metrics[0]
    sure = whole(report, metrics=(replace(metric, p50=replace(metric.p50, lower=5.1, upper=8.0)),))
    sure = replace(sure, fleet=replace(sure.fleet, confidence=0.95))
    assert "With 95% confidence, these 400 hosts being a sample: half within 5.1 to 8.0 s." in flat(text(sure))
    assert "confidence" not in text(report)


def test_what_stands_out_is_told_once_by_name() -> None:
    fleet = Fleet(
        (), 1, (), (), (),
        (Outlier("node-1", "ready", "node-1 took twice as long as its group"), Outlier("node-2", "ready", "slow."),
         Outlier("", "ready", "slower than the others", (("version", "v1.33.4+k3s1"), ("site", "")))),
    )  # fmt: skip
    assert list(words.outliers(fleet)) == [
        "version v1.33.4+k3s1, site ?: slower than the others.",
        "node-1 took twice as long as its group.",
        "node-2: slow.",
    ]


def test_inputs_read_in_part_are_told() -> None:
    fleet = made_fleets.hostile("x").fleet
    assert words.bad(fleet).endswith(" 2 of them were read in part.")
    assert words.repeated(replace(fleet, repeated=1)) == "1 start met again in another input was counted once."


def test_of_many_groups_the_slowest_are_shown() -> None:
    rows = [made_fleets.start(f"{n}.log", 1, f"n{n}", version=f"v1.{n}.0") for n in range(40)]
    took = [(float(n % 7), n % 7 + (float("inf") if n == 31 else 1.0)) for n in range(40)]
    report = made_fleets.report(rows, took, by=lambda row: (("version", row.version or ""),))
    shown = text(report)
    assert re.search(r"the \d+ slowest of 40 groups", shown) and "v1.31.0" in shown and "v1.0.0" not in shown


# --- Markdown


def test_markdown_says_the_same() -> None:
    report = made_fleets.large()
    shown = fleet_markdown.render(report)
    assert shown.startswith(f"▲ **{words.verdict(report.fleet)}**\n")
    assert "| `v1.33.4+k3s1` | 200 | 40 | 8 | 9.4–11.2 | 10.6–12.4 |" in shown
    assert shown.count("\n") <= 60
    assert re.findall("(?m)^### (.*)", shown) == [
        "What stands out", "Why starts failed", "Findings", "Slowest starts", "By version", "Inputs",
    ]  # fmt: skip
