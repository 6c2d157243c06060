"""Comparisons and histories with every secret masked, whoever put it there: a log, a label, a path, a URL.

What was read is masked where it is read; labels, the names of inputs and of checks may hold anything. The single starts
are masked by what shows them (``fleet_rows.shown``).
"""

from __future__ import annotations

from dataclasses import replace

from analyzer.comparison.model import Change, Compared, Comparison, DesignNote, History, OneSided, Side
from analyzer.events.redaction import mask_secrets
from analyzer.reports.fleet_report import masked_labels


def masked(compared: Compared) -> Compared:
    """``compared`` without secrets in what is said of the two sides."""
    return replace(compared, comparison=masked_comparison(compared.comparison))


def masked_history(history: History) -> History:
    """The same of a history."""
    return replace(
        history,
        by=tuple(map(mask_secrets, history.by)),
        goal=None if history.goal is None else mask_secrets(history.goal),
        points=tuple(replace(point, by=masked_labels(point.by), side=_side(point.side)) for point in history.points),
        steps=tuple(masked(step) for step in history.steps),
        changes=tuple(_change(change) for change in history.changes),
    )


def masked_comparison(comparison: Comparison) -> Comparison:
    """The same of a comparison alone."""
    return replace(
        comparison,
        base=_side(comparison.base),
        new=_side(comparison.new),
        goal=None if comparison.goal is None else mask_secrets(comparison.goal),
        metrics=tuple(replace(metric, id=mask_secrets(metric.id)) for metric in comparison.metrics),
        only_base=tuple(map(_alone, comparison.only_base)),
        only_new=tuple(map(_alone, comparison.only_new)),
        design=tuple(map(_note, comparison.design)),
    )


def _side(side: Side) -> Side:
    """A label is often a condition as it was given (``token=x``)."""
    return replace(side, label=mask_secrets(side.label), versions=tuple(map(mask_secrets, side.versions)))


def _alone(one: OneSided) -> OneSided:
    return replace(one, name=mask_secrets(one.name))


def _note(note: DesignNote) -> DesignNote:
    return replace(note, sentence=mask_secrets(note.sentence))


def _change(change: Change) -> Change:
    return replace(
        change,
        host=mask_secrets(change.host),
        metric=mask_secrets(change.metric),
        before=mask_secrets(change.before),
        after=mask_secrets(change.after),
        comparison=masked_comparison(change.comparison),
        changed=tuple(map(mask_secrets, change.changed)),
    )
