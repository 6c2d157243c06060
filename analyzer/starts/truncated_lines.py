"""Lines that were cut: by a pager, a terminal or ``cut -c``. What can be read of one is the beginning of its words.

A cut text is the same as any text that begins with it, as far as it can be read, and never says another thing.
"""

from __future__ import annotations

from collections.abc import Sequence

from analyzer.records.log_record import RAW_LIMIT, LogRecord

ELLIPSIS = "…"
_FEWEST = 3  # so many lines of the greatest width: something cut them there
TELLING = 12  # characters; less may be the beginning of anything


def cut_width(process: Sequence[LogRecord]) -> int | None:
    """The width at which all longer lines of a process were cut; ``None``: no such width shows."""
    most = max((len(record.raw) for record in process), default=0)
    at_edge = [record for record in process if len(record.raw) == most]
    cut = most < RAW_LIMIT and len(at_edge) >= _FEWEST and any(_open(record) for record in at_edge)
    return most if cut else None


def is_cut(record: LogRecord, width: int | None) -> bool:
    """Whether the end of a line's words is missing; ``width``: where the lines around it were cut."""
    if record.truncated:
        return _open(record)
    return not record.fields and not _closed(record) and len(record.raw) == width


def _open(record: LogRecord) -> bool:
    # A record with something glued to its front counts as truncated, too, and its words are whole.
    return record.truncated and not record.fields and (ELLIPSIS in record.message or not _closed(record))


def _closed(record: LogRecord) -> bool:
    shown = record.raw.rstrip()
    return shown.endswith(('"', "}")) and not shown.endswith('\\"')


def only_glued(record: LogRecord) -> bool:
    """Whether a logrus record counts as truncated for what is glued to its front alone: its own words are whole."""
    begin = record.raw.find('time="')
    return (
        begin > 0
        and record.ident is None
        and _closed(record)
        and ELLIPSIS not in record.raw
        and "..." not in record.raw
    )


def readable(text: str) -> str:
    """The part of a cut text in front of what was cut away."""
    return text.partition(ELLIPSIS)[0].rstrip(" .>")


def marked(text: str) -> str:
    """A cut text with the sign that it goes on."""
    return readable(text) + ELLIPSIS


def same_words(one: str, other: str) -> bool:
    """Whether two texts say the same as far as both can be read; cut ones end with ``…`` (see ``marked``)."""
    if one == other:
        return True
    shorter, longer = sorted((one, other), key=lambda text: len(readable(text)))
    if ELLIPSIS not in shorter:
        return False
    shown = readable(shorter)
    return len(shown) >= TELLING and readable(longer).startswith(shown)


def begins(text: str, whole: str, *, least: int = TELLING) -> bool:
    """Whether a cut text may be the beginning of ``whole``, or goes beyond it."""
    shown = readable(text)
    return shown.startswith(whole) or (len(shown) >= least and whole.startswith(shown))
