"""``analyzer.fleet``: the tables, the groups and the outputs of many starts, from Python."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from functools import cache
from pathlib import Path

import pandas as pd
import pytest
from jsonschema import Draft202012Validator

import analyzer
from analyzer.reports.schema import schema_text
from tests.kit.in_process import k3slog

LOGS = Path(__file__).parents[1] / "sample_logs"
LOOP = LOGS / "crash-loop-until-roles.short.txt"  # three failed starts, one that is ready
HEALTHY = LOGS / "healthy-sqlite.short.txt"
ETCD = LOGS / "etcd-three-servers.short-iso-precise.txt"  # three hosts
PATHS = (LOOP, HEALTHY, ETCD)
LABEL = r"first=/([a-z])[^/]*$"

TEXTS = ("input", "key", "host", "unit", "version", "kubernetes", "product", "role", "outcome", "end", "reason",
         "cause", "cause_words", "label_first")  # fmt: skip
LENGTHS = ("ready", "started", "images", "node", "node_ready", "server", "detected", "polling_tax")
STARTS = {
    **dict.fromkeys(TEXTS, "string"),
    "index": "Int64",
    "began_at": "datetime64[us, UTC]",
    **dict.fromkeys((f"{id}_{end}_s" for id in LENGTHS for end in ("min", "max")), "float64"),
}
METRICS = {"key": "string", "metric": "string", "min": "float64", "max": "float64"}
INPUTS = {"input": "string", "size": "Int64", "starts": "Int64", "error": "string", "error_kind": "string"}
QUANTILES = {
    "metric": "string",
    "n": "Int64",
    **dict.fromkeys((f"{name}_{end}" for name in ("p50", "p90", "p99") for end in ("min", "max")), "float64"),
}


@cache
def three() -> analyzer.ManyStarts:
    """Three logs in one process: eight starts are enough for every table."""
    return analyzer.fleet(*PATHS, labels=[LABEL], jobs=1)


def types(frame: pd.DataFrame) -> dict[str, str]:
    return {str(name): str(of) for name, of in frame.dtypes.items()}


@pytest.mark.long
def test_each_start_is_a_row_with_its_labels_and_windows() -> None:
    starts = three().starts()
    assert types(starts) == STARTS
    assert len(starts) == len(three()) == 8
    assert starts["input"].drop_duplicates().tolist() == [str(path) for path in PATHS]
    assert starts["label_first"].tolist() == ["c"] * 4 + ["h"] + ["e"] * 3
    assert starts["outcome"].tolist() == ["failed"] * 3 + ["ready"] * 5
    assert starts["host"].nunique() == 4 and starts["key"].is_unique
    known = starts[starts["ready_max_s"].notna()]
    assert (known["ready_min_s"] <= known["ready_max_s"]).all()
    failed = starts[starts["outcome"] == "failed"]
    assert failed["ready_max_s"].isna().all() and (failed["ready_min_s"] > 60).all(), "kept, with an open end"


def test_the_rows_agree_with_the_analysis_of_the_log_itself() -> None:
    alone = analyzer.analyze(ETCD).starts().set_index("key")
    rows = three().where("first=e").starts().set_index("key")
    for name in ("host", "unit", "version", "product", "role", "outcome", "began_at"):
        pd.testing.assert_series_equal(rows[name], alone[name])
    assert rows["ready_min_s"].tolist() == pytest.approx(alone["ready_lower_s"].tolist(), abs=2e-6)
    assert rows["ready_max_s"].tolist() == pytest.approx(alone["ready_upper_s"].tolist(), abs=2e-6)


def test_where_timestamps_are_whole_seconds_a_start_may_have_begun_up_to_one_later() -> None:
    [alone] = analyzer.analyze(HEALTHY).starts().to_dict("records")
    [row] = three().where("first=h").starts().to_dict("records")
    assert row["ready_min_s"] == pytest.approx(alone["ready_lower_s"] - 1.0, abs=2e-6)
    assert row["ready_max_s"] == pytest.approx(alone["ready_upper_s"], abs=2e-6)


def test_metrics_inputs_and_quantiles_are_tables() -> None:
    metrics = three().metrics()
    assert types(metrics) == METRICS
    ready = metrics[metrics["metric"] == "ready"].set_index("key")
    starts = three().starts().set_index("key")
    pd.testing.assert_series_equal(ready["min"], starts["ready_min_s"], check_names=False)
    assert metrics["metric"].str.startswith("check:").any()
    inputs = three().inputs()
    assert types(inputs) == INPUTS
    assert inputs["starts"].tolist() == [4, 1, 3]
    assert inputs["size"].tolist() == [path.stat().st_size for path in PATHS]
    assert (inputs["error"] == "").all()
    quantiles = three().quantiles()
    assert types(quantiles) == QUANTILES
    [half] = quantiles[quantiles["metric"] == "ready"].to_dict("records")
    least = sorted(starts["ready_min_s"])
    most = sorted(starts["ready_max_s"].fillna(math.inf))
    assert half["n"] == 8
    assert (half["p50_min"], half["p50_max"]) == (least[3], most[3])
    assert math.isnan(half["p90_max"]), "no upper end: three of eight never got there"


def test_groups_by_a_label_of_ones_own_and_a_built_in_one() -> None:
    grouped = three().by("version", "first")
    quantiles = grouped.quantiles()
    assert types(quantiles) == {"version": "string", "first": "string", **QUANTILES}
    ready = quantiles[quantiles["metric"] == "ready"]
    assert ready["version"].isna().tolist() == [True, False, False, False], "the whole, then the groups"
    assert dict(zip(ready["first"], ready["n"], strict=True)) == {pd.NA: 8, "c": 4, "e": 3, "h": 1}
    assert [group.by for group in grouped.summary.groups][1] == (("version", "v1.31.4+k3s1"), ("first", "c"))
    assert three().grouped_by == (), "the first one is as it was"
    with pytest.raises(analyzer.UsageError, match="ring"):
        three().by("ring")


def test_confidence_makes_the_bounds_of_a_quantile_wider() -> None:
    ready = three().by("version", confidence=0.9).summary.groups[0].metrics[0]
    assert ready.p50.lower is not None and ready.p50.lower <= ready.p50.min
    assert ready.p50.max is not None and (ready.p50.upper is None or ready.p50.upper >= ready.p50.max)


@pytest.mark.long
def test_conditions_keep_some_of_the_starts() -> None:
    assert three().where("first=c", "outcome!=failed").starts()["index"].tolist() == [4]
    assert three().where("role=server").where("host=cp-2").starts()["host"].tolist() == ["cp-2"]
    assert len(analyzer.fleet(*PATHS, labels=[LABEL], where=["first!=c"], jobs=1)) == 4
    with pytest.raises(analyzer.UsageError, match="has no ="):
        three().where("outcome")
    with pytest.raises(analyzer.UsageError, match="ring"):
        analyzer.fleet(LOOP, where=["ring=canary"], jobs=1)


def test_tables_without_a_row_have_their_columns() -> None:
    nobody = three().where("host=nobody")
    assert len(nobody) == 0 and len(nobody.starts()) == 0
    assert types(nobody.starts()) == {name: of for name, of in STARTS.items() if name != "label_first"}
    assert types(nobody.metrics()) == METRICS
    assert types(nobody.quantiles()) == QUANTILES
    assert repr(nobody) == "<ManyStarts: 0 starts of 3 inputs: none>"


@pytest.mark.long
def test_outputs_are_those_of_the_command(tmp_path: Path) -> None:
    grouped = three().by("version")
    page = tmp_path / "fleet.html"
    options = ("--label", LABEL, "--by", "version", "--jobs", 1)
    ran = k3slog("fleet", *PATHS, *options, "--html", page)
    assert ran.returncode == 0
    assert ran.stdout.decode() == grouped.to_text()
    assert page.read_text(encoding="utf-8") == grouped.to_html()
    assert k3slog("fleet", *PATHS, *options, "--format", "json").stdout.decode() == grouped.to_json()
    data = json.loads(grouped.to_json())
    Draft202012Validator(json.loads(schema_text("fleet"))).validate(data)
    assert data["starts"] == 8 and len(data["groups"]) == 4


def test_what_cannot_be_read_is_a_row_of_the_inputs(tmp_path: Path) -> None:
    (tmp_path / "empty.log").write_text("Mar 01 06:03:24 node-a sshd[12]: Server listening on 0.0.0.0 port 22.\n")
    found = analyzer.fleet(HEALTHY, tmp_path / "gone.log", tmp_path / "empty.log", jobs=1)
    assert len(found) == 1
    kinds = found.inputs().set_index("input")["error_kind"]
    assert kinds[str(HEALTHY)] == ""
    assert kinds[str(tmp_path / "gone.log")] == "unreadable"
    assert kinds[str(tmp_path / "empty.log")] == "no_data"


@pytest.mark.long
def test_in_a_notebook_names_are_text(tmp_path: Path) -> None:
    hostile = "<img src=x onerror=alert(1)>"
    log = tmp_path / f"{hostile}\x1b[31m.log"
    log.write_bytes(LOOP.read_bytes().replace(b"node-a", b"<script>"))
    shown = analyzer.fleet(log, jobs=1)._repr_html_()
    assert shown.startswith("<pre>") and shown.endswith("</pre>")
    assert "<img" not in shown and "<script>" not in shown and "\x1b" not in shown
    assert "&lt;script&gt;" in shown


def test_it_says_what_it_holds() -> None:
    assert repr(three()) == "<ManyStarts: 8 starts of 3 inputs: 5 ready, 3 failed>"


@pytest.mark.parametrize(
    "code",
    [
        "import analyzer",
        f"from analyzer.cli.main import run\nsys.argv = ['k3slog', 'analyze', {str(HEALTHY)!r}]\n"
        "try: run()\nexcept SystemExit: pass",
    ],
    ids=["import", "analyze"],
)
def test_one_start_loads_nothing_that_is_for_many(code: str) -> None:
    told = (
        f"import sys\n{code}\n"
        "many = {'pyarrow', 'numpy', 'pandas', 'distributed', 'fsspec', 'analyzer.many', 'analyzer.frames_of_many'}\n"
        "print(sorted({m for m in sys.modules if m in many or m.startswith('analyzer.collection')}))"
    )
    ran = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True)
    assert ran.stdout.splitlines()[-1] == "[]"
