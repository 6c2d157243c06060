"""What is kept of many starts, small enough for a hundred thousand of them, and what is said of the whole.

A *metric* of a start is a length in seconds of which only ``(least, most]`` is known; ``most`` is infinite where the
start never got there, or nobody knows by when. Such a start is counted like any other, never left out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    FloatArray = npt.NDArray[np.float64]
    IndexArray = npt.NDArray[np.int32]

Labels = tuple[tuple[str, str], ...]
Bounds = tuple[float, float]  # (least, most) in seconds; most may be infinite

# Goals of a start as metrics: ``ready`` is the goal ``api``.
GOAL_METRICS = {"api": "ready", "started": "started", "images": "images", "node": "node", "node_ready": "node_ready",
                "server": "server"}  # fmt: skip
CHECK = "check:"  # prefix of a check's metric: from serving until it cleared


@dataclass(frozen=True, slots=True)
class InputSpec:
    """What makes one input: a log with its rotations, a bundle, a set of journal files, one JSON report.

    ``name`` is how it is told everywhere (its first file as the user or the walk named it, credentials masked);
    ``files`` are what is read, in reading order; ``size`` in bytes and ``mtime_ns`` are those of all files together
    (sum, latest), 0 where unknown. ``labels`` are the user's own.
    """

    name: str
    files: tuple[str, ...]
    size: int = 0
    mtime_ns: int = 0
    labels: Labels = ()
    kind: Literal["log", "report"] = "log"


@dataclass(frozen=True, slots=True)
class InputRow:
    """What became of an input. ``error`` is one line for a reader, empty where all was read; ``starts`` were found.

    ``error_kind``: empty, ``unreadable`` (missing, damaged, not decodable), ``no_data`` (readable, no trace of k3s),
    ``too_long`` (the time limit), ``killed`` (it ended its worker), ``memory``.
    """

    input: str
    size: int = 0
    mtime_ns: int = 0
    starts: int = 0
    error: str = ""
    error_kind: str = ""


@dataclass(frozen=True, slots=True)
class StartRow:
    """One start, without its metrics."""

    input: str
    index: int  # in its input, from 1
    key: str
    host: str | None
    unit: str | None
    version: str | None
    kubernetes: str | None  # its minor: "1.33"
    product: str
    role: str
    outcome: str
    began_at: datetime | None
    precision_s: float  # of the timestamps its windows rest on
    end: str = "running"  # running | stopped | failed
    reason: str = ""  # why it failed, in the words of its first finding; names and numbers of one host left out
    cause: str = ""  # id of the finding that leads
    cause_words: str = ""  # its title
    findings: tuple[tuple[str, str], ...] = ()  # (id, severity)
    line: int | None = None  # behind the end of ``ready``, or of the process
    labels: Labels = ()
    pid: int | None = None  # of its process
    fresh: bool | None = None  # it made the cluster, with an empty datastore; nothing: unknown
    begin_seen: bool = True  # its beginning is in the log

    @property
    def kind(self) -> str | None:
        """``first`` of its cluster, or ``restart``."""
        return None if self.fresh is None else "first" if self.fresh else "restart"


@dataclass(frozen=True, slots=True)
class Metric:
    """A metric of many starts: the ``at``-th start of the collection took more than ``least`` and at most ``most``.

    Arrays of one length; ``at`` ascends.
    """

    at: IndexArray
    least: FloatArray
    most: FloatArray


@dataclass(frozen=True, slots=True)
class Collection:
    """Starts of any number of inputs, in the order of the inputs, each start once."""

    starts: Sequence[StartRow]
    metrics: Mapping[str, Metric]
    inputs: Sequence[InputRow]
    repeated: int = 0  # starts left out because their key was there already


# --- what is said of the whole


@dataclass(frozen=True, slots=True)
class Quantile:
    """A quantile of the empirical curve, with all windows at their lower ends and at their upper ends.

    ``max`` is ``None`` where the curve never gets there. ``lower``/``upper``: with ``--confidence`` the interval that
    also covers the chance of few hosts.
    """

    min: float
    max: float | None
    lower: float | None = None
    upper: float | None = None


@dataclass(frozen=True, slots=True)
class MetricSummary:
    """One metric of a group; ``n`` starts have it."""

    id: str
    n: int
    p50: Quantile
    p90: Quantile
    p99: Quantile


@dataclass(frozen=True, slots=True)
class Reason:
    """Why starts failed."""

    reason: str
    starts: int
    hosts: int


@dataclass(frozen=True, slots=True)
class FindingCount:
    """A finding, and how often it was met."""

    id: str
    severity: str
    starts: int
    hosts: int


@dataclass(frozen=True, slots=True)
class Group:
    """The starts that share some labels; the first group is the whole (``by`` is empty)."""

    by: Labels
    starts: int
    hosts: int
    outcomes: tuple[tuple[str, int], ...]
    metrics: tuple[MetricSummary, ...]
    reasons: tuple[Reason, ...]
    findings: tuple[FindingCount, ...]
    members: tuple[int, ...] = field(default=(), repr=False)  # places in ``Collection.starts``


@dataclass(frozen=True, slots=True)
class Slow:
    """A start that took long, with its cause; ``most`` is ``None``: it was never ready, or nobody knows by when."""

    input: str
    index: int
    host: str | None
    least: float
    most: float | None
    cause: str
    ready: bool = False  # it was, whether or not the log shows how long that took


@dataclass(frozen=True, slots=True)
class Outlier:
    """A host whose own starts lie outside what its group and the windows allow; ``why`` in words."""

    host: str
    metric: str
    why: str
    by: Labels = ()  # the group that it was compared with
    p_value: float = 0.0


@dataclass(frozen=True, slots=True)
class Fleet:
    """The summary of a collection."""

    inputs: tuple[InputRow, ...]
    starts: int
    outcomes: tuple[tuple[str, int], ...]
    groups: tuple[Group, ...]
    slowest: tuple[Slow, ...]
    outliers: tuple[Outlier, ...]
    repeated: int = 0
    confidence: float | None = None
