"""Stand-ins in comparisons and histories: no name survives, every number does."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from analyzer.collection.model import Collection
from analyzer.comparison.model import Compared, DesignNote, History, OneSided
from analyzer.reports import comparison_json
from analyzer.reports.comparison_anonymize import anonymized
from tests.kit import made_comparison as made
from tests.kit.every_format import every_comparison_format
from tests.reports.test_fleet_anonymize import NAMES, planted as planted_fleet

KEPT = ("schema", "schema_version", "tool", "stat", "unit", "verdict", "decision", "kind", "id", "versions", "outcomes")


def collection() -> Collection:
    """Three starts of three hosts of somebody, whose names stand in every text."""
    return planted_fleet().collection


def planted(labels: tuple[str, str] = ("kunde-meier/alt", "kunde-meier/neu/*.gz")) -> Compared:
    """Two sides of somebody."""
    reason = "cannot reach postgres://kunde-meier:hunter2pass@db.meier.internal:5432/x at 10.11.12.13"
    notes = (
        DesignNote("other_machines", "Different machines: wolfsburg-1 against kunde-meier-n7.meier.internal; the "
                   "machines may be what differs."),
        DesignNote("mixed_versions", "The base has several releases: v1.32.4+k3s1, v1.33.1+k3s1."),
    )  # fmt: skip
    return made.compared(
        collection(), collection(), [made.metric("ready", (9.3, 9.5), (11.7, 11.9), (1.8, 2.9))], labels,
        only_base=[OneSided("reason", reason, 2), OneSided("check", "poststarthook/rbac/bootstrap-roles", 3)],
        only_new=[OneSided("phase", "hooks", 1)], design=notes,
    )  # fmt: skip


def history() -> History:
    """A trend over the sites of somebody, and the change of a host."""
    step = planted(("frankfurt-ost", "wolfsburg-1, v1.33.1+k3s1"))
    first = made.trend().points[0]
    by = (("standort", "frankfurt-ost"), ("host", "kunde-meier-n7.meier.internal"))
    points = (
        replace(first, by=by, side=replace(first.side, label="frankfurt-ost, kunde-meier-n7.meier.internal")),
        replace(first, by=(("standort", "meier"), ("host", "wolfsburg-1")), side=replace(first.side, label="meier")),
    )
    found = replace(
        made.change("kunde-meier-n7.meier.internal", step.comparison, 0.01),
        before="kunde-meier/wolfsburg-1.log:12", after="kunde-meier/wolfsburg-1.log:13",
        changed=("On kunde-meier-n7.meier.internal the datastore is postgres://meier:hunter2pass@db.meier.internal/x.",
                 "The label standort changed from frankfurt-ost to 7.", "The release changed from v1.32.4 to v1.33.1."),
    )  # fmt: skip
    return History(("standort", "host"), "ready", points, (step,), (found,), 2, 1)


SUBJECTS: dict[str, Compared | History] = {
    "planted": planted(),
    "history": history(),
    **made.made(),
    **made.histories(),
}


def numbers(value: Any, name: str = "") -> Any:
    """The JSON without names and sentences: what must not change."""
    if isinstance(value, dict):
        return {
            key: value[key] if key in KEPT else numbers(value[key], key) for key in value if key not in ("by", "label")
        }
    if isinstance(value, list):
        return len(value) if name in ("by", "changed") else [numbers(item, name) for item in value]
    return None if isinstance(value, str) else value


def plain(subject: Compared | History) -> Any:
    render = comparison_json.render if isinstance(subject, Compared) else comparison_json.render_history
    return json.loads(render(subject))  # type: ignore[arg-type]


@pytest.mark.parametrize("subject", [planted(), history()], ids=["comparison", "history"])
def test_no_name_survives_in_any_format(subject: Compared | History) -> None:
    before = "".join(every_comparison_format(subject).values())
    assert all(name in before for name in ("wolfsburg", "kunde-meier", "10.11.12.13", "db.meier.internal"))
    for format, shown in every_comparison_format(anonymized(subject)).items():
        joined = "".join(shown.split())
        assert not [name for name in (*NAMES, "meier") if name in shown or name in joined], (format, shown)


def test_nor_in_a_row_of_the_collections() -> None:
    hidden = anonymized(history())
    for collection in (hidden.steps[0].base, hidden.steps[0].new):
        for row in (*collection.starts, *collection.inputs):
            assert not [name for name in (*NAMES, "meier") if name in repr(row)], row
        assert len({row.key for row in collection.starts}) == 3
    assert hidden.steps[0].base.starts == hidden.steps[0].new.starts


@pytest.mark.parametrize("name", SUBJECTS)
def test_every_number_and_verdict_stays(name: str) -> None:
    assert numbers(plain(anonymized(SUBJECTS[name]))) == numbers(plain(SUBJECTS[name]))


def test_releases_and_our_own_words_stay() -> None:
    sides = [("v1.32.4+k3s1", "v1.33.1+k3s1"), ("base", "new"), ("v1.32.4", "1.33.1-rc1+k3s1"), ("1.32", "1.33")]
    for labels in sides:
        hidden = anonymized(made.compared(made.slower().base, made.slower().new, [], labels)).comparison
        assert (hidden.base.label, hidden.new.label) == labels
    hidden = anonymized(made.slower()).comparison
    assert hidden.design == made.slower().comparison.design and hidden.only_new == made.slower().comparison.only_new


def test_the_same_name_has_the_same_stand_in_everywhere() -> None:
    hidden = anonymized(history())
    one = hidden.changes[0]
    assert one.host == dict(hidden.points[0].by)["host"] == hidden.steps[0].base.starts[2].host
    assert one.host in one.changed[0] and one.host in hidden.points[0].side.label
    assert one.changed[1].startswith(
        f"The label standort changed from {dict(hidden.points[0].by)['standort']} to name-"
    )
    assert one.changed[2] == "The release changed from v1.32.4 to v1.33.1."
    assert one.before.endswith(".log:12") and one.before.removesuffix(":12") == one.after.removesuffix(":13")
    assert hidden.by[1] == "host" and hidden.points[1].side.label == dict(hidden.points[1].by)["standort"]
    assert dict(hidden.points[0].by)["standort"] in {value for _, value in hidden.steps[0].base.starts[0].labels}
    assert plain(hidden) == plain(anonymized(history()))


@pytest.mark.parametrize("hostile", ["\x1b[31m", "=1+1", "\udc80", "", "a/b\nc", "[x](y)", "\\1", "(", ", "])
def test_hostile_names_break_nothing(hostile: str) -> None:
    for subject in (made.hostile(hostile), made.hostile_history(hostile)):
        made_so = every_comparison_format(anonymized(subject))
        assert all(shown.replace("\n", "").isprintable() for name, shown in made_so.items() if "html" not in name)
