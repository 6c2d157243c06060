# ruff: noqa: E501 - files and what is said about them stand side by side
"""A user's own rules: what they do to a report, and what is said about a file that is not right."""

from __future__ import annotations

from pathlib import Path

import pytest

from analyzer.analysis import analyze_records
from analyzer.errors import BadInputError, ExitCode
from analyzer.events.catalogue import match
from analyzer.events.detect import detect
from analyzer.events.event import Mark
from analyzer.events.toml_lines import line_of
from analyzer.events.user_rules import NO_RULES, Rules, load_rules
from analyzer.records import read_log_records
from analyzer.records.log_record import Payload
from analyzer.results import Finding
from tests.events.lines import klog, logrus, record, systemd
from tests.kit.own_rules import parse_rules

RECORDED = Path(__file__).parents[1] / "data" / "recorded"

GOOD = """
# The vault of our own.
[[mark]]
id = "vault_sealed"
kind = "problem"
any = ["vault is sealed"]
match = 'sealed since (?P<since>\\S+)'
severity = "critical"
title = "The vault is sealed"
advice = "Unseal it: vault operator unseal"
example = [
    'time="2026-02-03T10:20:30Z" level=error msg="kms: vault is sealed since 09:12"',
    'I0203 10:20:30.123456    1193 kms.go:12] vault is sealed since 09:12',
]

[[mark]]
id = "our_noise"
kind = "noise"
head = "Slow SQL (started"
title = "our disk is slow, we know"

[[finding]]
id = "vault_flaps"
marks = ["no_quorum"]
min_count = 3
phase = "before_ready"
severity = "warning"
title = "The peers go away again and again"
detail = "Seen since the move."
"""


def ids(rules_: Rules, *lines: str) -> list[str]:
    records = [logrus(line, "error", seq=number) for number, line in enumerate(lines)]
    return [event.id for event in detect(records, rules_.marks) if isinstance(event, Mark)]


def told(rules_: Rules, name: str, index: int = 1) -> dict[str, Finding]:
    log_records, errors = read_log_records([RECORDED / f"{name}.export.gz"])
    assert not errors
    report = analyze_records(log_records, tool_version="0", user=rules_)
    return {finding.id: finding for finding in report.starts[index - 1].findings}


def refused(text: str) -> str:
    with pytest.raises(BadInputError) as caught:
        parse_rules(text, "own.toml")
    assert caught.value.exit_code is ExitCode.BAD_INPUT
    assert caught.value.hint
    assert "\n" not in caught.value.one_line()
    return caught.value.one_line()


def mark(**keys: str) -> str:
    """A good ``[[mark]]`` with some keys replaced; an empty value leaves the key out."""
    good = {"id": '"x_y"', "kind": '"problem"', "any": '["something"]', "title": '"T"'}
    return "[[mark]]\n" + "".join(f"{key} = {value}\n" for key, value in {**good, **keys}.items() if value)


# ---------------------------------------------------------------- what they do


def test_a_good_file() -> None:
    own = parse_rules(GOOD)
    assert [rule.id for rule in own.marks] == ["vault_sealed", "our_noise"]
    told = [(finding.info.id, finding.min_count, finding.phase) for finding in own.findings]
    assert told == [("vault_flaps", 3, "before_ready"), ("vault_sealed", 1, "any")]
    assert own.info("our_noise") is None
    assert ids(own, "kms: vault is sealed since 09:12") == ["vault_sealed"]
    assert ids(own, "kms: vault is sealed") == []
    assert ids(NO_RULES, "kms: vault is sealed since 09:12") == []


def test_marks_count_on_lines_that_the_catalogue_skips() -> None:
    own = parse_rules(mark(any='["something odd"]'))
    for line in (klog("something odd", "x.go"), klog('"something odd" a="b"', "x.go", "warning"),
                 record("something odd", Payload.ZAP, level="info"), record("it is something odd")):  # fmt: skip
        assert [found.id for found in match(line, own.marks)] == ["x_y"]
    noisy = klog("Skipping API something odd", "genericapiserver.go", "warning")
    assert {found.id for found in match(noisy, own.marks)} == {"noise_skipping_api", "x_y"}


def test_marks_of_systemd_lines() -> None:
    own = parse_rules(mark(any='["watchdog timeout"]', payload='["systemd"]'))
    assert [found.id for found in match(systemd("k3s.service: watchdog timeout (limit 3min)!"), own.marks)] == ["x_y"]


def test_noise_of_ones_own_hides_a_problem() -> None:
    line = "Slow SQL (started: 2026-02-03 10:20:28 +0000 UTC m=+12.1) (total time: 1.884102s): SELECT 1"
    assert ids(NO_RULES, line) == ["slow_sql"]
    assert ids(parse_rules(GOOD), line) == ["our_noise"]
    before, after = told(NO_RULES, "1324-pg-250ms"), told(parse_rules(GOOD), "1324-pg-250ms")
    assert "Slow SQL" not in after["noise_explained"].detail
    assert "our disk is slow, we know" in after["noise_explained"].detail
    assert "our disk" not in before["noise_explained"].detail


def test_a_problem_of_ones_own_is_a_finding_with_its_lines() -> None:
    text = mark(any='["unknown flag"]', severity='"critical"', title='"Ask the platform team"', advice='"Call 4711"')
    finding = told(parse_rules(text), "1303-bad-apiserver-arg")["x_y"]
    assert (finding.severity, finding.title, finding.advice) == ("critical", "Ask the platform team", "Call 4711")
    assert "unknown flag: --enable-admission-plugin" in finding.detail
    assert finding.lines
    assert "x_y" not in told(parse_rules(text), "1324-fresh-full")


@pytest.mark.parametrize(
    ("keys", "there"),
    [
        ("", True),
        ("min_count = 3\n", True),
        ("min_count = 100000\n", False),
        ('phase = "before_ready"\n', True),
        ('phase = "after_ready"\n', False),
    ],
)
def test_a_finding_by_number_and_phase(keys: str, there: bool) -> None:
    text = f'[[finding]]\nid = "apis"\nmarks = "noise_skipping_api"\ntitle = "Many APIs"\n{keys}'
    assert ("apis" in told(parse_rules(text), "1324-fresh-full")) is there


def test_a_mark_that_a_finding_takes_up_makes_none_of_its_own() -> None:
    text = mark(any='["unknown flag"]') + '[[finding]]\nid = "both"\nmarks = ["x_y"]\ntitle = "B"\ndetail = "Again."\n'
    found = told(parse_rules(text), "1303-bad-apiserver-arg")
    assert found["both"].detail.startswith("Again. ")
    assert found["both"].severity == "warning"
    assert "x_y" not in found


def test_without_rules_the_report_is_the_same() -> None:
    log_records, _ = read_log_records([RECORDED / "1324-pg-250ms.export.gz"])
    assert analyze_records(log_records, tool_version="0") == analyze_records(
        log_records, tool_version="0", user=NO_RULES
    )


def test_secrets_in_lines_of_ones_own_are_masked() -> None:
    own = parse_rules(mark(any='["--token"]'))
    text = (
        'Feb 03 10:20:30 n k3s[1]: time="2026-02-03T10:20:30Z" level=info msg="Starting k3s v1.33.4+k3s1 (148243c4)"\n'
    )
    text += 'Feb 03 10:20:31 n k3s[1]: time="2026-02-03T10:20:31Z" level=error msg="ran with --token hunter2secret"\n'
    import io

    log_records, _ = read_log_records(["-"], stdin=io.BytesIO(text.encode()))
    (start,) = analyze_records(log_records, tool_version="0", user=own).starts
    (finding,) = [one for one in start.findings if one.id == "x_y"]
    assert "hunter2secret" not in finding.detail


def test_several_files(tmp_path: Path) -> None:
    one, two = tmp_path / "one.toml", tmp_path / "two.toml"
    one.write_text(mark(id='"mine"'))
    two.write_text('\ufeff[[finding]]\r\nid = "f_mine"\r\nmarks = ["mine"]\r\ntitle = "T"\r\n', encoding="utf-8")
    own = load_rules(one, two)
    assert [rule.id for rule in own.marks] + [one.info.id for one in own.findings] == ["mine", "f_mine"]
    assert own.paths == (str(one), str(two))
    assert load_rules() == NO_RULES
    two.write_text("\n\n" + mark(id='"mine"'))
    with pytest.raises(BadInputError, match=r"two\.toml, line 4: .*was given before \(.*one\.toml, line 2\)"):
        load_rules(one, two)


# ---------------------------------------------------------------- what is said about a bad file


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("[[mark]]\nid = x\n", 2, "not TOML"),
        ('[[mark]]\nid = "x\n', 2, "not TOML"),
        ('[[mark]]\nid = """x\n\n', None, "not TOML"),
        ("\n\n[[marks]]\n", 3, 'there is no table "marks". Did you mean mark?'),
        ("[mark]\n", 1, "mark is not a list of tables"),
        ("mark = 3\n", 1, "mark is not a list of tables"),
        ("version = 1\n" + mark(), 1, 'there is no table "version"'),
        (mark(titel='"x"'), 6, 'there is no key "titel". Did you mean title?'),
        (mark() + "\n" + mark(id='"z_z"', serverity='"info"'), 12, 'of "z_z": there is no key "serverity". Did you mean severity?'),
        (mark(id=""), 1, "id is missing"),
        (mark(id='"X-Y"'), 2, 'id "X-Y" is not valid'),
        (mark(id="5"), 2, "id is not a string"),
        (mark(id='"no_quorum"'), 2, "one of k3slog's own"),
        (mark(id='"cpu_starved"'), 2, "one of k3slog's own"),
        (mark() + "\n" + mark(), 8, 'id "x_y" was given before (own.toml, line 2)'),
        (mark(kind=""), 1, "kind is missing. One of problem, noise, milestone"),
        (mark(kind='"problm"'), 3, 'there is no kind "problm". Did you mean problem?'),
        (mark(kind='"end"'), 3, 'there is no kind "end"'),
        (mark(any=""), 1, "head or any is missing"),
        (mark(any='["abc"]'), 4, "too short"),
        (mark(any="[1]"), 4, "any is neither a string nor a list of strings"),
        (mark(any='[\n  "abc",\n]'), 4, "too short"),
        (mark(any="", head='"Slow"'), 5, "At least 6 characters"),
        (mark(title=""), 1, "title is missing"),
        (mark(kind='"noise"', severity='"info"'), 6, "severity does not go with kind noise"),
        (mark(severity='"fatal"'), 6, 'there is no severity "fatal". Known: info, warning, critical'),
        (mark(payload='["logrs"]'), 6, 'there is no payload "logrs". Did you mean logrus?'),
        (mark(payload='"logrus"'), 6, "payload is not a list"),
        (mark(levels='["warn"]'), 6, 'there is no levels "warn". Did you mean warning?'),
        (mark(**{"class": '"deadly"'}), 6, 'there is no class "deadly"'),
        (mark(since='"v1.33.4"'), 6, 'since "v1.33.4" is not a minor release'),
        (mark(fields="3"), 6, "fields is not a table of strings"),
        (mark(match="'a('"), 6, "match is not a regular expression"),
        (mark(match="'(?!a)b'"), 6, "match is not a regular expression of RE2: invalid perl operator: (?!"),
        (mark(match='"""\n(x|xy)*\\\\1"""'), 6, "match is not a regular expression of RE2: invalid escape sequence"),
        (mark(example='"nothing of it"'), 6, "the example is not matched by its own rule"),
        (mark(example='"time=\\"2026-02-03T10:20:30Z\\" level=info msg=\\"something\\""', levels='["error"]'), 6, "the example is not matched"),
        ('[[finding]]\nid = "f_f"\ntitle = "T"\n', 1, "marks is missing"),
        ('[[finding]]\nid = "f_f"\ntitle = "T"\nmarks = ["no_quorm"]\n', 4, 'there is no mark "no_quorm". Did you mean no_quorum?'),
        ('[[finding]]\nid = "f_f"\nmarks = "no_quorum"\n', 1, "title is missing"),
        ('[[finding]]\nid = "f_f"\nmarks = "no_quorum"\ntitle = "T"\nmin_count = 0\n', 5, "min_count is not a whole number above 0"),
        ('[[finding]]\nid = "f_f"\nmarks = "no_quorum"\ntitle = "T"\nmin_count = true\n', 5, "min_count"),
        ('[[finding]]\nid = "f_f"\nmarks = "no_quorum"\ntitle = "T"\nphase = "later"\n', 5, 'there is no phase "later"'),
        ("# only a remark\n", None, "holds no rules"),
        ("a = " + "[" * 3000, None, ""),
    ],
)  # fmt: skip
def test_errors_name_the_line(text: str, line: int | None, words: str) -> None:
    said = refused(text)
    assert words in said
    assert said.startswith("own.toml")
    if line is not None:
        assert said.startswith(f"own.toml, line {line}: "), said


@pytest.mark.parametrize(("data", "words"), [(b"a = '\xff'", "line 1: not UTF-8"), (b"#" * (1 << 21), "larger than 1 MiB"), (None, "cannot be read: No such file")])  # fmt: skip
def test_files_that_cannot_be_read(tmp_path: Path, data: bytes | None, words: str) -> None:
    path = tmp_path / "own.toml"
    if data is not None:
        path.write_bytes(data)
    with pytest.raises(BadInputError) as caught:
        load_rules(path)
    assert words in caught.value.one_line()
    with pytest.raises(BadInputError, match="cannot be read"):
        load_rules(tmp_path)


def test_places_are_those_of_the_text() -> None:
    text = 'a = 1\n[[mark]] # one\nid = "x"\nnote = """\n[[mark]]\nid = "no"\n"""\n[mark.fields]\nq = "r"\n[[mark]]\n\'any\' = [\n "#", ]\n'
    places = [("a",), ("mark", 0), ("mark", 0, "id"), ("mark", 0, "fields"), ("mark", 1), ("mark", 1, "any")]
    assert [line_of(text, path) for path in places] == [1, 2, 3, 8, 10, 11]
    assert [line_of(text, path) for path in (("mark", 0, "absent"), ("mark", 7), ("finding", 0))] == [2, 2, None]
    long = "[[mark]]\nany = [\n" + '  "abc = def",\n' * 2000 + ']\nid = "x"\n'
    assert [line_of(long, ("mark", 0, key)) for key in ("any", "id")] == [2, 2004]
