"""Texts of chosen lines: what grep, a pasted selection or a filter by level leave of a process's log."""

from __future__ import annotations

import re
from collections.abc import Sequence

from analyzer.events.event import PollLine, PollUnchanged
from analyzer.records.log_record import LogRecord, Payload
from analyzer.starts.missing_lines import lines_are_missing
from analyzer.starts.start import Start

_MANY_LOUD = 8  # so many lines, all of them warnings or worse: a filter kept only those
_FEW_LOUD = 3  # … of a server with its components, which say hundreds of everyday things
_LOOKED_AT = 400  # lines of a process in which a common word is looked for
_SHAPE, _SHAPES = 20, 4  # so many of them must begin differently, in so many characters
_WORD_IN = 200  # characters of the shortest of them
_EVERYDAY = 3  # so many other lines of k3s between the polls: a filter by writer at most, which keeps all polls
# Before a report says that lines were chosen, so many must share a word, or be warnings; a caution needs less.
_CERTAIN, _CERTAIN_LOUD = 6, 8
_SPAN_US = 5_000_000  # … over so long: within seconds one part of the program writes many lines that are alike
# What people search for with alternatives; of whole logs no part that lasts has nothing but such lines.
_SEARCHED = tuple(
    re.compile(words, re.IGNORECASE)
    for words in (
        r"error|fail|fatal|panic|warn|time(?:d )?out|refused|denied|unable|cannot|invalid|(?:^|[ :])[EWF]\d{4} ",
        r"shut|stop|exit|kill|signal|terminat|cancel",
    )
)
_SEARCHED_LINES = 8
_BESIDE = 12  # lines over seconds in which checks are listed: an API server that begins to serve writes far more
_PATH = re.compile(r"(?<![^\s/])[^\s/]*/\S*")
_LATER = ("serving_securely", "apiserver_requested", "apiserver_version", "api_running", "containerd_ready")


def is_filtered(start: Start, *, whole: bool = True) -> bool:
    """Whether somebody chose the lines of a start: of any kind of line there may have been more.

    ``whole``: the fast scan passed none of its lines over, so that what is missing is missing in the text.

    An API server that starts prints dozens of lines of klog in the seconds in which it is asked, so a server of k3s
    that says nothing at all beside its polls was filtered by a word. A poll that was answered otherwise may be missing
    between any two then.
    """
    if (whole and lines_are_missing(start)) or _chosen_by_a_word(start) or _chosen_by_words(start):
        return True
    told = [record for record in start.process if record.payload in (Payload.LOGRUS, Payload.KLOG)]
    polls = [event.record for event in start.events if isinstance(event, PollLine | PollUnchanged)]
    late = polls or [mark.record for mark in start.marks(*_LATER)]
    if _without_its_first_words(start, late):
        return True
    if _too_few(start):
        return True
    asked = {id(record) for record in polls}
    beside = [record for record in told if id(record) not in asked]
    if len(beside) >= (_FEW_LOUD if polls else _MANY_LOUD) and not _quiet(beside):
        return True
    if start.product != "k3s" or start.role == "agent":
        return False
    klog = [record for record in told if record.payload is Payload.KLOG]
    if klog and not _quiet(beside) and (polls or len(beside) >= _FEW_LOUD):
        return True
    if not polls or (_whole(start) and _quiet(told)):
        return False
    running = start.first("api_running")
    end = running.record if running is not None else polls[-1]
    inside = [record for record in start.process if polls[0].seq <= record.seq <= end.seq]
    known = {record.seq for record in (*polls, end)}
    others = sum(record.seq not in known for record in inside)
    return len(inside) > 1 and (others == 0 or (not klog and others < _EVERYDAY))


def is_chosen(start: Start, *, whole: bool = True) -> bool:
    """Whether a report may say that lines of a filtered start were chosen: no part of a text taken as it stands is so.

    ``whole``: as of ``is_filtered``.
    """
    if not start.filtered:
        return False
    late = [event.record for event in start.events if isinstance(event, PollLine | PollUnchanged)]
    late += [mark.record for mark in start.marks(*_LATER)]
    if (whole and lines_are_missing(start)) or _without_its_first_words(start, late):
        return True
    told = [record for record in start.process if record.payload in (Payload.LOGRUS, Payload.KLOG)]
    return (only_loud(told) or _all_share_a_word(start)) and _lasts(told)


def only_loud(records: Sequence[LogRecord]) -> bool:
    """Whether all of many lines are warnings or worse, and not one trouble that is said again and again."""
    different = {record.message[:_SHAPE] for record in records}
    return len(records) >= _CERTAIN_LOUD and len(different) >= _SHAPES and not _quiet(records)


def _all_share_a_word(start: Start) -> bool:
    """Whether many lines share a word that is none of a path."""
    texts = [_PATH.sub(" ", text) for text in _texts(start)]
    return len(texts) >= _CERTAIN and _share_a_word(texts)


def _lasts(records: Sequence[LogRecord]) -> bool:
    moments = [at.us for record in records if (at := record.at or record.inner_at) is not None]
    return bool(moments) and max(moments) - min(moments) >= _SPAN_US


def _without_its_first_words(start: Start, late: Sequence[LogRecord]) -> bool:
    """Whether systemd began it and it got further, but what it always says first is missing."""
    return start.begin_seen and bool(late) and start.first("starting", "extracting") is None


def _too_few(start: Start) -> bool:
    """Whether a part of a text in which checks are listed has fewer lines than a server writes in such a time."""
    if start.begin_seen or start.product == "rke2" or start.role == "agent":
        return False
    lists = [
        event.record for event in start.events if isinstance(event, PollLine) and event.error.error == "readyz_failing"
    ]
    if not lists:
        return False
    stop = start.first("stop_signal", "systemd_stopping")  # what it says on its way out comes after all that
    until = stop.record.seq if stop is not None else start.process[-1].seq
    beside = sum(record.seq <= until for record in start.process) - len(lists)
    return beside < _BESIDE and (stop is not None or _lasts(start.process))


def _chosen_by_a_word(start: Start) -> bool:
    """Whether all lines of a process share a word, as ``grep`` leaves them."""
    return _share_a_word(_texts(start))


def _chosen_by_words(start: Start) -> bool:
    """Whether every line has one of the words that people search for together, as ``grep -E 'error|fail'`` leaves."""
    lines = [" ".join((record.raw, record.message)) for record in start.process[:_LOOKED_AT] if record.message]
    if len({record.message[:_SHAPE] for record in start.process[:_LOOKED_AT]}) < _SEARCHED_LINES:
        return False
    return any(all(words.search(line) for line in lines) for words in _SEARCHED) and _lasts(start.process)


def _texts(start: Start) -> list[str]:
    """What its lines say, without lists of checks."""
    read = (record for record in start.process[:_LOOKED_AT] if record.message)
    lines = (" ".join((record.message, *record.fields.values())).lower() for record in read)
    return [text for text in lines if not text.startswith(("[-]", "[+]")) and "check failed" not in text]


def _share_a_word(texts: Sequence[str]) -> bool:
    if len({text[:_SHAPE] for text in texts}) < _SHAPES:
        return False  # a wait that is repeated, a list of checks
    shortest = min(texts, key=len)[:_WORD_IN]
    letters = 4 if len(texts) > _SHAPES else 5
    pieces = {shortest[i : i + letters] for i in range(len(shortest) - letters + 1)}
    words = {piece for piece in pieces if piece.isalpha()}
    return any(all(word in text for text in texts) for word in words)


def _whole(start: Start) -> bool:
    """Whether a short text has all that frames a start: the words that chose its lines were not those of some polls."""
    frame = ("systemd_starting", "starting", "api_running", "k3s_running", "systemd_started")
    return all(start.first(mark) is not None for mark in frame)


def _quiet(records: Sequence[LogRecord]) -> bool:
    """Whether some of the lines are of an everyday level."""
    return any(record.level in ("", "info", "debug", "trace") for record in records)
