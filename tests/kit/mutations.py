"""Ways in which a log gets worse on its way to the reader, and a judge that asks whether what is still said is true.

A recorded start with its truth is cut, thinned, delayed, mixed or carried otherwise; its truth stays what it was. A
window may then be wider, a fact may be gone, but nothing that the report still says may be false. Three kinds:

* ``LOSSES`` keep only some of the lines,
* ``DELAYS`` change stamps as a slow journal, a coarse carrier or another zone would,
* ``CARRIERS`` and ``MIXES`` put the lines elsewhere: other formats, several files, other programs between.
"""

from __future__ import annotations

import gzip
import io
import json
import random
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from tests.kit.score_recorded import Row, write_carrier

Rows = list[Row]


@dataclass(frozen=True)
class Mutated:
    """What a mutation made: files by name, how coarse their stamps are, and what may still be judged."""

    files: dict[str, bytes]
    precision_s: float = 0.0
    whole: bool = False  # every line that decides an outcome is in the files
    pids: bool = True  # starts can be told apart without a banner
    polls: bool = True  # no poll line was lost unseen: what an unprinted poll says is judged, too


Make = Callable[[Rows, random.Random], Mutated]


# --- rows to bytes --------------------------------------------------------------------------------------------------


def export(rows: Iterable[Row]) -> bytes:
    """Journal Export Format."""
    out = io.BytesIO()
    for row in rows:
        for key, value in row.items():
            if b"\n" in value:
                out.write(key.encode() + b"\n" + len(value).to_bytes(8, "little") + value + b"\n")
            else:
                out.write(key.encode() + b"=" + value + b"\n")
        out.write(b"\n")
    return out.getvalue()


def stamp_us(row: Row) -> int:
    """Arrival in the journal, µs since 1970."""
    return int(row["__REALTIME_TIMESTAMP"])


def at(row: Row) -> datetime:
    """Arrival in the journal."""
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=stamp_us(row))


def text(row: Row) -> str:
    """The message."""
    return row["MESSAGE"].decode("utf-8", "replace")


def own(row: Row) -> bool:
    """Whether k3s wrote it."""
    return row.get("SYSLOG_IDENTIFIER") == b"k3s"


def moved(row: Row, by_us: int) -> Row:
    """The row, later by ``by_us`` on both of the journal's clocks; what it says stays as it is."""
    return arrived(row, stamp_us(row) + by_us)


_BOOTED_US = 1_795_000_000_000_000  # any moment before the recordings: their two clocks run alike


def arrived(row: Row, us: int) -> Row:
    """The row, taken down by the journal at ``us``; what it says stays as it is."""
    clocks = {"__REALTIME_TIMESTAMP": us, "__MONOTONIC_TIMESTAMP": us - _BOOTED_US}
    return {**row, **{key: str(value).encode() for key, value in clocks.items() if key in row}}


_LOGRUS = re.compile(rb'(?<=time=")(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)')
_ETCD = re.compile(rb'(?<="ts":")(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)')
_KLOG = re.compile(rb"^([IWEF])(\d{4} \d\d:\d\d:\d\d)")


def travelled(rows: Rows, by_s: int) -> Rows:
    """The same log ``by_s`` seconds later: the journal's stamps and those inside the lines."""
    delta = timedelta(seconds=by_s)

    def iso(match: re.Match[bytes]) -> bytes:
        return (datetime.fromisoformat(match.group(1).decode()) + delta).isoformat().encode()

    def klog(match: re.Match[bytes]) -> bytes:
        moment = datetime.strptime("2026" + match.group(2).decode(), "%Y%m%d %H:%M:%S").replace(tzinfo=UTC) + delta
        return match.group(1) + moment.strftime("%m%d %H:%M:%S").encode()

    out = []
    for row in rows:
        row = moved(row, by_s * 1_000_000)
        row["MESSAGE"] = _KLOG.sub(klog, _ETCD.sub(iso, _LOGRUS.sub(iso, row["MESSAGE"])))
        out.append(row)
    return out


# --- losses ---------------------------------------------------------------------------------------------------------


def keep(test: Callable[[Row], bool]) -> Make:
    """Only the rows that pass; systemd's are kept."""
    return lambda rows, rng: Mutated({"log.export": export(r for r in rows if not own(r) or test(r))})


def thinned(share: float, carrier: str = "export") -> Make:
    """Without a random ``share`` of all lines, as a rate limit or a bad filter leaves them."""

    def make(rows: Rows, rng: random.Random) -> Mutated:
        left = [row for row in rows if rng.random() >= share]
        data = export(left) if carrier == "export" else write_carrier(left, carrier)
        suffix = "export" if carrier == "export" else "txt"
        return Mutated({f"log.{suffix}": data}, 0.0 if carrier == "export" else 1.0, polls=False)

    return make


def cut(head: bool, tail: bool) -> Make:
    """Without its begin, its end, or both."""

    def make(rows: Rows, rng: random.Random) -> Mutated:
        first = rng.randrange(len(rows)) if head else 0
        last = rng.randrange(first, len(rows)) + 1 if tail else len(rows)
        return Mutated({"log.export": export(rows[first:last])})

    return make


def holes(rows: Rows, rng: random.Random) -> Mutated:
    """Three stretches of lines lost, without a word about it."""
    left = list(rows)
    for _ in range(3):
        begin = rng.randrange(len(left) + 1)
        del left[begin : begin + rng.randrange(1, 40)]
    return Mutated({"log.export": export(left or rows[:1])}, polls=False)


def is_poll(row: Row) -> bool:
    return "Polling for API server readiness" in text(row)


def is_klog(row: Row) -> bool:
    return bool(_KLOG.match(row["MESSAGE"]))


def is_logrus(row: Row) -> bool:
    return row["MESSAGE"].startswith(b"time=")


def without_poll(last: bool) -> Make:
    """Without the first or the last printed poll."""

    def make(rows: Rows, rng: random.Random) -> Mutated:
        lost = next((r for r in (reversed(rows) if last else rows) if is_poll(r)), None)
        return Mutated({"log.export": export(r for r in rows if r is not lost)}, polls=False)

    return make


def rate_limited(rows: Rows, rng: random.Random) -> Mutated:
    """A stretch of lines dropped by journald's rate limit, and its notice in their place."""
    begin = rng.randrange(len(rows))
    end = min(len(rows), begin + rng.randrange(10, 120))
    lost = [row for row in rows[begin:end] if own(row)]
    if not lost:
        return Mutated({"log.export": export(rows)})
    words = f"Suppressed {len(lost)} messages from k3s.service".encode()
    gone = ("_SYSTEMD_UNIT", "_SYSTEMD_INVOCATION_ID", "UNIT")
    notice = {k: v for k, v in rows[end - 1].items() if k not in gone}
    notice |= {"SYSLOG_IDENTIFIER": b"systemd-journald", "_PID": b"300", "MESSAGE": words}
    kept = [row for row in rows[begin:end] if not own(row)]
    return Mutated({"log.export": export([*rows[:begin], *kept, notice, *rows[end:]])})


LOSSES: dict[str, Make] = {
    "no polls": keep(lambda r: not is_poll(r)),
    "no klog": keep(lambda r: not is_klog(r)),
    "only logrus": keep(is_logrus),
    "only klog": keep(is_klog),
    "only polls and detection": keep(lambda r: is_poll(r) or "now running" in text(r)),
    "no banner": keep(lambda r: not re.search(r'msg="Starting (?:k3s|rke2)', text(r))),
    "no detection": keep(lambda r: "Kube API server is now running" not in text(r)),
    "no systemd": lambda rows, rng: Mutated({"log.export": export(r for r in rows if own(r))}),
    "no 'signal received'": keep(lambda r: "signal received" not in text(r)),
    "no first poll": without_poll(last=False),
    "no last poll": without_poll(last=True),
    "no unchanged polls": keep(lambda r: "status unchanged" not in text(r)),
    "a rate limit that says so": rate_limited,
    "a tenth lost": thinned(0.1),
    "half lost": thinned(0.5),
    "nine tenths lost": thinned(0.9),
    "half lost, short": thinned(0.5, "short"),
    "head cut": cut(head=True, tail=False),
    "tail cut": cut(head=False, tail=True),
    "both cut": cut(head=True, tail=True),
    "holes": holes,
}


# --- stamps ---------------------------------------------------------------------------------------------------------


def delayed(test: Callable[[Row, random.Random], bool], most_s: float) -> Make:
    """Some rows arrive up to ``most_s`` late, and none overtakes another: a journal that gets no time to read."""

    def make(rows: Rows, rng: random.Random) -> Mutated:
        out: Rows = []
        latest = 0
        for row in rows:
            by_us = int(rng.random() * most_s * 1e6) if test(row, rng) else 0
            latest = max(latest + 1, stamp_us(row) + by_us)
            out.append(arrived(row, latest))
        return Mutated({"log.export": export(out)}, whole=True)

    return make


def stalls(rows: Rows, rng: random.Random) -> Mutated:
    """Now and then the journal reads nothing for up to 4 s and then all of it at once."""
    out: Rows = []
    until = 0
    latest = 0
    for row in rows:
        if stamp_us(row) > until and rng.random() < 0.02:
            until = stamp_us(row) + int(rng.random() * 4e6)
        latest = max(until if stamp_us(row) <= until else stamp_us(row), latest + 1)
        out.append(arrived(row, latest))
    return Mutated({"log.export": export(out)}, whole=True)


def short_in(hours: int) -> Make:
    """``short`` with the local time of a zone other than that of the process."""

    def make(rows: Rows, rng: random.Random) -> Mutated:
        lines = [moved(row, hours * 3600 * 1_000_000) for row in rows]
        return Mutated({"log.txt": write_carrier(lines, "short")}, 1.0, whole=True)

    return make


def short(rows: Rows, rng: random.Random) -> Mutated:
    """``short``: whole seconds, no year, no zone."""
    return Mutated({"log.txt": write_carrier(rows, "short")}, 1.0, whole=True)


def precise(rows: Rows, rng: random.Random) -> Mutated:
    """``short-precise``."""
    lines = (f"{at(r):%b %d %H:%M:%S.%f} vm {name(r)}: {text(r)}\n" for r in rows)
    return Mutated({"log.txt": "".join(lines).encode()}, whole=True)


def name(row: Row) -> str:
    return f"{row['SYSLOG_IDENTIFIER'].decode()}[{row['_PID'].decode()}]"


def without(*keys: str) -> Make:
    """JSON without some of the journal's fields."""

    def make(rows: Rows, rng: random.Random) -> Mutated:
        kept = [{k: v for k, v in row.items() if k not in keys} for row in rows]
        return Mutated({"log.json": write_carrier(kept, "json")}, whole=True)

    return make


DELAYS: dict[str, Make] = {
    "random lag": delayed(lambda r, rng: rng.random() < 0.1, 4.0),
    "journal stalls": stalls,
    "polls delayed": delayed(lambda r, rng: is_poll(r), 1.9),
    "some polls delayed": delayed(lambda r, rng: is_poll(r) and rng.random() < 0.5, 4.0),
    "logrus delayed": delayed(lambda r, rng: is_logrus(r) and rng.random() < 0.3, 2.5),
    "short": short,
    "short-precise": precise,
    "short in another zone": short_in(9),
    "short in a western zone": short_in(-7),
    "json without monotonic": without("__MONOTONIC_TIMESTAMP"),
    "json without monotonic and boot": without(
        "__MONOTONIC_TIMESTAMP", "_BOOT_ID", "INVOCATION_ID", "_SYSTEMD_INVOCATION_ID"
    ),
    "json without invocation": without("INVOCATION_ID", "_SYSTEMD_INVOCATION_ID"),
}


# --- carriers -------------------------------------------------------------------------------------------------------


def _nano(row: Row) -> str:
    return f"{at(row):%Y-%m-%dT%H:%M:%S.%f}000Z"


def docker_json(rows: Rows, rng: random.Random) -> Mutated:
    """``/var/lib/docker/containers/…-json.log``."""
    lines = (json.dumps({"log": text(r) + "\n", "stream": "stderr", "time": _nano(r)}) + "\n" for r in rows if own(r))
    return Mutated({"c-json.log": "".join(lines).encode()}, pids=False)


def cri(rows: Rows, rng: random.Random) -> Mutated:
    """A CRI log."""
    lines = (f"{_nano(r)} stderr F {part}\n" for r in rows if own(r) for part in text(r).split("\n"))
    return Mutated({"0.log": "".join(lines).encode()}, pids=False)


def docker_logs(rows: Rows, rng: random.Random) -> Mutated:
    """``docker logs -t``."""
    lines = (f"{_nano(r)} {part}\n" for r in rows if own(r) for part in text(r).split("\n"))
    return Mutated({"docker.txt": "".join(lines).encode()}, pids=False)


def cat(rows: Rows, rng: random.Random) -> Mutated:
    """``-o cat``."""
    return Mutated({"log.txt": write_carrier(rows, "cat")}, 1.0, pids=False)


def gzipped(rows: Rows, rng: random.Random) -> Mutated:
    """Compressed text."""
    return Mutated({"log.txt.gz": gzip.compress(write_carrier(rows, "iso"), 1)}, 1.0, whole=True)


def reverse(carrier: str) -> Make:
    """Newest first, as ``journalctl -r`` prints."""

    def make(rows: Rows, rng: random.Random) -> Mutated:
        if carrier == "export":
            return Mutated({"log.export": export(rows[::-1])}, whole=True)
        return Mutated({"log.txt": write_carrier(rows[::-1], carrier)}, 1.0, whole=True)

    return make


def obfuscated(rows: Rows, rng: random.Random) -> Mutated:
    """klog lines with other file names, as a fork prints."""
    out = []
    for row in rows:
        row = dict(row)
        row["MESSAGE"] = re.sub(rb"^([IWEF]\d{4} \S+\s+\d+ )[\w.]+(:\d+\])", rb"\1x\2", row["MESSAGE"])
        out.append(row)
    return Mutated({"log.export": export(out)}, whole=True)


def noisy(rows: Rows, rng: random.Random) -> Mutated:
    """Lines of other programs between, some of them about Kubernetes."""
    words = (
        ("kubectl", b"I1125 06:03:33.020255    1193 secure_serving.go:213] Serving securely on 127.0.0.1:6444"),
        ("sshd", b"Accepted publickey for root from 192.0.2.1 port 4711 ssh2"),
        ("kernel", b"eth0: link up"),
        ("dockerd", b'time="2026-11-25T06:03:33Z" level=info msg="Kube API server is now running"'),
        ("systemd", b"Starting fwupd.service - Firmware update daemon..."),
        ("audit", b"apply request took too long, connection refused"),
    )
    out: Rows = []
    for row in rows:
        out.append(row)
        if rng.random() < 0.3:
            ident, message = rng.choice(words)
            unit = b"fwupd.service" if ident == "systemd" else ident.encode() + b".service"
            pid = b"1" if ident == "systemd" else b"77"
            kept = ("__REALTIME_TIMESTAMP", "__MONOTONIC_TIMESTAMP", "_BOOT_ID", "_HOSTNAME", "_MACHINE_ID")
            other = {k: v for k, v in row.items() if k in kept}
            other |= {"SYSLOG_IDENTIFIER": ident.encode(), "_PID": pid, "MESSAGE": message}
            other["UNIT" if ident == "systemd" else "_SYSTEMD_UNIT"] = unit
            out.append(other)
    return Mutated({"log.export": export(out)}, whole=True)


def twice(rows: Rows, rng: random.Random) -> Mutated:
    """The same file twice, once as text."""
    return Mutated({"a.export": export(rows), "b.txt": write_carrier(rows, "short")}, whole=True)


def halves(rows: Rows, rng: random.Random) -> Mutated:
    """Two overlapping pieces, the later one named first."""
    middle = rng.randrange(len(rows))
    overlap = rng.randrange(0, 30)
    second = rows[max(0, middle - overlap) :]
    return Mutated({"1.export": export(second), "2.export": export(rows[: middle + 1])}, whole=True)


def short_halves(rows: Rows, rng: random.Random) -> Mutated:
    """Two pieces of text, the later one named first."""
    middle = rng.randrange(1, len(rows))
    files = {"1.txt": write_carrier(rows[middle:], "short"), "2.txt": write_carrier(rows[:middle], "short")}
    return Mutated(files, 1.0)


def one_pid(rows: Rows, rng: random.Random) -> Mutated:
    """Every run has the same pid, as in a container that writes to the journal."""
    return Mutated({"log.export": export({**r, "_PID": b"7"} if own(r) else r for r in rows)}, pids=False)


CARRIERS: dict[str, Make] = {
    "docker json": docker_json,
    "cri": cri,
    "docker logs -t": docker_logs,
    "cat": cat,
    "gzip": gzipped,
    "reversed export": reverse("export"),
    "reversed iso": reverse("iso"),
    "other file names": obfuscated,
    "noise": noisy,
    "twice": twice,
    "halves": halves,
    "short halves": short_halves,
    "one pid": one_pid,
}


# --- two recordings -------------------------------------------------------------------------------------------------


def on_host(rows: Rows, host: bytes) -> Rows:
    """The rows of another machine."""
    return [{**row, "_HOSTNAME": host, "_BOOT_ID": host.hex().encode().ljust(32, b"0")[:32]} for row in rows]


def renumbered(rows: Rows, by: int) -> Rows:
    """Other pids for the processes of k3s; klog's headers keep the old ones, nobody reads them."""
    return [{**row, "_PID": str(int(row["_PID"]) + by).encode()} if own(row) else row for row in rows]


def woven(first: Rows, second: Rows) -> Rows:
    """Both in order of time."""
    return sorted([*first, *second], key=stamp_us)


def begin_s(rows: Rows) -> int:
    """The second in which a recording begins."""
    return stamp_us(rows[0]) // 1_000_000
