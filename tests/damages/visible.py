"""What a damaged text still shows of every recorded start, and what is true of it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from tests.damages.damages import JOURNAL, Damaged, Part
from tests.kit.mutations import is_poll, own, stamp_us, text
from tests.kit.score_recorded import Flip, Truth

US = 1_000_000
_BANNER = re.compile(r'msg="Starting (?:k3s|rke2)(?: agent)? v\d')
_KLOG = re.compile(r"^[IWEF]\d{4} [\d:.]+ +\d+ ")
_STOPPING = re.compile(r"[Ss]ignal received|watch channel closed|context canceled|graceful shutdown|[Ss]hutting down")
_SHUTDOWN_US = 30 * US  # a stop takes no longer than this
_LAST_WORDS_US = 3 * US  # a process may say why it ends this long before it does


@dataclass(frozen=True)
class Visible:
    """What a text shows of one true start, and when it really happened."""

    part: Part
    number: int
    rows: tuple[int, ...]  # rows in the text, in the order of the recording
    whole: bool
    announced: bool
    cut: bool
    texts: int  # different poll lines, by their words
    later_seen: bool  # the text has a later start of the same machine
    bounded_us: int | None  # the last line before its begin that the text has

    @property
    def truth(self) -> Truth:
        """What the watcher saw of the start."""
        told: Truth = self.part.truth["starts"][self.number]
        return told

    @cached_property
    def last_us(self) -> int:
        """When the last line that the text has of it came."""
        return max(stamp_us(self.part.rows[i]) for i in self.rows)

    @cached_property
    def ends_from_us(self) -> int:
        """From when lines may speak of its end."""
        stops = [stamp_us(self.part.rows[i]) for i in self.part.rows_of(self.number) if self._asks_to_stop(i)]
        asked = [a["rt"] for a in self.truth["harness_actions"] if a["do"] in ("term", "kill")]
        return int(min([self.truth["end_rt"] - _LAST_WORDS_US, *stops, *asked]))

    def _asks_to_stop(self, index: int) -> bool:
        row = self.part.rows[index]
        if not own(row):
            return text(row).startswith("Stopping ")
        return self.truth["end_rt"] - stamp_us(row) < _SHUTDOWN_US and bool(_STOPPING.search(text(row)))

    @property
    def fatal_unexplained(self) -> bool:
        """Whether it ended in a fatal line after a stop that none of its own lines speaks of."""
        mine = [i for i in self.part.rows_of(self.number) if own(self.part.rows[i])]
        return self.truth["returncode"] != 0 and not any(self._asks_to_stop(i) for i in mine)

    @property
    def end_kinds(self) -> set[str]:
        """What became of the process."""
        asked = any(action["do"] == "term" for action in self.truth["harness_actions"])
        return {"stopped"} if asked or self.truth["ended"] == "by harness" else {"failed"}

    @property
    def end_seen(self) -> bool:
        """Whether the text goes on until the end, or beyond it with a later start of the same machine."""
        return self.last_us >= self.ends_from_us or self.later_seen

    @cached_property
    def begin_seen(self) -> bool:
        """Whether the text has the line with which it began, or an earlier start's line bounds the begin."""
        mine = self.part.rows_of(self.number)
        first = next((i for i in mine if own(self.part.rows[i])), mine[0])
        banner = [i for i in mine if _BANNER.search(text(self.part.rows[i]))]
        begins = {first, *mine[:1], *banner}
        return bool(begins & set(self.rows))

    @cached_property
    def poll_rows(self) -> set[int]:
        """Its printed polls in the recording."""
        rows = self.part.rows
        return {i for i in self.part.rows_of(self.number) if is_poll(rows[i]) and "unchanged" not in text(rows[i])}

    @property
    def polls_lost_unseen(self) -> bool:
        """Whether polls are missing between its lines without a word."""
        if self.announced or not self.rows:
            return False
        return any(self.rows[0] < i < self.rows[-1] for i in self.poll_rows - set(self.rows))


def visible_starts(made: Damaged) -> dict[tuple[int, int], Visible]:
    """Every true start that the text has a line of, by part and number."""
    rows: dict[tuple[int, int], set[int]] = {}
    polls: dict[tuple[int, int], set[bytes]] = {}
    for line in made.lines:
        if line.row is None or not line.data.strip():
            continue
        part = made.parts[line.part]
        key = line.part, part.owners[line.row]
        rows.setdefault(key, set()).add(line.row)
        if b"Polling for API server readiness" in line.data and b"unchanged" not in line.data:
            polls.setdefault(key, set()).add(line.data)
    found = {}
    for (p, n), indices in sorted(rows.items()):
        before = [stamp_us(made.parts[p].rows[max(rows[key])]) for key in rows if key[0] == p and key[1] < n]
        found[p, n] = Visible(
            made.parts[p],
            n,
            tuple(sorted(indices)),
            made.whole,
            made.announced,
            made.cut,
            len(polls.get((p, n), ())),
            later_seen=any(key[0] == p and key[1] > n for key in rows),
            bounded_us=max(before, default=None),
        )
    return found


def told_apart(made: Damaged, starts: list[Visible]) -> bool:
    """Whether something in the text tells these runs apart: a pid, klog's own, or a banner of all but the first."""
    if made.carrier in JOURNAL:
        return True
    if made.cut:
        return False

    def said(seen: Visible, test: Callable[[str], object]) -> bool:
        return any(test(text(seen.part.rows[i])) for i in seen.rows)

    banners = [said(seen, _BANNER.search) for seen in starts]
    return sum(banners) >= len(starts) - 1 or all(said(seen, _KLOG.match) for seen in starts)


def goal_flip(truth: Truth) -> tuple[float, float] | None:
    """When the goal of ``--fail-over`` was reached: an agent's is its node."""
    if "registered" in truth:
        registered = truth["registered"]
        if registered is None and truth["outcome"] == "ready":  # the node was there from an earlier run
            return truth["exec_rt"], truth["detected_line_rt"]
        return (registered[0], registered[1]) if registered and registered[0] < truth["end_rt"] else None
    turn = turn_of(truth)
    return (turn["after"], turn["by"]) if turn else None


def turn_of(truth: Truth) -> Flip | None:
    seen = truth["detected_line_rt"]
    turns = [f for f in truth["ready"] if f["to"] == "ready" and (seen is None or f["after"] <= seen)]
    return turns[-1] if turns else None
