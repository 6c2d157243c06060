"""Secrets of every kind, as the reason of a failed start, are in no format of its report."""

from __future__ import annotations

import io
import json
from dataclasses import replace

import pytest

import analyzer
from analyzer.collection.model import InputRow, Outlier
from analyzer.comparison.model import Compared, DesignNote, History, OneSided
from analyzer.reports import comparison_anonymize
from analyzer.reports.fleet_anonymize import anonymized
from tests.events.test_secret_kinds import KINDS, SECRET
from tests.kit import made_comparison, made_fleets
from tests.kit.every_format import every_comparison_format, every_fleet_format, everything


def crash_loop(reasons: list[str]) -> str:
    rows = []
    for number, reason in enumerate(reasons):
        at = f"{6 + number // 60:02d}:{number % 60:02d}"
        stamp, pid = f"2026-03-01T{at}", 1000 + number
        for second, level, words in ((1, "info", "Starting k3s v1.32.4+k3s1 (6b330558)"), (3, "fatal", reason)):
            said = f'time="{stamp}:{second:02d}Z" level={level} msg={json.dumps(words)}'
            rows.append(f"Mar 01 {at}:{second:02d}.000000 node-a k3s[{pid}]: {said}")
        ended = "k3s.service: Main process exited, code=exited, status=1/FAILURE"
        rows.append(f"Mar 01 {at}:04.000000 node-a systemd[1]: {ended}")
    return "\n".join(rows) + "\n"


@pytest.mark.long
def test_no_format_shows_one() -> None:
    kinds = KINDS[::4]  # all are tried on the rules themselves
    text = crash_loop([f"cannot start: {kind % SECRET}" for kind in kinds])
    log = analyzer.load(stdin=io.BytesIO(text.encode()))
    found = analyzer.analyze(log)
    assert len(found) == len(kinds)
    assert sum("***" in (start.outcome_reason or "") for start in found) > 0.9 * len(kinds)
    for report in (found.report, found.anonymized(log).report):
        for name, made in everything(report).items():
            assert SECRET not in made, (name, made[made.index(SECRET) - 200 :][:300])


def test_no_format_of_many_starts_shows_one() -> None:
    """Whoever put it there: a log into a reason, a user into a label, a path or a URL."""
    kinds = [kind % SECRET for kind in KINDS[::4]]
    large = made_fleets.large()
    rows = [
        replace(row, reason=kind, cause=kind, labels=(("note", kind), ("token", SECRET)))
        for row, kind in zip(large.collection.starts, kinds, strict=False)
    ]
    urls = [f"s3://user:{SECRET}@bucket/node.gz", f"https://h.example/x?X-Amz-Signature={SECRET}&n=1"]
    inputs = [InputRow(url, 1, 1, 0, f"{url}: {kind}", "unreadable") for url in urls for kind in kinds[:3]]
    outliers = [Outlier("node-1", "ready", f"its log says: {kind}", (("note", kind),)) for kind in kinds]
    report = made_fleets.report(
        rows,
        [(1.0 + at, 2.0 + at) for at in range(len(rows))],
        by=lambda row: row.labels,
        inputs=inputs,
        outliers=outliers,
    )
    for one in (report, anonymized(report)):
        for name, made in every_fleet_format(one).items():
            assert "***" in made, name
            joined = "".join(made.split())  # a text breaks lines within long words
            assert SECRET not in joined, (name, joined[joined.index(SECRET) - 200 :][:300])


@pytest.mark.long
def test_no_format_of_a_comparison_or_a_history_shows_one() -> None:
    """Whoever put it there: a log into a reason, a user into a label, a path or the name of a host."""
    kinds = [kind % SECRET for kind in KINDS[::4]]
    urls = [f"s3://user:{SECRET}@bucket/old.gz", f"https://h.example/x?X-Amz-Signature={SECRET}&n=1"]
    made, trend = made_comparison.slower(), made_comparison.trend()
    rows = [
        replace(row, reason=kind, cause=kind, cause_words=kind, labels=(("note", kind), ("token", SECRET)))
        for row, kind in zip(made.new.starts, kinds, strict=False)
    ]
    new = replace(made.new, starts=(*rows, *made.new.starts[len(rows) :]))
    for at, kind in enumerate(kinds):
        one = replace(made.comparison, new=replace(made.comparison.new, label=f"token={SECRET}"))
        one = replace(
            one,
            base=replace(one.base, label=urls[at % 2], versions=(kind,)),
            metrics=(*one.metrics[:2], replace(one.metrics[1], id=kind)),
            only_base=(OneSided("reason", kind, 1), OneSided("check", kind, 1)),
            only_new=(OneSided("phase", kind, 1),),
            design=(DesignNote("x", f"The hosts differ: {kind}"),),
        )
        compared = Compared(one, made.base, new)
        by = (("note", kind), ("token", SECRET))
        points = tuple(replace(point, by=by, side=one.base) for point in trend.points[:2])
        change = replace(
            made_comparison.change(kind, one, 0.1, (kind,)), before=f"{urls[0]}:1", after=f"{urls[1]}:2", metric=kind
        )
        history = History(("note",), "ready", points, (compared,), (change,))
        subjects: tuple[Compared | History, ...] = (compared, history)
        for subject in (*subjects, *map(comparison_anonymize.anonymized, subjects)):
            for name, shown in every_comparison_format(subject).items():
                joined = "".join(shown.split())
                assert SECRET not in joined, (name, joined[joined.index(SECRET) - 200 :][:300])
