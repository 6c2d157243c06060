"""Limits as people write them, and what is said of those that cannot be meant."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings, strategies as st

from analyzer.errors import BadInputError, K3slogError, UsageError
from analyzer.gate.limits import MOST_LIMITS, limits_of, parsed
from analyzer.gate.model import GateLimit


def says(limit: GateLimit) -> tuple[object, ...]:
    return limit.metric, limit.statistic, limit.value, limit.growth, limit.relative


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("ready:p90<=60s", ("ready", "p90", 60.0, False, False)),
        ("ready<=60", ("ready", "max", 60.0, False, False)),
        ("api<=1m30s", ("ready", "max", 90.0, False, False)),
        ("check:rbac/bootstrap-roles<=20s", ("check:poststarthook/rbac/bootstrap-roles", "max", 20.0, False, False)),
        (" started : 1 <= 2 ", None),
        ("ready:p50<=500ms", ("ready", "median", 0.5, False, False)),
        ("ready:median <= +10%", ("ready", "median", 0.1, True, True)),
        ("ready:max<=+2s", ("ready", "max", 2.0, True, False)),
        ("hooks:mean<=+ 12.5 %", ("hooks", "mean", 0.125, True, True)),
        ("check:poststarthook/rbac/bootstrap-roles:max<=20s",
         ("check:poststarthook/rbac/bootstrap-roles", "max", 20.0, False, False)),
        ("check:a:b:p99<=1h", ("check:a:b", "p99", 3600.0, False, False)),
        ("check:a:b<=1s", ("check:a:b", "max", 1.0, False, False)),
        ("apiserver_boot+hooks<=1s", ("apiserver_boot+hooks", "max", 1.0, False, False)),
        ("failed<=0", ("failed", "share", 0.0, False, False)),
        ("failed<=5%", ("failed", "share", 0.05, False, False)),
        ("failed<=0.05", ("failed", "share", 0.05, False, False)),
        ("failed<=100%", ("failed", "share", 1.0, False, False)),
        ("failed<=+5%", ("failed", "share", 0.05, True, False)),
        ("restarts<=0", ("restarts", "max", 0.0, False, False)),
        ("restarts:mean<=0.5", ("restarts", "mean", 0.5, False, False)),
        ("findings:critical<=0", ("findings:critical", "count", 0.0, False, False)),
        ("findings:slow_datastore<=2", ("findings:slow_datastore", "count", 2.0, False, False)),
        ("findings:critical<=+1", ("findings:critical", "count", 1.0, True, False)),
        ("ready<=0", ("ready", "max", 0.0, False, False)),
    ],
)  # fmt: skip
def test_a_limit_of_the_command_line(text: str, meant: tuple[object, ...] | None) -> None:
    if meant is None:
        with pytest.raises(UsageError):
            parsed(text)
        return
    limit = parsed(text)
    assert says(limit) == meant
    assert limit.name == limit.text and says(parsed(limit.text)) == meant


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "not METRIC<=VALUE"),
        ("ready", "not METRIC<=VALUE"),
        ("ready<60s", "written <="),
        ("ready>=60s", "written <="),
        ("ready=60s", "written <="),
        ("<=60s", "there is no metric ''"),
        ("ready<=", "not a length of time"),
        ("raedy<=60s", "Did you mean ready"),
        ("raedy:p90<=60s", "Did you mean ready"),
        ("READY<=1", "Did you mean ready"),
        ("ready:p95<=60s", "ready has no statistic 'p95'. There are max, p99"),
        ("ready:share<=5%", "ready has no statistic 'share'"),
        ("failed:max<=0", "There is only share"),
        ("failed:p95<=0", "There is only share"),
        ("findings:critical:max<=0", "There is only count"),
        ("ready:<=60s", "no statistic"),
        ("check:<=1s", "lacks the name of a readyz check"),
        ("findings:<=0", "lacks the name"),
        ("check<=1s", "there is no metric 'check'"),
        ("ready<=-5", "not a length of time"),
        ("ready<=nan", "not a length"),
        ("ready<=inf", "not a length"),
        ("ready<=1e9", "not a length"),
        ("ready<=60x", "not a length"),
        ("ready<=٦٠", "not a length"),
        ("ready<=5%", "is a share, and ready is not one. To allow 5% more than the baseline: +5%"),
        ("ready<=99999999999", "too large"),
        ("ready<=" + "9" * 150, "too large"),
        ("ready<=+999999999999%", "too large"),
        ("failed<=5", "more than all starts"),
        ("failed<=5s", "not a share of starts"),
        ("failed<=101%", "more than all"),
        ("failed<=-1", "not a share"),
        ("restarts<=2s", "not a number"),
        ("findings:critical<=5%", "is a share"),
        ("ready<=++5%", "not a length"),
        ("ready<=+-5%", "not a length"),
        ("x" * 300 + "<=1", "too long"),
        ("ready<=" + "0" * 300, "too long"),
        ("apiserver_boot+nothing<=1s", "there is no metric"),
    ],
)
def test_what_cannot_be_meant_is_one_line_that_says_why(text: str, told: str) -> None:
    with pytest.raises(UsageError) as error:
        limits_of([text], [])
    line = error.value.one_line()
    assert told in line and line.startswith("--max ") and len(line) < 800


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=60), st.sampled_from(["ready", "failed", "restarts", "findings:critical", "check:etcd"]))
def test_any_value_is_a_finite_limit_or_a_usage_error(text: str, metric: str) -> None:
    try:
        limit = parsed(f"{metric}<={text}")
    except UsageError as error:
        assert "\n" not in error.one_line()  # noqa: PT017
    else:
        assert 0.0 <= limit.value <= 1e9


# --- TOML


def toml(folder: Path, text: str | bytes) -> str:
    path = folder / "limits.toml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return str(path)


def test_a_file_of_limits(tmp_path: Path) -> None:
    text = """
    [[limit]]
    metric = "ready"
    stat = "p90"
    max = "60s"
    where = ["role=server", "version!=v1"]
    name = "nine of ten"

    [[limit]]
    metric = "ready:median"
    max = "+10%"
    where = "role=server"

    [[limit]]
    metric = "failed"
    max = 0.05

    [[limit]]
    metric = "restarts"
    max = 3
    """
    found = limits_of(["ready<=1m"], [toml(tmp_path, text)])
    assert [limit.name for limit in found] == [
        "nine of ten", "ready:median<=+10% where role=server", "failed<=0.05", "restarts:max<=3", "ready:max<=1m",
    ]  # fmt: skip
    assert says(found[0]) == ("ready", "p90", 60.0, False, False)
    assert found[0].where == ("role=server", "version!=v1") and found[0].text == "ready:p90<=60s"
    assert says(found[1]) == ("ready", "median", 0.1, True, True) and found[1].where == ("role=server",)


GARBAGE = [
    ("", "holds no [[limit]]"),
    ("limit = 5", "holds no [[limit]]"),
    ("limit = []", "holds no [[limit]]"),
    ("limit = [5]", "limit 1: it is not a table"),
    ("[limit]\nmetric='ready'", "holds no [[limit]]"),
    ("[[limits]]\nmetric='ready'", "there is no key 'limits'"),
    ("metric = 'ready'", "there is no key 'metric'"),
    ("[[limit]]\n", "it has no metric"),
    ("[[limit]]\nmetric='ready'", "it has no max"),
    ("[[limit]]\nmetric='ready'\nmax=1\nmin=2", "limit 1: there is no key 'min'"),
    ("[[limit]]\nmetric=5\nmax=1", "metric is not a text"),
    ("[[limit]]\nmetric=''\nmax=1", "metric is not a text"),
    ("[[limit]]\nmetric='ready'\nmax=true", "max is neither"),
    ("[[limit]]\nmetric='ready'\nmax=[1]", "max is neither"),
    ("[[limit]]\nmetric='ready'\nmax=2026-01-01", "max is neither"),
    ("[[limit]]\nmetric='ready'\nmax=nan", "from 0 on"),
    ("[[limit]]\nmetric='ready'\nmax=inf", "from 0 on"),
    ("[[limit]]\nmetric='ready'\nmax=-1", "from 0 on"),
    ("[[limit]]\nmetric='ready'\nmax=-0.5", "from 0 on"),
    ("[[limit]]\nmetric='ready'\nmax=1e300", "from 0 on"),
    ("[[limit]]\nmetric='ready'\nmax='soon'", "not a length of time"),
    ("[[limit]]\nmetric='ready'\nmax=1\nstat=90", "stat is not a text"),
    ("[[limit]]\nmetric='ready'\nmax=1\nstat='p95'", "has no statistic 'p95'"),
    ("[[limit]]\nmetric='ready:p90'\nmax=1\nstat='p99'", "names another statistic"),
    ("[[limit]]\nmetric='ready'\nmax=1\nwhere=5", "where is neither"),
    ("[[limit]]\nmetric='ready'\nmax=1\nwhere=['a', 5]", "where is neither"),
    ("[[limit]]\nmetric='ready'\nmax=1\nname=''", "name is not a text"),
    ("[[limit]]\nmetric='ready'\nmax=1\nname='" + "n" * 300 + "'", "more than 200 characters"),
    ("[[limit]]\nmetric='ready'\nmax=1\n[[limit]]\nmetric='ready'\nmax=1", "limit 2: there is another limit"),
    (
        "[[limit]]\nname='a'\nmetric='ready'\nmax=1\n[[limit]]\nname='a'\nmetric='failed'\nmax=0",
        "limit a: there is another",
    ),
    ("[[limit]]\nname='slow'\nmetric='raedy'\nmax=1", "limit slow: there is no metric 'raedy'. Did you mean ready"),
]


@pytest.mark.parametrize(("text", "told"), GARBAGE)
def test_what_a_file_cannot_mean_names_the_file_and_the_limit(text: str, told: str, tmp_path: Path) -> None:
    name = toml(tmp_path, text)
    with pytest.raises(UsageError) as error:
        limits_of([], [name])
    line = error.value.one_line()
    assert line.startswith(name) and told in line and "\n" not in line and len(line) < 900


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"[[limit", "is not TOML"),
        (b"\xff\xfe[\x00", "line 1: not UTF-8"),
        (b"a = 1\nb = '\xff'", "line 2: not UTF-8"),
        (b"a = " + b"9" * 9000, "is not TOML"),
        (b"a = " + b"[" * 20000, "is not TOML"),
        (b"\x00\x01", "is not TOML"),
        (b"#" * (1 << 20) + b"#", "larger than 1 MiB"),
    ],
)
def test_a_file_that_cannot_be_read_is_bad_input(data: bytes, told: str, tmp_path: Path) -> None:
    name = toml(tmp_path, data)
    with pytest.raises(BadInputError) as error:
        limits_of([], [name])
    assert told in error.value.one_line() and name in error.value.one_line() and len(error.value.one_line()) < 500


@pytest.mark.parametrize("name", ["", "not/there.toml", "\0", "."])
def test_so_is_one_that_is_not_there(name: str) -> None:
    with pytest.raises(BadInputError, match="cannot be read"):
        limits_of([], [name])


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_are_limits_or_one_line(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    name = toml(tmp_path_factory.mktemp("garbage"), data)
    with pytest.raises(K3slogError) as error:  # no chance to be a limit
        limits_of([], [name])
    assert error.value.exit_code in (2, 3)


def test_no_limit_too_many_and_one_that_the_caller_refuses(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no limit"):
        limits_of([], [])
    with pytest.raises(UsageError, match="more than 1000"):
        limits_of([f"ready<={n}" for n in range(MOST_LIMITS + 1)], [])

    def never(limit: GateLimit) -> None:
        raise UsageError("no label 'x'", hint="Sorry")

    name = toml(tmp_path, "[[limit]]\nmetric='ready'\nmax=1\nwhere='x=1'")
    with pytest.raises(UsageError, match=r"limit 1: no label 'x'"):
        limits_of([], [name], never)
