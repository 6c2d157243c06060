"""A simulation as text, Markdown, JSON (``k3slog.simulation``) and CSV. All numbers are seconds unless named."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields

from analyzer.reports.csv_report import Cell, rows_text
from analyzer.reports.format import DEFAULT, Options
from analyzer.reports.json_report import chosen, dumps, rounded
from analyzer.reports.md import Md, document, markup, table as markdown_table
from analyzer.reports.terminal import Page
from analyzer.simulator.herd import Herd, HerdResult, Range
from analyzer.simulator.run import REFERENCE, Difference, PolicyResult, Simulation, Stat

_PARTS = ("mean", "p50", "p95", "max", "min")
_STATS = ("delay_s", "requests", "detected_s", "ready_s", "ready_delayed_s", "server_cpu_s", "log_lines")


def render_json(simulation: Simulation, _options: Options = DEFAULT) -> str:
    """JSON with a final newline; statistics without any draw are ``null``."""
    told = ("seed", "draws", "source", "assumptions", "policies", "frontier", "ceiling_s", "herd")
    return dumps({"schema": "k3slog.simulation", "schema_version": 1, **chosen(simulation, *told)})


def render_csv(simulation: Simulation, _options: Options = DEFAULT) -> str:
    """One row per policy; columns are ``quantity_statistic``."""
    versus = [field.name for field in fields(Difference)]
    columns = ["policy", "draws", "undetected", *(f"{name}_{part}" for name in _STATS for part in _PARTS)]
    columns += [f"vs_shared_2s_detected_s_{part}" for part in versus]

    def ends(of: Stat | Difference | None, parts: Sequence[str]) -> list[Cell]:
        return [None if of is None else rounded(getattr(of, part)) for part in parts]

    rows = (
        [
            *(result.policy, result.draws, result.undetected),
            *(cell for name in _STATS for cell in ends(getattr(result, name), _PARTS)),
            *ends(result.vs_shared_2s.get("detected_s"), versus),
        ]
        for result in simulation.policies
    )
    return rows_text(columns, rows)


def seconds(value: float) -> str:
    """A length for people: three digits where they mean something."""
    if abs(value) >= 99.95:
        return f"{value:.0f}"
    if abs(value) >= 9.995:
        return f"{value:.1f}"
    return f"{value:.2f}" if abs(value) >= 0.0995 or value == 0 else f"{value:.3f}"


def _signed(value: float) -> str:
    return ("+" if value > 0 else "−" if value < 0 else "±") + seconds(abs(value))


def _number(stat: Stat | None, part: str = "mean") -> str:
    return "–" if stat is None else seconds(getattr(stat, part))


def _requests(stat: Stat | None, part: str = "mean") -> str:
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
    return [
        [
            result.policy,
            _number(result.detected_s),
            *(_number(result.delay_s, part) for part in ("mean", "p50", "p95", "max")),
            *(_requests(result.requests, part) for part in ("mean", "p95")),
            _number(result.server_cpu_s),
            _number(result.ready_delayed_s),
            _requests(result.log_lines),
            "–" if result.policy == REFERENCE else _interval(result.vs_shared_2s.get("detected_s")),
        ]
        for result in simulation.policies
    ]


HERD_HEADS = (
    *("policy", "requests", "per s", "peak per s", "p95", "CPU s", "CPU at peak"),
    *("ready later", "p95", "last one knows"),
)


def herd_table(of: Herd) -> list[list[str]]:
    """The rows under ``HERD_HEADS``, as words. Means over the worlds unless the head says otherwise."""
    return [
        [
            result.policy,
            _least(result) + _whole(result.requests),
            _whole(result.mean_per_s),
            _whole(result.peak_per_s),
            _whole(result.peak_per_s, "p95"),
            _least(result) + _measure(result.server_cpu_s),
            "–" if result.peak_cpu_share is None else f"{result.peak_cpu_share.mean:.0%}",
            _least(result) + _measure(result.ready_delayed_s),
            _least(result) + _measure(result.ready_delayed_s, "p95"),
            _measure(result.last_noticed_s),
        ]
        for result in of.policies
    ]


def herd_words(of: Herd) -> list[str]:
    """What the table is of, and what it cannot say."""
    said = [
        f"{of.agents:,} agent{'s' if of.agents > 1 else ''} that wait{'' if of.agents > 1 else 's'} for this server, "
        f"beginning evenly over {seconds(of.spread_s)} s, in {of.worlds} of the worlds: the requests of all until the "
        "last one knows, those of the busiest second and their share of the server's CPU, and how much later it gets "
        "ready for them."
    ]
    if of.left_out:
        said.append(f"Not for agents: {', '.join(of.left_out)}.")
    busy = [f"{r.policy} (in {r.busy_worlds} of {r.worlds})" for r in of.policies if r.busy_worlds]
    if busy:
        said.append(
            "≥: in some worlds the requests of a second would take over half of the server's CPU before it is ready. "
            f"It answers more slowly then, or not at all, which the model does not say: {', '.join(busy)}."
        )
    return said


def _least(of: HerdResult) -> str:
    return "≥ " if of.busy_worlds else ""


def _whole(of: Range | None, part: str = "mean") -> str:
    return "–" if of is None else f"{getattr(of, part):,.0f}" if of.mean >= 10 else f"{getattr(of, part):.1f}"


def _measure(of: Range | None, part: str = "mean") -> str:
    return "–" if of is None else seconds(getattr(of, part))


def _interval(diff: Difference | None) -> str:
    if diff is None:
        return "–"
    if diff.low is None or diff.high is None:
        return f"{_signed(diff.mean)} [not known]"
    return f"{_signed(diff.mean)} [{_signed(diff.low)}, {_signed(diff.high)}]"


def story(simulation: Simulation) -> list[str]:
    """Sentences for people, most telling first; each number carries its range."""
    said = []
    hooks, ceiling = simulation.hooks_s, simulation.ceiling_s
    by_name = {result.policy: result for result in simulation.policies}
    base, old, new, best, floor = map(by_name.get, (REFERENCE, "legacy-4x1s", "adaptive", "optimal", "oracle"))
    if hooks is not None:
        said.append(
            f"Nobody can notice readiness before it is there: without any polling the API server is ready "
            f"{seconds(hooks.mean)} s after the first poll could leave (p50 {seconds(hooks.p50)}, "
            f"p95 {seconds(hooks.p95)}, {seconds(hooks.min)} to {seconds(hooks.max)} s)." + _shares(simulation, base)
        )
    if ceiling is not None:
        said.append(
            f"Ceiling: a perfect poller would have saved between {seconds(ceiling.min)} and {seconds(ceiling.max)} s "
            f"of {seconds(ceiling.of_s)} s ({ceiling.basis})."
        )
    if old is not None and base is not None and old.requests and base.requests:
        diff = old.vs_shared_2s.get("detected_s")
        said.append(
            f"What the 2025 change bought (legacy-4x1s → {REFERENCE}): {_asked(old.requests)} → "
            f"{_asked(base.requests)} requests a start, {_spread(old.server_cpu_s)} → {_spread(base.server_cpu_s)} s "
            f"of server CPU; polling holds the start up by "
            f"{_number(old.ready_delayed_s)} → {_number(base.ready_delayed_s)} s and "
            f"adds {_spread(old.delay_s)} → {_spread(base.delay_s)} s until it is noticed."
            + ("" if diff is None else f" In sum readiness is noticed {_versus(diff)} than before.")
        )
    if new is not None and base is not None and new.requests and base.requests:
        diff = new.vs_shared_2s.get("detected_s")
        said.append(
            f"What adaptive buys on top: {_asked(new.requests)} requests and {_spread(new.server_cpu_s)} s of CPU "
            f"a start, delay {_number(new.delay_s, 'p50')} s (p50) and {_number(new.delay_s, 'p95')} s (p95)"
            + ("." if diff is None else f"; noticed {_gain(diff)} than with {REFERENCE}.")
        )
    if best is not None and new is not None and best.delay_s and new.delay_s and best.requests and new.requests:
        said.append(
            f"How far that is from optimal: a schedule that knows how long such starts take, with "
            f"{best.requests.mean:.1f} requests, has a mean delay of {_spread(best.delay_s)} s; adaptive, which "
            f"does not know it, {_spread(new.delay_s)} s with {new.requests.mean:.1f}."
        )
    if floor is not None and floor.delay_s is not None:
        said.append(f"The floor is the answer's own latency: {_spread(floor.delay_s)} s (oracle).")
    return said + _missed(simulation)


def _missed(simulation: Simulation) -> list[str]:
    """In how many draws which policies noticed nothing; all of them together where it is the start's doing."""
    missed: dict[tuple[int, int], list[str]] = {}
    for result in simulation.policies:
        if result.undetected:
            missed.setdefault((result.undetected, result.draws), []).append(result.policy)
    together = len(missed) == 1 and len(simulation.policies) == len(next(iter(missed.values()))) > 1
    if together:
        (undetected, draws) = next(iter(missed))
        return [f"In {undetected} of {draws} draws no policy noticed readiness; they are in no figure below."]
    return [
        f"{', '.join(names)} never noticed readiness in {undetected} of {draws} draws."
        for (undetected, draws), names in missed.items()
    ]


def _shares(simulation: Simulation, base: PolicyResult | None) -> str:
    boot, work = simulation.boot_s, simulation.work_s
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


def _spread(stat: Stat | None) -> str:
    return f"{_number(stat)} (p95 {_number(stat, 'p95')})"


def _gain(diff: Difference) -> str:
    """Difference policy − reference, in words: negative is earlier."""
    word = "earlier" if diff.mean < 0 else "later"
    said = f"{seconds(abs(diff.mean))} s {word}"
    if diff.low is None or diff.high is None:
        return said
    low, high = sorted((-diff.low, -diff.high)) if diff.mean < 0 else (diff.low, diff.high)
    return f"{said} (95 %: {_plain(low)} to {_plain(high)})"


def _versus(diff: Difference) -> str:
    """The reference against the policy: the same difference seen from the other side."""
    low, high = (None if end is None else -end for end in (diff.high, diff.low))
    return _gain(Difference(-diff.mean, low, high, -diff.p975, -diff.p025))


def _plain(value: float) -> str:
    return ("−" if value < 0 else "") + seconds(abs(value))


def assumption_lines(simulation: Simulation) -> list[str]:
    """The assumptions section, one line each."""
    return [f"{key.replace('_', ' ')}: {_assumed(value)}" for key, value in simulation.assumptions.items()]


def _assumed(value: str | float | int | list[str]) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    return "; ".join(value) if isinstance(value, list) else str(value)


def render_text(simulation: Simulation, options: Options = DEFAULT) -> str:
    """Story, table, frontier and assumptions; no colour."""
    page = Page(options, width=100)
    page.paragraph(f"{simulation.source}: {simulation.draws:,} paired draws, seed {simulation.seed}")
    for sentence in story(simulation):
        page.paragraph(sentence)
    columns = [(head, "right" if number else "left") for number, head in enumerate(HEADS)]
    page.table(columns, table(simulation), indent=0)
    page.blank()
    page.paragraph("Seconds since the first poll could leave; means unless headed p50, p95 or max.")
    if simulation.frontier:
        page.line("Frontier (state-blind optimal schedules): mean requests → mean delay")
        page.line("   ".join(f"{p.requests:.1f} → {seconds(p.delay_s)} s" for p in simulation.frontier), indent=2)
        page.blank()
    if simulation.herd is not None:
        for sentence in herd_words(simulation.herd):
            page.paragraph(sentence)
        columns = [(head, "right" if number else "left") for number, head in enumerate(HERD_HEADS)]
        page.table(columns, herd_table(simulation.herd), indent=0)
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
    if simulation.herd is not None:
        for sentence in herd_words(simulation.herd):
            lines += [Md(), Md(sentence)]
        rows = ([Md(cell) for cell in row] for row in herd_table(simulation.herd))
        lines += [Md(), *markdown_table(HERD_HEADS, rows, right=range(1, len(HERD_HEADS)))]
    lines += [Md(), markup("**Assumptions**"), Md()]
    return document([*lines, *(markup("* {}", Md(line)) for line in assumption_lines(simulation))])
