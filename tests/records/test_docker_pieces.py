"""Lines over 16 KiB that docker cut in pieces, the year in cloud-init's banner, and archives that are refused."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from analyzer.records import LogRecords, read_log_records

PIECE = 16384
BODY = "".join(f"[+]check-{number} ok\\n" for number in range(2500))
LINE = f'time="2025-03-01T06:03:32Z" level=info msg="Polling for API server readiness: {BODY}end" loop=1'
PIECES = [LINE[at : at + PIECE] for at in range(0, len(LINE), PIECE)]
LAST = 'time="2025-03-01T06:03:33Z" level=info msg="k3s is up and running"'


def read(data: bytes) -> LogRecords:
    log_records, errors = read_log_records(["-"], stdin=io.BytesIO(data))
    assert not errors
    return log_records


def journald() -> bytes:
    rows = []
    texts = [*PIECES, LAST]
    for number, text in enumerate(texts):
        fields = {
            "__REALTIME_TIMESTAMP": str(1740809012400000 + number), "__MONOTONIC_TIMESTAMP": str(9000000 + number),
            "_BOOT_ID": "6" * 32, "_HOSTNAME": "vm", "SYSLOG_IDENTIFIER": "0a1b2c3d4e5f", "_PID": "812",
            "CONTAINER_NAME": "k3d-x-server-0", "MESSAGE": text,
        }  # fmt: skip
        if number < len(PIECES) - 1:
            fields["CONTAINER_PARTIAL_MESSAGE"] = "true"
        rows.append("".join(f"{key}={value}\n" for key, value in fields.items()))
        # Another container of the same daemon writes in between.
        other = {**fields, "SYSLOG_IDENTIFIER": "ffffffffffff", "MESSAGE": f"another container {number}"}
        other.pop("CONTAINER_PARTIAL_MESSAGE", None)
        rows.append("".join(f"{key}={value}\n" for key, value in other.items()))
    return "\n".join(rows).encode() + b"\n"


def docker_t() -> bytes:
    stamp = "2025-03-01T06:03:32.400900123Z "
    return "".join(stamp + piece for piece in PIECES).encode() + f"\n{stamp}{LAST}\n".encode()


def json_file() -> bytes:
    ends = [*PIECES[:-1], PIECES[-1] + "\n", LAST + "\n"]
    time = "2025-03-01T06:03:32.400900123Z"
    return b"".join(json.dumps({"log": end, "stream": "stderr", "time": time}).encode() + b"\n" for end in ends)


@pytest.mark.parametrize("data", [journald(), docker_t(), json_file()], ids=["journald", "docker logs -t", "json-file"])
def test_pieces_of_a_long_line_are_joined(data: bytes) -> None:
    assert len(PIECES) > 2
    records = [r for r in read(data).records if not r.message.startswith("another container")]
    assert len(records) == 2
    poll, last = records
    assert poll.message == "Polling for API server readiness: " + BODY.replace("\\n", "\n") + "end"
    assert poll.fields == {"loop": "1"}
    assert not poll.truncated
    assert last.message == "k3s is up and running"


def test_cloud_init_gives_the_year() -> None:
    banner = "Cloud-init v. 24.4 running 'modules:final' at Sat, 01 Mar 2025 06:02:11 +0000. Up 21.54 seconds."
    lines = [
        f"Mar  1 07:02:11 vm cloud-init[812]: {banner}",
        "Mar  1 07:03:11 vm systemd[1]: Starting k3s.service - Lightweight Kubernetes...",
    ]
    last = read("\n".join(lines).encode()).records[-1]
    assert last.at is not None
    assert not last.absolute  # the banner's zone need not be the log's
    assert last.clock.year_from == "stamp"
    assert (last.at.us // 1_000_000) == 1740812591  # 2025-03-01 07:03:11, as wall time


@pytest.mark.parametrize(
    ("name", "data", "command"),
    [
        ("x.7z", b"7z\xbc\xaf\x27\x1c" + b"\0" * 500, "7z x -ounpacked {}"),
    ],
)
def test_an_archive_is_refused_with_the_command_that_opens_it(
    name: str, data: bytes, command: str, tmp_path: Path
) -> None:
    path = tmp_path / name
    path.write_bytes(data)
    _, errors = read_log_records([path])
    assert command.replace("{}", str(path)) in str(errors[0].hint)


@pytest.mark.parametrize("extra", [{"date": 1772345002.5}, {"date": 1772345002.5, "_p": "F"}, {"logtag": "F"}])
def test_lines_whose_end_a_shipper_took_away_are_whole(extra: dict[str, object]) -> None:
    rows = [{**extra, "stream": "stderr", "log": text} for text in (LAST, LAST.replace("33Z", "35Z"))]
    found = read("".join(json.dumps(row) + "\n" for row in rows).encode())
    assert [record.message for record in found.records] == ["k3s is up and running"] * 2
    assert not any(record.truncated for record in found.records)
    if "date" in extra:
        stamps = [record.at.us for record in found.records if record.at is not None]
        assert stamps == [1772345002500000] * 2
