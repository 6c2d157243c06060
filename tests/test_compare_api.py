"""``analyzer.compare``: two collections from Python."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import analyzer
from analyzer.collection.model import Collection
from analyzer.many import ManyStarts
from tests.kit.made_sides import failed, normal, side

AB = Path(__file__).parents[1] / "sample_logs" / "ab"
OLD = ManyStarts(side(normal(20, 60.0, 2.0, 1, version="v1.33.1+k3s1")))
NEW = ManyStarts(side([*normal(19, 70.0, 2.0, 2, version="v1.34.1+k3s1"), failed(version="v1.34.1+k3s1")], "new"))


def test_a_table_of_metrics_the_goal_first() -> None:
    found = analyzer.compare(OLD, NEW, limit="10%")
    table = found.metrics()
    assert table["metric"].tolist() == ["ready", "failed"]
    ready = table.iloc[0]
    assert (ready["verdict"], ready["decision"], ready["base_n"], ready["new_n"]) == ("slower", "over", 20, 20)
    assert ready["difference_lower"] <= 10.0 <= ready["difference_upper"]
    assert ready["relative_lower"] > 0.1 and table["relative_lower"].isna().tolist() == [False, True]
    assert found.comparison.base.label == "v1.33.1+k3s1" and "ready slower" in repr(found)


def test_it_is_written_as_the_command_writes_it() -> None:
    found = analyzer.compare(OLD, NEW)
    assert found.to_text().startswith("✗ v1.34.1+k3s1 is ready later than v1.33.1+k3s1")
    data = json.loads(found.to_json())
    assert data["schema"] == "k3slog.comparison" and data["metrics"][0]["verdict"] == "slower"
    assert "v1.34.1+k3s1 compared with v1.33.1+k3s1" in found.to_html()
    assert "is ready later" in found._repr_html_()


@pytest.mark.long
def test_paths_are_read() -> None:
    found = analyzer.compare(AB / "ab-1.32.2-90-0.export.gz", AB / "ab-1.32.4-90-0.export.gz", metrics=["ready"])
    assert (found.comparison.base.starts, found.comparison.goal) == (2, "ready")


def test_what_cannot_be_compared_is_an_error() -> None:
    with pytest.raises(analyzer.NoDataError):
        analyzer.compare(OLD, ManyStarts(Collection((), {}, ())))
    with pytest.raises(analyzer.UsageError):
        analyzer.compare(OLD, NEW, limit="soon")
