"""Recorded starts of real servers with the truth seen from outside, in a compact form.

``digest_folder`` reads a folder of recordings (``NAME.truth.json`` beside ``NAME.export.gz``; sub-folders too) and
keeps, per start that became ready, what a replay needs. The digest of our own 190 recorded starts is package data
(``data/recorded-starts.json``), so that every number of
docs/simulator-appendix.md can be computed again from this tree.

All times are seconds since the process was executed; windows are ``(lower, upper]`` pairs.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from analyzer.errors import BadInputError

NEW_ERA = ("v1.32.4", "v1.34.1", "v1.35.0")


@dataclass(frozen=True, slots=True)
class RecordedStart:
    """One recorded start that became ready and was noticed.

    ``cpu_pct``: CPU limit in percent of one core. ``first_poll``: stamp of the first poll line (new era) or of the
    first ``Waiting for API server to become available`` (old era), ``None`` when neither was printed. ``answered``:
    window of the first check list. ``checks``: last flip to ok before ready of every check that was seen failing.
    ``polls``: (stamp, ``503`` | ``403`` | ``list``) of printed polls. ``disturbed``: the recorder froze the process
    or changed its limit during the start, so that ``cpu_pct`` does not describe it.
    """

    name: str
    n: int
    k3s: str
    cpu_pct: int
    disturbed: bool
    first_poll: float | None
    waits: tuple[float, ...]
    serving: float | None
    answered: tuple[float, float]
    ready: tuple[float, float]
    detected: float
    cpu_s_at_ready: float | None
    checks: Mapping[str, tuple[float, float]]
    polls: tuple[tuple[float, str], ...]

    @property
    def label(self) -> str:
        """Recording and number of the start in it."""
        return f"{self.name}#{self.n}"

    @property
    def poller(self) -> str:
        """``shared-2s`` or ``legacy-4x1s``."""
        return "shared-2s" if self.k3s.split("+")[0] in NEW_ERA else "legacy-4x1s"

    @property
    def fresh(self) -> bool:
        """First start of its recording: a new datastore."""
        return self.n == 0

    @property
    def share(self) -> float:
        """CPU limit in cores."""
        return self.cpu_pct / 100.0


def _export_lines(path: Path) -> Iterator[tuple[str, float, str]]:
    """(pid, seconds since 1970, message) of every text entry of a Journal Export file."""
    for text in gzip.decompress(path.read_bytes()).split(b"\n\n"):
        entry = dict(line.split(b"=", 1) for line in text.split(b"\n") if b"=" in line)
        if b"__REALTIME_TIMESTAMP" in entry:
            yield (
                entry.get(b"_PID", b"").decode("ascii", "replace"),
                int(entry[b"__REALTIME_TIMESTAMP"]) / 1e6,
                entry.get(b"MESSAGE", b"").decode("utf-8", "replace"),
            )


def _kind(message: str) -> str:
    if "[-]" in message or "[+]" in message:
        return "list"
    if message.rstrip().rstrip('"').endswith("unknown"):
        return "403"
    return "503"


def digest_start(name: str, k3s: str, start: Mapping[str, Any], lines: Sequence[tuple[float, str]]) -> RecordedStart:
    """One start of a truth file, with its own log lines ``(seconds since 1970, message)``."""
    origin = start["exec_rt"] / 1e6
    detected = start["detected_line_rt"] / 1e6 - origin

    def window(flip: Mapping[str, Any]) -> tuple[float, float]:
        return round(flip["after"] / 1e6 - origin, 3), round(flip["by"] / 1e6 - origin, 3)

    flips = [f for f in start["ready"] if f["to"] == "ready" and f["after"] <= start["detected_line_rt"]]
    ready = window(flips[-1])
    checks: dict[str, tuple[float, float]] = {}
    for check, moves in start["checks"].items():
        good = [m for m in moves if m["to"] == "ok" and m["by"] <= flips[-1]["by"] and not m.get("first_seen")]
        if good and any(m["to"] == "failing" for m in moves):
            checks[check] = window(good[-1])
    before = [(at - origin, text) for at, text in lines if at - origin <= detected + 0.001]
    waits = tuple(round(at, 3) for at, text in before if text.rstrip('"').endswith("API server to become available"))
    serving = [at for at, text in before if "Serving securely on" in text]
    answers = [(at, text) for at, text in before if "GET /readyz failed: " in text and "status unchanged" not in text]
    polls = tuple((round(at, 3), _kind(text)) for at, text in answers)
    first = polls[0][0] if polls else waits[0] if waits else None
    return RecordedStart(
        name=name,
        n=start["n"],
        k3s=k3s,
        cpu_pct=int(start["cpu_pct"]),
        disturbed=any(action["rt"] / 1e6 - origin < detected for action in start["harness_actions"]),
        first_poll=first,
        waits=waits,
        serving=round(serving[0], 3) if serving else None,
        answered=(round(start["answered"][0] / 1e6 - origin, 3), round(start["answered"][1] / 1e6 - origin, 3)),
        ready=ready,
        detected=round(detected, 3),
        cpu_s_at_ready=start.get("cpu_s_at_ready"),
        checks=checks,
        polls=polls,
    )


def digest_folder(folder: Path) -> tuple[RecordedStart, ...]:
    """Every start below ``folder`` that became ready and was noticed.

    Raises ``BadInputError`` when there is no truth file or one cannot be read.
    """
    found: list[RecordedStart] = []
    paths = sorted(folder.rglob("*.truth.json"))
    if not paths:
        raise BadInputError(f"no *.truth.json below {folder}", hint="Give a folder of recordings or a digest file.")
    for path in paths:
        try:
            truth = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise BadInputError(f"{path}: {error}") from error
        export = path.with_name(path.name.replace(".truth.json", ".export.gz"))
        lines = list(_export_lines(export)) if export.exists() else []
        for start in truth["starts"]:
            if start.get("outcome") != "ready" or not start.get("ready") or not start.get("detected_line_rt"):
                continue
            own = [(at, text) for pid, at, text in lines if pid == str(start["pid"])]
            found.append(digest_start(truth["name"], truth["k3s"], start, own))
    return tuple(found)


def _from_json(row: Mapping[str, Any]) -> RecordedStart:
    return RecordedStart(
        **{
            **row,
            "waits": tuple(row["waits"]),
            "answered": tuple(row["answered"]),
            "ready": tuple(row["ready"]),
            "checks": {name: (w[0], w[1]) for name, w in row["checks"].items()},
            "polls": tuple((at, kind) for at, kind in row["polls"]),
        }
    )


def to_json(starts: Sequence[RecordedStart]) -> str:
    """The digest: one start a line, stable bytes."""
    rows = ",\n".join(json.dumps(asdict(s), sort_keys=True, separators=(",", ":")) for s in starts)
    return f'{{"schema": "k3slog.recorded-starts", "schema_version": 1, "starts": [\n{rows}\n]}}\n'


def load(path: Path | None = None) -> tuple[RecordedStart, ...]:
    """Starts of a folder of recordings, of a digest file, or (``None``) of the packaged digest."""
    if path is not None and path.is_dir():
        return digest_folder(path)
    try:
        if path is None:
            packaged = resources.files("analyzer.simulator") / "data" / "recorded-starts.json"
            text = packaged.read_text(encoding="utf-8")
        else:
            text = path.read_text(encoding="utf-8")
        return tuple(_from_json(row) for row in json.loads(text)["starts"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BadInputError(f"{path}: not a digest of recorded starts ({error})") from error
