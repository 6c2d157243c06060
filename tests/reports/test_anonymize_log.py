"""The anonymised log: analysing it gives the anonymised report, and nothing that was planted is in it."""

from __future__ import annotations

import io
import json
import random
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import analyzer
from analyzer.api import anonymized_log
from analyzer.errors import NoDataError
from analyzer.reports import json_report
from tests.kit.effort import proportional
from tests.reports.test_anonymize import MESSAGES, Plant, phrases

ROOT = Path(__file__).parents[2]
LOGS = sorted(
    path
    for folder in ("sample_logs", "tests/data/carriers/other", "tests/data/carriers/newyear", "tests/data/carriers/rpi")
    for path in (ROOT / folder).iterdir()
    if path.is_file() and not path.name.endswith((".md", ".truth.json"))
)
LONG = 150  # characters; longer texts are cut, and a stand-in is not as long as what it stands for


def anonymized(path: Path) -> bytes:
    return b"".join(anonymized_log(analyzer.load(path), [path]))


def differences(a: Any, b: Any, where: str = "") -> Iterator[str]:
    if isinstance(a, dict) and isinstance(b, dict):
        for key in sorted((a.keys() | b.keys()) - {"bytes", "path"}):
            yield from differences(a.get(key), b.get(key), f"{where}.{key}")
    elif isinstance(a, list) and isinstance(b, list) and len(a) == len(b):
        for number, (one, other) in enumerate(zip(a, b, strict=True)):
            yield from differences(one, other, f"{where}[{number}]")
    elif a != b and not (isinstance(a, str) and isinstance(b, str) and len(a) > LONG and a[:LONG] == b[:LONG]):
        yield f"{where}: {a!r} | {b!r}"


@pytest.mark.parametrize("path", LOGS, ids=lambda path: f"{path.parent.name}-{path.name}")
def test_its_report_is_the_anonymised_report(path: Path) -> None:
    log = analyzer.load(path)
    try:
        before = json_report.report_object(analyzer.analyze(log).anonymized(log).report)
    except NoDataError:
        assert anonymized(path)
        return
    again = analyzer.load(stdin=io.BytesIO(anonymized(path)))
    assert list(differences(before, json_report.report_object(analyzer.analyze(again).report))) == []


@pytest.mark.parametrize("path", [p for p in LOGS if p.suffix in (".txt", ".log")], ids=lambda path: path.name)
def test_lines_and_their_order_stay(path: Path) -> None:
    before, after = path.read_bytes().split(b"\n"), anonymized(path).split(b"\n")
    assert len(after) == len(before)
    digits = re.compile(rb"\d\d:\d\d:\d\d")
    assert [digits.findall(line) for line in after] == [digits.findall(line) for line in before]


def carried(lines: list[str], carrier: str) -> bytes:
    stamp = 1772345002000000
    if carrier == "short":
        return "".join(f"Mar 01 06:03:22 zqhost k3s[7]: {line}\n" for line in lines).encode()
    if carrier == "json":
        rows = [{"__REALTIME_TIMESTAMP": str(stamp), "_HOSTNAME": "zqhost", "MESSAGE": line} for line in lines]
        return "".join(json.dumps(row) + "\n" for row in rows).encode()
    if carrier == "bytes in json":
        numbers = [json.dumps({"_HOSTNAME": "zqhost", "MESSAGE": list(("\x07" + line).encode())}) for line in lines]
        return "\n".join(numbers).encode()
    fields = [
        f"__REALTIME_TIMESTAMP={stamp}\n_HOSTNAME=zqhost\nMESSAGE={line}\n"
        "_CMDLINE=k3s --node-name zqhost --token zq3cret\n\n"
        for line in lines
    ]
    return "".join(fields).encode()


@pytest.mark.parametrize("carrier", ["short", "json", "bytes in json", "export"])
def test_no_planted_thing_survives(carrier: str, tmp_path: Path) -> None:
    plant = Plant(3)
    planted = [
        *phrases(plant, plant.name()), *MESSAGES, 'config:\ttoken: "zq3cret"',
        "C:\\Users\\zqbob\\.kube and /Users/zqbob/x",
        "dial zqdb:5432/zqname failed for zqbob@zqdb", "S3 bucket zqbucket exists",
        "interface zqwan0 is down on \\nzqhost",
        "flannel-iface: zqbr", "Flags: --namespace zqns", "zqbob:zq3cret@zqdb:3306/zqname",
        "Bucket:zqbucket Namespace:zqns",
    ]  # fmt: skip
    logrus = [f'time="2026-03-01T06:03:22Z" level=info msg={json.dumps(line)}' for line in planted]
    path = tmp_path / "k3s.log"
    path.write_bytes(carried([*planted, *logrus], carrier))
    after = anonymized(path).decode()
    if carrier == "bytes in json":
        after = "\n".join(bytes(json.loads(line)["MESSAGE"]).decode() for line in after.splitlines())
    assert re.findall(r".{0,40}zq.{0,40}", after, re.IGNORECASE) == []
    assert [
        name for name in plant.planted if re.search(rf"(?<![a-z0-9]){re.escape(name)}(?![a-z0-9])", after, re.I)
    ] == []


def test_the_bytes_of_a_line_that_is_no_text_stay(tmp_path: Path) -> None:
    path = tmp_path / "k3s.log"
    path.write_bytes(b"Mar 01 06:03:22 zqhost k3s[7]: caf\xe9 \xff\r\nlast without an end")
    assert anonymized(path) == b"Mar 01 06:03:22 host-1 k3s[7]: caf\xe9 \xff\r\nlast without an end"


def test_a_binary_journal_comes_out_as_export(tmp_path: Path) -> None:
    import lzma

    path = tmp_path / "system.journal"
    path.write_bytes(lzma.decompress((ROOT / "tests/data/journals/rpi-xz.journal.xz").read_bytes()))
    before = analyzer.load(path)
    after = analyzer.load(stdin=io.BytesIO(anonymized(path)))
    assert after.log_records.sources[0].format == "export"
    hidden = json_report.report_object(analyzer.analyze(before).anonymized(before).report)["starts"]
    shown = json_report.report_object(analyzer.analyze(after).report)["starts"]
    assert [[s["outcome"], s["ready"]["upper"], s["host"]] for s in shown] == [
        [s["outcome"], s["ready"]["upper"], s["host"]] for s in hidden
    ]
    assert shown


def test_a_long_log_takes_no_longer_for_each_line() -> None:
    rng = random.Random(1)
    from analyzer.reports.anonymize import prepared
    from analyzer.reports.anonymize_log import Line, LogWriter, texts
    from analyzer.reports.pseudonyms import Pseudonyms

    lines = [
        Line(f'Mar 01 06:03:22 zq{n % 20} k3s[7]: node="n{rng.randrange(20)}q" at 10.0.{n % 255}.1', b"\n")
        for n in range(2000)
    ]

    def work(count: int) -> int:
        names = Pseudonyms()
        for line in lines[:count]:
            names.learn(texts(line), prepare=prepared)
        return sum(map(len, LogWriter(names).parts(lines[:count])))

    assert proportional(work, 2000)
