"""Secrets planted into every kind of line reach no output, with no option given."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import analyzer
from tests.kit.every_format import everything

HASH = "0123456789abcdef" * 4
BEGIN = 'time="2026-03-01T06:03:22Z" level=info msg="Starting k3s v1.33.4+k3s1 (148243c4)"'
LINES = [
    'level=info msg="Running kube-apiserver --token=S3CRETa --etcd-servers=https://u:S3CRETb@db:2379"',
    f'time="2026-03-01T06:03:23Z" level=info msg="Starting etcd to join cluster with token K10{HASH}::server:S3CRETc"',
    'level=info msg="Configuring postgres database connection to postgres://k3s:S3CRETd@db/k3s"',
    'time="2026-03-01T06:03:24Z" level=info msg="Polling for API server readiness: GET /readyz failed:'
    ' Get \\"https://k3s:S3CRETe@127.0.0.1:6444/readyz\\": dial tcp: connect: connection refused"',
    "I0301 06:03:25.000001    1193 secure_serving.go:211] Serving securely on 127.0.0.1:6444",
    "I0301 06:03:26.000001    1193 healthz.go:261] etcd,poststarthook/rbac/bootstrap-roles check failed: readyz",
    "[-]etcd failed: error getting data from postgres://k3s:S3CRETf@db/k3s",
    "[-]poststarthook/rbac/bootstrap-roles failed: password=S3CRETg not finished",
    'time="2026-03-01T06:03:26Z" level=warning msg="Slow SQL (started: 2026-03-01) (total time: 1.5s): token=S3CRETh"',
    "W0301 06:03:27.000001    1193 clientconn.go:1331] [core] grpc: addrConn.createTransport failed to connect to"
    ' {Addr: "https://u:S3CRETi@db:2379"}. Err: connection refused',
    'E0301 06:03:27.000001    1193 x.go:1] "Unable to authenticate the request" err="Authorization: Bearer S3CRETj"',
    '{"level":"warn","ts":"2026-03-01T06:03:27.1Z","logger":"etcd-client","msg":"x","error":"token=\\"S3CRETk\\" bad"}',
    'time="2026-03-01T06:03:28Z" level=error msg="apiserver exited: invalid --token \\"S3CRETl\\""',
]
FATALS = {
    "token": f'level=fatal msg="preparing server: failed to validate token K10{HASH}::server:S3CRETm"',
    "dsn": 'level=fatal msg="creating storage endpoint: building kine: root:S3CRETn@tcp(db:3306)/k3s: refused"',
    "url": 'time="2026-03-01T06:03:29Z" level=fatal msg="failed to parse postgres://u:S3CRETo p@db/k3s"',
    "panic": "panic: cannot use --token S3CRETp",
    "systemd": "",
    "bare": "Error: flag provided: --agent-token=S3CRETq is bad",
    "bootstrap": 'time="2026-03-01T06:03:29Z" level=fatal msg="token abcdef.0s3cretrs3cret12 is not valid"',
}


def journal(fatal: str) -> str:
    made = ["Mar 01 06:03:21 node-a systemd[1]: Starting k3s.service - Lightweight Kubernetes..."]
    made += [f"Mar 01 06:03:22 node-a k3s[1193]: {line}" for line in (BEGIN, *LINES, fatal) if line]
    made += [
        "Mar 01 06:03:30 node-a systemd[1]: k3s.service: Main process exited, code=exited, status=1/FAILURE",
        "Mar 01 06:03:30 node-a systemd[1]: k3s.service: Failed with result 'exit-code'.",
    ]
    return "\n".join(made) + "\n"


@pytest.mark.parametrize("kind", list(FATALS))
def test_no_secret_is_in_any_output(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "k3s.log"
    path.write_text(journal(FATALS[kind]))
    analysis = analyzer.analyze(path)
    assert len(analysis.report.evidence) > 5
    frames = (analysis.timeline(), analysis.polls(), analysis.checks(), analysis.starts())
    made = everything(analysis.report) | {"frames": "".join(frame.to_csv() for frame in frames)}
    for format, shown in made.items():
        assert "s3cret" not in shown.lower(), (format, shown[shown.lower().index("s3cret") - 150 :][:200])
    if kind in ("token", "dsn", "url"):
        assert "***" in (analysis.report.starts[-1].outcome_reason or "")


@pytest.mark.parametrize("as_bytes", [False, True])
def test_journald_json_with_a_message_of_bytes_tells_no_secret(tmp_path: Path, as_bytes: bool) -> None:
    rows = []
    for number, line in enumerate((BEGIN, *LINES, FATALS["token"])):
        text = line + "\x07" if as_bytes else line
        message = list(text.encode()) if as_bytes else text
        stamp = str(1772345002000000 + number * 100000)
        rows.append(
            {"__REALTIME_TIMESTAMP": stamp, "_HOSTNAME": "node-a", "_PID": "1193", "SYSLOG_IDENTIFIER": "k3s",
             "_SYSTEMD_UNIT": "k3s.service", "MESSAGE": message}
        )  # fmt: skip
    path = tmp_path / "k3s.json"
    path.write_text("".join(json.dumps(row, separators=(",", ":")) + "\n" for row in rows))
    report = analyzer.analyze(path).report
    numbers = ",".join(str(b) for b in b"S3CRET")
    for shown in everything(report).values():
        assert "S3CRET" not in shown
        assert numbers not in shown.replace(" ", "")
