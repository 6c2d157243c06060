"""A simulation as text, Markdown, JSON (``k3slog.simulation``) and CSV. All numbers are seconds unless named."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from analyzer.reports.csv_report import Cell, rows_text
from analyzer.reports.format import DEFAULT, Options
from analyzer.reports.json_report import dumps
from analyzer.reports.md import Md, document, markup
from analyzer.reports.md import table as markdown_table
from analyzer.reports.terminal import Page
from analyzer.simulator.run import REFERENCE, Difference, PolicyResult, Simulation, Stat

_DIGITS = 6
_PARTS = ("mean", "p50", "p95", "max", "min")
_STATS = ("delay_s", "requests", "detected_s", "ready_s", "ready_delayed_s", "server_cpu_s", "log_lines")


def to_dict(simulation: Simulation) -> dict[str, Any]:
    """The JSON object of the contract; statistics without any draw are ``null``."""
    ceiling = simulation.ceiling_s
    found = {
        "schema": "k3slog.simulation",
        "schema_version": 1,
        "seed": simulation.seed,
        "draws": simulation.draws,
        "source": simulation.source,
        "assumptions": dict(simulation.assumptions),
        "policies": [_policy(result) for result in simulation.policies],
        "frontier": [asdict(point) for point in simulation.frontier],
        "ceiling_s": None if ceiling is None else asdict(ceiling),
    }
    return dict(_rounded(found))


def _policy(result: PolicyResult) -> dict[str, Any]:
    row: dict[str, Any] = {"policy": result.policy, "draws": result.draws, "undetected": result.undetected}
    for name in _STATS:
        stat: Stat | None = getattr(result, name)
        row[name] = None if stat is None else asdict(stat)
    row["vs_shared_2s"] = {name: asdict(diff) for name, diff in result.vs_shared_2s.items()}
    return row


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return None if not math.isfinite(value) else round(value, _DIGITS) + 0.0
    if isinstance(value, Mapping):
        return {key: _rounded(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(item) for item in value]
    return value


def render_json(simulation: Simulation, _options: Options = DEFAULT) -> str:
    """JSON with a final newline."""
    return dumps(to_dict(simulation))


def render_csv(simulation: Simulation, _options: Options = DEFAULT) -> str:
    """One row per policy; columns are ``quantity_statistic``."""
    versus = ("mean", "low", "high", "p025", "p975")
    columns = ["policy", "draws", "undetected", *(f"{name}_{part}" for name in _STATS for part in _PARTS)]
    columns += [f"vs_shared_2s_detected_s_{part}" for part in versus]
    return rows_text(columns, map(_row, simulation.policies))


def _row(result: PolicyResult) -> list[Cell]:
    row: list[Cell] = [result.policy, result.draws, result.undetected]
    for name in _STATS:
        stat = getattr(result, name)
        row += [None if stat is None else _rounded(getattr(stat, part)) for part in _PARTS]
    diff = result.vs_shared_2s.get("detected_s")
    return row + ([None] * 5 if diff is None else [_rounded(value) for value in asdict(diff).values()])


def seconds(value: float) -> str:
    """A length for people: three digits where they mean something."""
    if abs(value) >= 99.95:
        return f"{value:.0f}"
    if abs(value) >= 9.995:
        return f"{value:.1f}"
    return f"{value:.2f}" if abs(value) >= 0.0995 or value == 0 else f"{value:.3f}"


def _signed(value: float) -> str:
    return ("+" if value > 0 else "−" if value < 0 else "±") + seconds(abs(value))


def _number(stat: Stat | None, part: str) -> str:
    return "–" if stat is None else seconds(getattr(stat, part))


def _requests(stat: Stat | None, part: str) -> str:
    return "–" if stat is None else f"{getattr(stat, part):.1f}"


HEADS = (
    "policy",
    "noticed at",
    "delay",
    "p50",
    "p95",
    "max",
    "requests",
    "p95",
    "CPU s",
    "ready later",
    "log lines",
    f"noticed vs {REFERENCE} [95 %]",
)


def table(simulation: Simulation) -> list[list[str]]:
    """The rows under ``HEADS``, as words. Means unless the head says otherwise."""
    rows = []
    for result in simulation.policies:
        diff = result.vs_shared_2s.get("detected_s")
        rows.append(
            [
                result.policy,
                _number(result.detected_s, "mean"),
                _number(result.delay_s, "mean"),
                _number(result.delay_s, "p50"),
                _number(result.delay_s, "p95"),
                _number(result.delay_s, "max"),
                _requests(result.requests, "mean"),
                _requests(result.requests, "p95"),
                _number(result.server_cpu_s, "mean"),
                _number(result.ready_delayed_s, "mean"),
                _requests(result.log_lines, "mean"),
                "–" if diff is None or result.policy == REFERENCE else _interval(diff),
            ]
        )
    return rows


def _interval(diff: Difference) -> str:
    return f"{_signed(diff.mean)} [{_signed(diff.low)}, {_signed(diff.high)}]"


def _change(simulation: Simulation, name: str) -> PolicyResult | None:
    return next((r for r in simulation.policies if r.policy == name), None)


def story(simulation: Simulation) -> list[str]:
    """Sentences for people, most telling first; each number carries its range."""
    said = []
    hooks = simulation.hooks_s
    ceiling = simulation.ceiling_s
    if hooks is not None:
        said.append(
            f"Nobody can notice readiness before it is there: without any polling the API server is ready "
            f"{seconds(hooks.mean)} s after the first poll could leave (p50 {seconds(hooks.p50)}, "
            f"p95 {seconds(hooks.p95)}, {seconds(hooks.min)} to {seconds(hooks.max)} s)." + _shares(simulation)
        )
    if ceiling is not None:
        said.append(
            f"Ceiling: a perfect poller would have saved between {seconds(ceiling.min)} and {seconds(ceiling.max)} s "
            f"of {seconds(ceiling.of_s)} s ({ceiling.basis})."
        )
    base = _change(simulation, REFERENCE)
    old, new, best, floor = (_change(simulation, n) for n in ("legacy-4x1s", "adaptive", "optimal", "oracle"))
    if old is not None and base is not None and old.requests and base.requests:
        diff = old.vs_shared_2s.get("detected_s")
        said.append(
            f"What the 2025 change bought (legacy-4x1s → {REFERENCE}): {_asked(old.requests)} → "
            f"{_asked(base.requests)} requests a start, {_cpu(old)} → {_cpu(base)} s of server CPU; polling holds the "
            f"start up by {_number(old.ready_delayed_s, 'mean')} → {_number(base.ready_delayed_s, 'mean')} s and "
            f"adds {_late(old.delay_s)} → {_late(base.delay_s)} s until it is noticed."
            + ("" if diff is None else f" In sum readiness is noticed {_versus(diff)} than before.")
        )
    if new is not None and base is not None and new.requests and base.requests:
        diff = new.vs_shared_2s.get("detected_s")
        said.append(
            f"What adaptive buys on top: {_asked(new.requests)} requests and {_cpu(new)} s of CPU a start, delay "
            f"{_number(new.delay_s, 'p50')} s (p50) and {_number(new.delay_s, 'p95')} s (p95)"
            + ("." if diff is None else f"; noticed {_gain(diff)} than with {REFERENCE}.")
        )
    if best is not None and new is not None and best.delay_s and new.delay_s and best.requests and new.requests:
        said.append(
            f"How far that is from optimal: a schedule that knows how long just these starts take, with "
            f"{best.requests.mean:.1f} requests, has a mean delay of {_late(best.delay_s)} s; adaptive, which "
            f"does not know it, {_late(new.delay_s)} s with {new.requests.mean:.1f}."
        )
    if floor is not None and floor.delay_s is not None:
        said.append(f"The floor is the answer's own latency: {_late(floor.delay_s)} s (oracle).")
    lost = [r for r in simulation.policies if r.undetected]
    for result in lost:
        said.append(f"{result.policy} never noticed readiness in {result.undetected} of {result.draws} draws.")
    return said


def _shares(simulation: Simulation) -> str:
    boot, work, base = simulation.boot_s, simulation.work_s, _change(simulation, REFERENCE)
    if boot is None or work is None or base is None or base.delay_s is None or base.ready_delayed_s is None:
        return ""
    tax = base.delay_s.mean + base.ready_delayed_s.mean
    whole = boot.mean + work.mean + tax
    return (
        f" Of {seconds(whole)} s on average, {seconds(boot.mean)} s ({boot.mean / whole:.0%}) go by until the API "
        f"handler exists, {seconds(work.mean)} s ({work.mean / whole:.0%}) with hooks and checks, and {seconds(tax)} s "
        f"({tax / whole:.0%}) are what {REFERENCE} adds."
    )


def _asked(stat: Stat) -> str:
    return f"{stat.mean:.1f} (p95 {stat.p95:.0f})"


def _late(stat: Stat | None) -> str:
    return f"{_number(stat, 'mean')} (p95 {_number(stat, 'p95')})"


def _cpu(result: PolicyResult) -> str:
    return f"{_number(result.server_cpu_s, 'mean')} (p95 {_number(result.server_cpu_s, 'p95')})"


def _gain(diff: Difference) -> str:
    """Difference policy − reference, in words: negative is earlier."""
    word = "earlier" if diff.mean < 0 else "later"
    low, high = sorted((-diff.low, -diff.high)) if diff.mean < 0 else (diff.low, diff.high)
    return f"{seconds(abs(diff.mean))} s {word} (95 %: {_plain(low)} to {_plain(high)})"


def _versus(diff: Difference) -> str:
    """The reference against the policy: the same difference seen from the other side."""
    return _gain(Difference(-diff.mean, -diff.high, -diff.low, -diff.p975, -diff.p025))


def _plain(value: float) -> str:
    return ("−" if value < 0 else "") + seconds(abs(value))


def assumption_lines(simulation: Simulation) -> list[str]:
    """The assumptions section, one line each."""
    lines = []
    for key, value in simulation.assumptions.items():
        shown = "; ".join(value) if isinstance(value, list) else value
        if isinstance(shown, float):
            shown = f"{shown:.4g}"
        lines.append(f"{key.replace('_', ' ')}: {shown}")
    return lines


def render_text(simulation: Simulation, options: Options = DEFAULT) -> str:
    """Story, table, frontier and assumptions; no colour."""
    page = Page(options, width=100)
    page.line(f"{simulation.source}: {simulation.draws:,} paired draws, seed {simulation.seed}")
    page.blank()
    for sentence in story(simulation):
        page.line(sentence)
        page.blank()
    columns = [(head, "right" if number else "left") for number, head in enumerate(HEADS)]
    page.table(columns, table(simulation), indent=0)
    page.blank()
    page.line("Seconds since the first poll could leave; means unless headed p50, p95 or max.")
    page.blank()
    if simulation.frontier:
        page.line("Frontier (state-blind optimal schedules): mean requests → mean delay")
        page.line("   ".join(f"{p.requests:.1f} → {seconds(p.delay_s)} s" for p in simulation.frontier), indent=2)
        page.blank()
    page.line("Assumptions")
    for line in assumption_lines(simulation):
        page.line(line, indent=2, hang=2)
    return page.text()


def render_markdown(simulation: Simulation, _options: Options = DEFAULT) -> str:
    """The same for a ticket."""
    lines = [markup("## Polling, simulated: {}", Md(simulation.source)), Md()]
    lines.append(Md(f"{simulation.draws:,} paired draws, seed {simulation.seed}."))
    for sentence in story(simulation):
        lines += [Md(), Md(sentence)]
    rows = ([Md(cell) for cell in row] for row in table(simulation))
    lines += [Md(), *markdown_table(HEADS, rows, right=range(1, len(HEADS)))]
    if simulation.frontier:
        points = ((Md(f"{p.requests:.1f}"), Md(seconds(p.delay_s))) for p in simulation.frontier)
        lines += [Md(), *markdown_table(("frontier: mean requests", "mean delay, s"), points, right=(0, 1))]
    lines += [Md(), markup("**Assumptions**"), Md()]
    return document([*lines, *(markup("* {}", Md(line)) for line in assumption_lines(simulation))])
