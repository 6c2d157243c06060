"""What life does to a log before somebody pastes it, applied to recorded starts whose truth is known.

A damage takes recordings and a carrier and gives the lines of a text. Every line remembers which recorded row it came
from, so the judge knows what the text still shows, whatever it looks like. Damages know nothing of the analysis.
"""

from __future__ import annotations

import html
import json
import random
import re
import textwrap
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property
from itertools import groupby, pairwise

from tests.kit.mutations import at, begin_s, docker_logs, export, on_host, own, precise, stamp_us, text, travelled
from tests.kit.score_recorded import Row, Truth, write_carrier

Rows = list[Row]
US = 1_000_000

# --- recordings and texts -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Part:
    """One recording inside a text: what was recorded, as it is shown there, and its truth."""

    name: str
    rows: Rows  # as recorded
    shown: Rows  # the same rows with the stamps and hosts that the text prints
    truth: Truth
    shift_us: int = 0  # the shown clock is ahead of the truth's by this much, before any step
    step: tuple[int, int] | None = None  # from this row on the shown clock is ahead by so many more µs

    @cached_property
    def owners(self) -> list[int]:
        """For every row the number of the start that it belongs to."""
        pids = {t["pid"]: n for n, t in enumerate(self.truth["starts"])}
        begins = [t["exec_rt"] - US // 2 for t in self.truth["starts"]]
        by_time = [max(sum(begin <= stamp_us(r) for begin in begins) - 1, 0) for r in self.rows]
        return [pids.get(int(r["_PID"]), n) if own(r) else n for r, n in zip(self.rows, by_time, strict=True)]

    def rows_of(self, start: int) -> list[int]:
        """The rows of one start."""
        return [index for index, owner in enumerate(self.owners) if owner == start]


@dataclass(frozen=True)
class Line:
    """A line (of an export stream: a record) and the row it was written from; ``None``: nobody's."""

    data: bytes
    part: int = 0
    row: int | None = None


Lines = list[Line]


@dataclass(frozen=True)
class Damaged:
    """A text and what may be judged of it."""

    lines: Lines
    parts: list[Part]
    carrier: str
    whole: bool = False  # every line that was recorded (and that the carrier has) is there, readable
    announced: bool = False  # what is lost is announced
    cut: bool = False  # lines end early

    @property
    def content(self) -> bytes:
        """The bytes of the file."""
        end = b"" if self.carrier == "export" else b"\n"
        return b"".join(line.data + end for line in self.lines)

    @property
    def filename(self) -> str:
        """A name that says the carrier."""
        return "log.export" if self.carrier == "export" else "log.txt"


# --- carriers -------------------------------------------------------------------------------------------------------

CARRIERS = ("short", "cat", "docker", "precise", "iso", "export")
PRECISION_S = {"short": 1.0, "iso": 1.0, "cat": 1.0}
JOURNAL = ("short", "precise", "iso", "export")  # carriers with systemd's lines, pids and hosts

_NOBODY = random.Random(0)
_RENDER: dict[str, Callable[[Row], bytes]] = {
    "docker": lambda row: docker_logs([row], _NOBODY).files["docker.txt"],
    "precise": lambda row: precise([row], _NOBODY).files["log.txt"],
    "export": lambda row: export([row]),
}


def rendered(part: Part, number: int, carrier: str) -> Lines:
    """The lines that ``carrier`` prints of a recording."""
    render = _RENDER.get(carrier) or (lambda row: write_carrier([row], carrier))
    out: Lines = []
    for index, row in enumerate(part.shown):
        if carrier == "export":
            out.append(Line(render(row), number, index))
        elif data := render(row):
            out += [Line(piece, number, index) for piece in data.removesuffix(b"\n").split(b"\n")]
    return out


def plain(part: Part, carrier: str) -> Damaged:
    """The text without any damage."""
    return Damaged(rendered(part, 0, carrier), [part], carrier, whole=True)


# --- the shapes of damages ------------------------------------------------------------------------------------------

Others = Sequence[Part]
Make = Callable[[Part, Others, str, random.Random], Damaged]
Edit = Callable[[Lines, random.Random], Lines]


@dataclass(frozen=True)
class Damage:
    """A way in which a log gets worse, and the carriers where that happens."""

    make: Make
    carriers: tuple[str, ...] = CARRIERS


def edited(edit: Edit, *, whole: bool = False, announced: bool = False, cut: bool = False) -> Make:
    """A damage that drops, repeats, moves or rewrites lines."""

    def make(part: Part, others: Others, carrier: str, rng: random.Random) -> Damaged:
        before = plain(part, carrier)
        return replace(before, lines=edit(before.lines, rng), whole=whole, announced=announced, cut=cut)

    return make


# --- lines repeated and out of order --------------------------------------------------------------------------------


def repeated(share: float) -> Edit:
    """Some lines, or all, twice in a row."""
    return lambda lines, rng: [line for line in lines for _ in range(2 if rng.random() < share else 1)]


def shuffled_within_seconds(part: Part, others: Others, carrier: str, rng: random.Random) -> Damaged:
    """The lines of each second in any order."""
    before = plain(part, carrier)
    lines: Lines = []
    for _, group in groupby(before.lines, key=lambda line: stamp_us(part.shown[line.row or 0]) // US):
        mixed = list(group)
        rng.shuffle(mixed)
        lines += mixed
    return replace(before, lines=lines)


def whole_text(lines: Lines, rng: random.Random) -> Lines:
    """All of it."""
    return lines


def by_words(lines: Lines, rng: random.Random) -> Lines:
    """As ``sort`` leaves them."""
    return sorted(lines, key=lambda line: line.data)


def swapped(lines: Lines, rng: random.Random) -> Lines:
    """Two rotated files glued, the newer first."""
    middle = rng.randrange(len(lines) // 4, max(3 * len(lines) // 4, len(lines) // 4 + 1))
    return lines[middle:] + lines[:middle]


# --- lines lost -----------------------------------------------------------------------------------------------------


def tail(count: int) -> Edit:
    """The last lines only."""
    return lambda lines, rng: lines[-count:]


def lost(share: float) -> Edit:
    """A random share of the lines gone."""
    return lambda lines, rng: [line for line in lines if rng.random() >= share]


def grep(pattern: bytes, *, but: bool = False, fold: bool = False) -> Edit:
    """What ``grep`` leaves."""
    regex = re.compile(pattern, re.I if fold else 0)
    return lambda lines, rng: [line for line in lines if bool(regex.search(line.data)) != but]


def holes(lines: Lines, rng: random.Random) -> Lines:
    """Three stretches gone without a word."""
    left = list(lines)
    for _ in range(3):
        begin = rng.randrange(len(left) + 1)
        del left[begin : begin + rng.randrange(10, 120)]
    return left


def _notice(part: Part, at: Row, count: int, carrier: str) -> Line:
    unit = next((r["_SYSTEMD_UNIT"] for r in part.shown if "_SYSTEMD_UNIT" in r), b"k3s.service")
    gone = ("_SYSTEMD_UNIT", "_SYSTEMD_INVOCATION_ID", "UNIT", "INVOCATION_ID", "MESSAGE_ID", "_SYSTEMD_CGROUP")
    row = {key: value for key, value in at.items() if key not in gone}
    words = b"Suppressed %d messages from %s" % (count, unit)
    row |= {"SYSLOG_IDENTIFIER": b"systemd-journald", "_PID": b"300", "_COMM": b"systemd-journal", "MESSAGE": words}
    notice = replace(part, rows=[row], shown=[row])
    return replace(rendered(notice, 0, carrier)[0], row=None)


def rate_limited(late: bool) -> Make:
    """A stretch of k3s' lines dropped by journald, which says so after it or (``late``) when the start is over."""

    def make(part: Part, others: Others, carrier: str, rng: random.Random) -> Damaged:
        start = rng.randrange(len(part.truth["starts"]))
        mine = part.rows_of(start)
        begin = rng.randrange(len(mine))
        gone = {i for i in mine[begin : begin + rng.randrange(20, 200)] if own(part.rows[i])}
        lines = [line for line in plain(part, carrier).lines if line.row not in gone]
        if not gone:
            return Damaged(lines, [part], carrier, announced=True)
        after = mine[-1] if late else max(gone)
        where = next((n for n, line in enumerate(lines) if (line.row or 0) > after), len(lines))
        notice = _notice(part, part.shown[after], len(gone), carrier)
        return Damaged([*lines[:where], notice, *lines[where:]], [part], carrier, announced=True)

    return make


# --- lines changed --------------------------------------------------------------------------------------------------


def cut_at(columns: int) -> Edit:
    """Every line ends after so many characters."""

    def edit(lines: Lines, rng: random.Random) -> Lines:
        return [replace(line, data=line.data.decode("utf-8", "replace")[:columns].encode()) for line in lines]

    return edit


def broken_at(columns: int, margin: bytes = b"") -> Edit:
    """Every line broken over several at a terminal's last column."""

    def edit(lines: Lines, rng: random.Random) -> Lines:
        out: Lines = []
        for line in lines:
            text = line.data.decode("utf-8", "replace")
            pieces = [text[at : at + columns] for at in range(0, max(len(text), 1), columns)]
            out += [replace(line, data=margin + piece.encode()) for piece in pieces]
        return out

    return edit


def numbered(lines: Lines, rng: random.Random) -> Lines:
    """As ``cat -n`` or ``grep -n`` shows it."""
    form = rng.choice((b"%6d\t%s", b"%d:%s", b"%5d | %s"))
    return [replace(line, data=form % (number, line.data)) for number, line in enumerate(lines, 1)]


def strings(lines: Lines, rng: random.Random) -> Lines:
    """As a tool prints a list of lines in JSON."""
    return [replace(line, data=json.dumps(line.data.decode("utf-8", "replace")).encode() + b",") for line in lines]


def again(first: Edit, second: Edit) -> Edit:
    """Two views of one log in one text, one below the other."""
    return lambda lines, rng: [*first(lines, rng), Line(b""), *second(lines, rng)]


def escaped(lines: Lines, rng: random.Random) -> Lines:
    """As a page shows it: ``<``, ``&`` and quotes as entities."""
    quote = rng.choice((b"&quot;", b"&#34;"))

    def escape(data: bytes) -> bytes:
        return html.escape(data.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")

    return [replace(line, data=escape(line.data).replace(b"&quot;", quote)) for line in lines]


def _unclocked(row: Row) -> Row:
    return {key: value for key, value in row.items() if key != "__MONOTONIC_TIMESTAMP"}


def clock_step(by_s: int) -> Make:
    """The wall clock jumps in the middle of a start, and no monotonic stamp tells."""

    def make(part: Part, others: Others, carrier: str, rng: random.Random) -> Damaged:
        start = part.truth["starts"][number := rng.randrange(len(part.truth["starts"]))]
        until = start["detected_line_rt"] or start["end_rt"]
        mine = [i for i in part.rows_of(number) if own(part.rows[i]) and stamp_us(part.rows[i]) <= until]
        # A step back that a longer silence swallows cannot be seen; it is made where lines are dense.
        gaps = [(at, stamp_us(part.rows[at]) - stamp_us(part.rows[before])) for before, at in pairwise(mine)]
        seen = [at for at, gap in gaps if by_s > 0 or gap < -by_s * US / 3]
        if not seen:
            return plain(part, carrier)
        at = rng.choice(seen)
        shown = [_unclocked(row) for row in [*part.shown[:at], *travelled(part.shown[at:], by_s)]]
        return plain(replace(part, shown=shown, step=(at, by_s * US)), carrier)

    return make


# --- several recordings in one text ---------------------------------------------------------------------------------


def _moved(part: Part, by_s: int, host: bytes | None = None) -> Part:
    shown = travelled(part.rows, by_s)
    shown = on_host(shown, host) if host else shown
    return replace(part, shown=[_unclocked(row) for row in shown], shift_us=by_s * US)


def two_hosts(part: Part, others: Others, carrier: str, rng: random.Random) -> Damaged:
    """Another machine's lines of the same minutes between."""
    other = rng.choice(others)
    gap = rng.randrange(0, 20)
    parts = [_moved(part, 0), _moved(other, begin_s(part.rows) + gap - begin_s(other.rows), b"edge-2")]
    lines = [line for number, p in enumerate(parts) for line in rendered(p, number, carrier)]
    lines.sort(key=lambda line: stamp_us(parts[line.part].shown[line.row or 0]))
    return Damaged(lines, parts, carrier, whole=True)


_BANNER = re.compile(r'msg="Starting (?:k3s|rke2)(?: agent)? v\d')


def runs_in_a_row(part: Part, others: Others, carrier: str, rng: random.Random) -> Damaged:
    """Four logs of one container, one after the other, without the lines that say a version."""
    chosen = [part, *rng.sample(list(others), min(3, len(others)))]
    parts, begin = [], begin_s(part.rows)
    for each in chosen:
        moved = _moved(each, begin - begin_s(each.rows))
        parts.append(moved)
        begin = stamp_us(moved.shown[-1]) // US + rng.randrange(3, 40)
    lines = [line for number, each in enumerate(parts) for line in rendered(each, number, carrier)]
    left = [line for line in lines if not _BANNER.search(text(parts[line.part].rows[line.row or 0]))]
    return Damaged(left, parts, carrier)


# --- lines of others, and what stands around a log ------------------------------------------------------------------

_UNITS = (
    b"fwupd.service: Failed with result 'exit-code'.",
    b"Failed to start snapd.service - Snap Daemon.",
    b"Stopped session-1.scope.",
    b"k3s-backup.service: Main process exited, code=exited, status=1/FAILURE",
    b"k3s-killall.service: Deactivated successfully.",
)
_NEIGHBOURS = (b"kernel: cni0: port 1(veth1) entered forwarding state", b"systemd[1]: Started session-1.scope.")


def _between(words: Callable[[Row, str, random.Random], bytes]) -> Make:
    """Lines of nobody's between some of the log's."""

    def make(part: Part, others: Others, carrier: str, rng: random.Random) -> Damaged:
        before = plain(part, carrier)
        lines: Lines = []
        for line in before.lines:
            lines.append(line)
            if rng.random() < 0.15:
                lines.append(Line(words(part.shown[line.row or 0], carrier, rng)))
        return replace(before, lines=lines)

    return make


def _other_unit(row: Row, carrier: str, rng: random.Random) -> bytes:
    told = {**row, "SYSLOG_IDENTIFIER": b"systemd", "_PID": b"1", "MESSAGE": rng.choice(_UNITS)}
    return rendered(Part("", [told], [told], {}), 0, carrier)[0].data


def _syslog(row: Row, carrier: str, rng: random.Random) -> bytes:
    return write_carrier([{**row, "MESSAGE": b""}], "short")[:16] + row["_HOSTNAME"] + b" " + rng.choice(_NEIGHBOURS)


def with_status(*, first: bool) -> Make:
    """``systemctl status`` of the unit above or below its log."""

    def make(part: Part, others: Others, carrier: str, rng: random.Random) -> Damaged:
        start = part.truth["starts"][-1]
        unit = "k3s-agent" if "registered" in start else "k3s"
        up = start["detected_line_rt"]
        since = datetime.fromtimestamp((up or start["exec_rt"]) / US, UTC)
        state = "active (running)" if up else "activating (start)"
        block = (
            f"● {unit}.service - Lightweight Kubernetes",
            f"     Loaded: loaded (/etc/systemd/system/{unit}.service; enabled; vendor preset: enabled)",
            f"     Active: {state} since {since:%a %Y-%m-%d %H:%M:%S} UTC; 5min ago",
            f"   Main PID: {start['pid']} (k3s-server)",
            "",
        )
        status = [Line(line.encode()) for line in block]
        before = plain(part, carrier)
        return replace(before, lines=[*status, *before.lines] if first else [*before.lines, Line(b""), *status])

    return make


# --- what people and stores do to lines -----------------------------------------------------------------------------


def wrapped_by_words(columns: int, mark: str = "") -> Edit:
    """As a mail program breaks lines: between words, and none within a long word."""

    def edit(lines: Lines, rng: random.Random) -> Lines:
        out: Lines = []
        for line in lines:
            words = line.data.decode("utf-8", "replace")
            pieces = textwrap.wrap(words, columns, break_long_words=False, break_on_hyphens=False) or [""]
            out += [replace(line, data=f"{mark}{piece}".encode()) for piece in pieces]
        return out

    return edit


def coloured_by_grep(lines: Lines, rng: random.Random) -> Lines:
    """What ``grep --color`` found, pasted where escapes are dropped."""
    return [replace(line, data=line.data.replace(b"k3s", b"[01;31m[Kk3s[m[K")) for line in lines]


Render = Callable[[Row], str]


def _ms(row: Row) -> str:
    return f"{at(row):%Y-%m-%dT%H:%M:%S.%f}"[:-3] + "Z"


def _cells(*cells: str) -> str:
    return ",".join('"' + cell.replace('"', '""').replace("\n", " ") + '"' for cell in cells)


def _host(row: Row) -> str:
    return row["_HOSTNAME"].decode()


_TABLES: dict[str, tuple[str, Render]] = {
    "datadog": ("Date,Host,Service,Message", lambda r: _cells(_ms(r), _host(r), "k3s", text(r))),
    "graylog": ('"timestamp","source","message"', lambda r: _cells(_ms(r), _host(r), text(r))),
    "loki": (
        '"labels","Time","Line","tsNs","id"',
        lambda r: _cells(json.dumps({"host": _host(r)}), _ms(r), text(r), f"{stamp_us(r)}000", "x"),
    ),
}
_OBJECTS: dict[str, Render] = {
    "elastic": lambda r: json.dumps(
        {"_source": {"@timestamp": _ms(r), "message": text(r), "host": {"name": _host(r)}}}
    ),
    "splunk": lambda r: json.dumps({"result": {"_raw": text(r), "_time": _ms(r), "host": _host(r)}}),
    "datadog": lambda r: json.dumps({"attributes": {"timestamp": _ms(r), "host": _host(r), "message": text(r)}}),
    "google": lambda r: json.dumps(
        {"textPayload": text(r), "timestamp": _ms(r), "resource": {"labels": {"instance_id": _host(r)}}}
    ),
    "loki": lambda r: json.dumps({"labels": {"instance": _host(r)}, "line": text(r), "timestamp": _ms(r)}),
}


def _of_both(parts: Sequence[Part], render: Render, head: str, rng: random.Random) -> Damaged:
    lines = [
        Line(render(row).encode(), number, index)
        for number, part in enumerate(parts)
        for index, row in enumerate(part.shown)
        if own(part.rows[index])
    ]
    lines.sort(key=lambda line: stamp_us(parts[line.part].shown[line.row or 0]), reverse=rng.random() < 0.5)
    return Damaged([*([Line(head.encode())] if head else []), *lines], list(parts), "docker", whole=True)


def stored(*, table: bool) -> Make:
    """What a log store gives out of two machines, in either order; its rows name the machine."""

    def make(part: Part, others: Others, carrier: str, rng: random.Random) -> Damaged:
        other = rng.choice(others)
        gap = begin_s(part.rows) + rng.randrange(0, 20) - begin_s(other.rows)
        parts = [_moved(part, 0), _moved(other, gap, b"edge-2")]
        if table:
            head, render = _TABLES[rng.choice(sorted(_TABLES))]
            return _of_both(parts, render, head, rng)
        return _of_both(parts, _OBJECTS[rng.choice(sorted(_OBJECTS))], "", rng)

    return make


# --- all of them ----------------------------------------------------------------------------------------------------

_TEXTS = ("short", "cat", "docker", "precise", "iso")
DAMAGES: dict[str, Damage] = {
    "none": Damage(lambda part, others, carrier, rng: plain(part, carrier)),
    "twice": Damage(edited(repeated(1.0), whole=True)),
    "twice-30": Damage(edited(repeated(0.3), whole=True)),
    "shuffled": Damage(shuffled_within_seconds),
    "swapped": Damage(edited(swapped, whole=True)),
    "tail-50": Damage(edited(tail(50))),
    "tail-200": Damage(edited(tail(200))),
    "lost-10": Damage(edited(lost(0.1))),
    "lost-50": Damage(edited(lost(0.5))),
    "holes": Damage(edited(holes)),
    "holes-noticed": Damage(rate_limited(late=False), JOURNAL),
    "holes-noticed-late": Damage(rate_limited(late=True), JOURNAL),
    "grep-level": Damage(edited(grep(b"level=")), _TEXTS),
    "grep-v-info": Damage(edited(grep(b"level=info", but=True)), _TEXTS),
    "grep-i-fail": Damage(edited(grep(b"fail", fold=True)), _TEXTS),
    "grep-systemd": Damage(edited(grep(b"systemd")), ("short", "precise", "iso")),
    "grep-readyz": Damage(edited(grep(b"readyz")), _TEXTS),
    "cut-80": Damage(edited(cut_at(80), cut=True), _TEXTS),
    "cut-120": Damage(edited(cut_at(120), cut=True), _TEXTS),
    "html": Damage(edited(escaped, whole=True), _TEXTS),
    "grep-alternatives": Damage(edited(grep(b"error|fail|fatal|panic", fold=True)), _TEXTS),
    "grep-stops": Damage(edited(grep(b"shut|stop|exit|kill|signal", fold=True)), _TEXTS),
    "wrapped-100": Damage(edited(broken_at(100), whole=True), _TEXTS),
    "wrapped-80-margin": Damage(edited(broken_at(80, b"    "), whole=True), _TEXTS),
    "numbered": Damage(edited(numbered, whole=True), _TEXTS),
    "strings": Damage(edited(strings, whole=True), _TEXTS),
    "log-twice": Damage(edited(again(whole_text, whole_text), whole=True), _TEXTS),
    "all-then-end": Damage(edited(again(whole_text, tail(20)), whole=True), _TEXTS),
    "end-then-all": Damage(edited(again(tail(20), whole_text), whole=True), _TEXTS),
    "sorted": Damage(edited(by_words, whole=True), _TEXTS),
    "clock+3s": Damage(clock_step(3)),
    "clock-3s": Damage(clock_step(-3)),
    "clock+1h": Damage(clock_step(3600)),
    "clock-1h": Damage(clock_step(-3600)),
    "two-hosts": Damage(two_hosts, JOURNAL),
    "four-runs": Damage(runs_in_a_row, ("cat", "docker")),
    "other-units": Damage(_between(_other_unit), ("short", "precise", "iso")),
    "syslog-among-iso": Damage(_between(_syslog), ("iso",)),
    "status-first": Damage(with_status(first=True), _TEXTS),
    "status-last": Damage(with_status(first=False), _TEXTS),
    "mail-76": Damage(edited(wrapped_by_words(76, "> "), whole=True), _TEXTS),
    "words-80": Damage(edited(wrapped_by_words(80), whole=True), _TEXTS),
    "grep-coloured": Damage(edited(coloured_by_grep, whole=True), _TEXTS),
    "store-table": Damage(stored(table=True), ("docker",)),
    "store-objects": Damage(stored(table=False), ("docker",)),
}


def damaged(name: str, part: Part, others: Iterable[Part], carrier: str, seed: int = 0) -> Damaged:
    """The text that a damage makes of a recording; the same for the same arguments."""
    rng = random.Random(f"{part.name}/{name}/{carrier}/{seed}")
    return DAMAGES[name].make(part, [other for other in others if other.name != part.name], carrier, rng)
