"""Policies by name, by TOML file, by entry point."""

from __future__ import annotations

import random
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from analyzer.errors import BadInputError, UsageError
from analyzer.policies import AskAt, Limits, Observation, Policy, get, names, registry


def test_built_in_policies_obey_the_protocol() -> None:
    assert names()[:7] == (
        "adaptive", "adaptive-wait", "backoff", "legacy-4x1s", "optimal", "oracle", "shared-2s",
    )  # fmt: skip
    for name in names():
        policy = get(name)
        assert isinstance(policy, Policy)
        assert policy.name == name
        assert policy.informed is (name == "oracle")


def test_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(UsageError) as caught:
        get("sharde-2s")
    assert "shared-2s" in caught.value.hint


def test_toml_policy_takes_kind_parameters_and_limits(tmp_path: Path) -> None:
    file = tmp_path / "eager.toml"
    file.write_text('[policy]\nkind = "backoff"\nfirst_s = 0.1\njitter = 0\nfactor = 2.0\ntotal_s = 5\nrequest_s = 2\n')
    policy = get(str(file))
    assert policy.name == "eager"
    assert policy.limits == Limits(2.0, 5.0)
    loop = policy.loops(random.Random(0))[0]
    loop.first()
    first = loop.next(Observation(0.0, 0.0, error="eof"))
    second = loop.next(Observation(1.0, 0.0, error="eof"))
    assert isinstance(first, AskAt) and first.at_s == pytest.approx(0.1)
    assert isinstance(second, AskAt) and second.at_s == pytest.approx(1.2)


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("", BadInputError),
        ("[policy]\n", BadInputError),
        ("[policy\n", BadInputError),
        ('[policy]\nkind = "nope"\n', BadInputError),
        ('[policy]\nkind = "backoff"\nspeed = 3\n', UsageError),
        ('[policy]\nkind = "backoff"\nfirst_s = -1\n', UsageError),
        ('[policy]\nkind = "shared-2s"\ninterval_s = 0\n', UsageError),
        ('[policy]\nkind = "adaptive"\nlate_min_s = nan\n', UsageError),
    ],
)
def test_bad_toml_is_told(tmp_path: Path, text: str, error: type[Exception]) -> None:
    file = tmp_path / "bad.toml"
    file.write_text(text)
    with pytest.raises(error):
        get(str(file))


def test_missing_file_is_bad_input(tmp_path: Path) -> None:
    with pytest.raises(BadInputError):
        get(str(tmp_path / "none.toml"))


def test_entry_point_policy_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    point = EntryPoint("mine", "analyzer.policies.kinds.backoff:Backoff", registry.GROUP)
    monkeypatch.setattr(registry, "entry_points", lambda group: [point] if group == registry.GROUP else [])
    assert "mine" in names()
    assert get("mine", cap_s=1.0).name == "backoff"


def test_entry_point_that_is_no_policy_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    point = EntryPoint("broken", "builtins:dict", registry.GROUP)
    monkeypatch.setattr(registry, "entry_points", lambda group: [point])
    with pytest.raises(BadInputError):
        get("broken")
