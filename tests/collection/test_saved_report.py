from __future__ import annotations

import copy
import io
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

import analyzer
from analyzer.analysis.start_key import start_key
from analyzer.api import Analysis, load_report
from analyzer.collection import saved_report
from analyzer.errors import BadInputError, NoDataError
from analyzer.reports import json_report
from analyzer.reports.anonymize import anonymize
from analyzer.reports.format import Options
from analyzer.results import Report
from analyzer.testing import generate, random_scenario
from tests.analysis.test_clusters import late_server
from tests.kit import many_hosts
from tests.kit.effort import calls
from tests.kit.frame_schema import validate
from tests.kit.made_reports import crash_loop, failed_start, fragment, hostile_start, ready_start, report_of

ROOT = Path(__file__).resolve().parents[2]
LOGS = sorted(
    path
    for folder in ("sample_logs", "sample_logs/ab", "sample_logs/recorded", "tests/data/recorded")
    for path in (ROOT / folder).glob("*")
    if path.is_file() and ".truth." not in path.name and path.suffix != ".md"
)
CLUSTERS = sorted(ROOT.glob("tests/data/recorded-clusters/*.gz"))
MADE = {
    "empty": report_of(),
    "ready": report_of(ready_start()),
    "mixed": report_of(ready_start(), fragment(index=2), replace(hostile_start(), index=3)),
    "failed": report_of(failed_start()),
    "loop": crash_loop(4),
    "many": crash_loop(60),
}


def told(report: Report, options: Options | None = None) -> str:
    return json_report.render(report, options or Options())


def assert_comes_back(report: Report) -> None:
    text = told(report)
    assert told(load_report(json.loads(text))) == text


# ---------------------------------------------------------------- the law


@pytest.mark.parametrize("name", MADE)
def test_what_was_written_is_written_again(name: str) -> None:
    assert_comes_back(MADE[name])


@pytest.mark.parametrize("path", LOGS[::6], ids=lambda path: path.name)
def test_a_report_on_a_log_comes_back_as_it_was(path: Path) -> None:
    assert_comes_back(analyzer.analyze(analyzer.load(path)).report)


@pytest.mark.slow
@pytest.mark.parametrize("path", LOGS + CLUSTERS, ids=lambda path: path.name)
def test_every_report_on_a_log_comes_back_as_it_was(path: Path) -> None:
    assert_comes_back(analyzer.analyze(analyzer.load(path)).report)


def assert_a_generated_one_comes_back(seed: int) -> None:
    journal = generate(random_scenario(seed), seed)
    try:
        log = analyzer.load(stdin=io.BytesIO(journal.render(("export", "short", "json")[seed % 3])))
        report = analyzer.analyze(log).report
    except NoDataError:
        pytest.fail(f"seed {seed}: nothing found")
    assert_comes_back(report)


@pytest.mark.parametrize("seed", range(6))
def test_a_report_on_a_generated_journal_comes_back(seed: int) -> None:
    assert_a_generated_one_comes_back(seed)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(6, 120))
def test_reports_on_many_generated_journals_come_back(seed: int) -> None:
    assert_a_generated_one_comes_back(seed)


def test_clusters_and_episodes_come_back_and_are_in_the_tables(tmp_path: Path) -> None:
    report = many_hosts.report_of(tmp_path, late_server(0.4))
    assert_comes_back(report)
    back = load_report(json.loads(told(report)))
    assert back.told is not None and len(back.told.clusters) == 1
    assert len(Analysis(back).clusters()) == len(Analysis(report).clusters()) > 0
    assert Analysis(back).answer().verdict == Analysis(report).answer().verdict


def test_a_report_on_one_start_of_several_comes_back_and_has_tables(tmp_path: Path) -> None:
    report = many_hosts.report_of(tmp_path, late_server(0.4))
    text = told(report, Options(start="1"))
    back = load_report(json.loads(text))
    assert told(back) == text
    for name in ("clusters", "episodes", "starts"):
        validate(getattr(Analysis(back), name)(), name)


def test_the_key_of_a_start_without_host_and_date_is_kept() -> None:
    nameless = replace(ready_start(), host=None, began_at=None, boot_id=None, invocation_id=None)
    [start] = load_report(json.loads(told(report_of(nameless)))).starts
    assert start_key(start) == start_key(nameless)


def test_without_what_was_told_it_is_worked_out_again() -> None:
    data = json.loads(told(report_of(ready_start())))
    whole = told(load_report(data))
    for start in data["starts"]:
        del start["key"], start["chain"]
    del data["episodes"], data["clusters"]
    assert json.loads(told(load_report(data))).keys() == json.loads(whole).keys()
    assert load_report(data).starts[0].told is None


def test_tables_of_a_report_read_back() -> None:
    made = Analysis(load_report(json.loads(told(MADE["mixed"]))))
    for name in ("starts", "checks", "phases", "polls", "findings", "goals", "milestones", "gaps", "timeline"):
        validate(getattr(made, name)(), name)
    assert list(made.starts()["key"]) == [start_key(start) for start in MADE["mixed"].starts]
    assert made.report.starts[0].site.product == MADE["mixed"].starts[0].product


def test_names_in_what_was_told_are_replaced_as_well(tmp_path: Path) -> None:
    report = many_hosts.report_of(tmp_path, late_server(0.4))
    hosts = {start.host for start in report.starts if start.host}
    shown = told(anonymize(load_report(json.loads(told(report)))))
    assert hosts and not any(f'"{host}"' in shown or f'"{host}/' in shown for host in hosts)


def test_two_reports_read_back_merge_like_any_others() -> None:
    from analyzer.pipeline import merged

    back = load_report(json.loads(told(MADE["ready"])))
    both = merged([back, back])
    assert [start.index for start in both.starts] == [1, 2] and both.told is None
    assert json.loads(told(both))["starts"][1]["chain"] is not None


# ---------------------------------------------------------------- where it comes from


def test_it_is_read_from_a_path_a_stream_and_an_object(tmp_path: Path) -> None:
    text = told(MADE["ready"])
    path = tmp_path / "report.json"
    path.write_text(text)
    sources: list[Any] = [path, str(path), io.BytesIO(text.encode()), io.StringIO(text), json.loads(text)]
    sources.append(io.BytesIO(b"\xef\xbb\xbf" + text.encode()))
    assert {told(load_report(source)) for source in sources} == {text}
    assert analyzer.load_report is load_report
    assert saved_report.looks_like(text.encode()[:200]) and not saved_report.looks_like(b'{"MESSAGE": "k3slog"}')


def said(source: Any, **options: Any) -> str:
    with pytest.raises(BadInputError) as caught:
        saved_report.load_report(source, **options)
    line = caught.value.one_line()
    assert "\n" not in line and line.isprintable() and len(line) < 400
    return line


def test_what_cannot_be_read_is_named(tmp_path: Path) -> None:
    assert "No such file" in said(tmp_path / "missing.json")
    assert "directory" in said(tmp_path)
    assert "null byte" in said("a\0b")
    assert "is larger than" in said(io.BytesIO(b" " * 2_000_001), limit_bytes=2_000_000)
    name = tmp_path / "s3:__key:token=hunter2hunter2@x.json"
    name.write_text("{")
    assert "line 1, column 2" in said(name)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (b"", "not JSON"),
        (b"[]", "the whole is not an object"),
        (b"null", "the whole is not an object"),
        (b"\xff\xfe\x00\xd8", "not JSON"),
        (b"[" * 200_000, "nested too deeply"),
        (b'{"a":' * 200_000, "nested too deeply"),
        (b'{"schema": NaN}', "not JSON"),
        (b'{"schema_version": ' + b"9" * 10_000 + b"}", "not JSON"),
        (b'{"schema": "k3slog.fleet", "schema_version": 1}', 'schema is "k3slog.fleet", not k3slog.report'),
        (b'{"schema": "\\u001b[31m\\n", "schema_version": 1}', "schema is"),
        (b'{"schema_version": 1}', "schema is missing"),
        (b'{"schema": "k3slog.report", "schema_version": 2}', "schema_version is 2; this program reads version 1"),
        (b'{"schema": "k3slog.report", "schema_version": true}', "schema_version is missing or not a number"),
        (b'{"schema": "k3slog.report", "schema_version": 1}', "sources is missing"),
    ],
)  # fmt: skip
def test_what_is_no_report_is_refused_with_the_reason(text: bytes, why: str) -> None:
    assert why in said(io.BytesIO(text))


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (lambda s: s.update(polls=None), "starts[0].polls is not a list"),
        (lambda s: s.pop("outcome"), "starts[0].outcome is missing"),
        (lambda s: s.update(outcome="fine"), "starts[0].outcome is not one of"),
        (lambda s: s["checks"][1]["cleared"].update(lower="3"), "starts[0].checks[1].cleared.lower is not a number"),
        (lambda s: s["checks"][1]["cleared"].update(lower=1e300), "starts[0].checks[1].cleared.lower is not a number"),
        (lambda s: s["ready"].update(lower_kind=["none"]), "starts[0].ready.lower_kind is not one of observed"),
        (lambda s: s["ready"].update(source=7), "starts[0].ready.source is not the index of a source"),
        (lambda s: s.update(source=-1), "starts[0].source is not the index of a source"),
        (lambda s: s.update(began_at="2026-03-01T06:03:22"), "starts[0].began_at is not a time with a date and a zone"),
        (lambda s: s.update(began_at="0001-01-01T00:00:00+14:00"), "starts[0].began_at is not a time"),
        (lambda s: s.update(index=2**70), "starts[0].index is not a whole number"),
        (lambda s: s.update(begin_seen=1), "starts[0].begin_seen is neither true nor false"),
        (lambda s: s.update(key=3), "starts[0].key is not text"),
        (lambda s: s["chain"].update(links={}), "starts[0].chain.links is not a list"),
    ],
)
def test_what_is_wrong_in_a_report_is_named(spoil: Callable[[dict[str, Any]], object], why: str) -> None:
    data = json.loads(told(report_of(ready_start())))
    spoil(data["starts"][0])
    assert why in said(data)


def test_an_index_that_two_starts_have_is_refused() -> None:
    data = json.loads(told(MADE["loop"]))
    data["starts"][1]["index"] = 1
    assert "has an index twice" in said(data)


def test_unknown_fields_are_ignored_and_missing_ones_have_defaults() -> None:
    data = json.loads(told(report_of(ready_start())))
    text = told(load_report(data))
    data["weather"] = data["starts"][0]["weather"] = data["starts"][0]["ready"]["weather"] = {"rain": [1]}
    data["starts"][0].update(site={"product": "\x1b"}, links=3, told=4)
    assert told(load_report(data)) == text
    for name in ("gaps", "before", "usual", "goals", "observer", "cut_at_s"):
        del data["starts"][0][name]
    assert load_report(data).starts[0].gaps == ()


def test_a_secret_that_somebody_wrote_into_a_report_is_masked() -> None:
    data = json.loads(told(report_of(failed_start())))
    data["starts"][0]["outcome_reason"] = "--token=hunter2hunter2 is wrong"
    data["starts"][0]["findings"][0]["detail"] = "postgres://k3s:hunter2hunter2@db/kine"
    assert "hunter2" not in told(load_report(data))


# ---------------------------------------------------------------- hostile reports

_JUNK = st.sampled_from(
    [None, True, -1, 0, 3, 2**63, 1e308, -0.0, "", "none", "\x1b[2J", "\ud800", [], [[]], {}, {"lower": 1}, [None]]
)  # fmt: skip


def places(part: Any) -> Iterator[tuple[Any, Any]]:
    for key in part if isinstance(part, dict) else range(len(part)):
        yield part, key
        if isinstance(part[key], dict | list):
            yield from places(part[key])


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(["ready", "mixed", "failed"]), st.lists(st.tuples(st.floats(0, 1), _JUNK), min_size=1, max_size=3)
)
def test_any_damage_is_one_error_or_a_report_that_can_be_shown(name: str, damage: list[tuple[float, Any]]) -> None:
    data = json.loads(told(MADE[name]))
    for where, junk in damage:
        spots = list(places(data))
        holder, key = spots[int(where * (len(spots) - 1))]
        holder[key] = copy.deepcopy(junk)
    try:
        back = load_report(data)
    except BadInputError:
        said(data)
        return
    again = told(back)
    assert told(load_report(json.loads(again))) == again


@settings(max_examples=50, deadline=None)
@given(st.binary(max_size=60), st.integers(0, 10_000))
def test_any_bytes_in_the_middle_are_one_error_or_a_report(junk: bytes, at: int) -> None:
    text = told(MADE["ready"]).encode()
    at %= len(text)
    spoilt = text[:at] + junk + text[at + len(junk) // 2 :]
    try:
        back = load_report(io.BytesIO(spoilt))
    except BadInputError:
        said(io.BytesIO(spoilt))
    else:
        assert told(load_report(json.loads(told(back)))) == told(back)


def test_a_usual_report_is_read_with_few_calls() -> None:
    text = told(analyzer.analyze(analyzer.load(ROOT / "sample_logs/healthy-sqlite.short.txt")).report)
    load_report(io.StringIO(text))  # what is made once
    assert calls(lambda: load_report(io.StringIO(text))) < 3200  # 2526, in 3 ms
