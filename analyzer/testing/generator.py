"""``generate(scenario, seed)``: makes all starts of a scenario and holds the journal with its truth."""

from __future__ import annotations

import json
import random
import re
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from analyzer.errors import OutputError
from analyzer.testing import carriers, journal
from analyzer.testing.line_buffer import SYSTEMD
from analyzer.testing.log_wording import Wall
from analyzer.testing.start_generator import StartGenerator
from analyzer.testing.start_state import Identity
from analyzer.testing.static_pods import PodLog
from analyzer.testing.true_moments import NEVER, DatastoreState
from analyzer.testing.truth import SECOND, Entry, Line, Scenario, StartPlan, StartTruth, Truth

_TOLD = re.compile(r"Kube API server is now running|(?:k3s|rke2)(?: agent)? is up and running")


@dataclass(frozen=True, slots=True)
class Generated:
    """A journal of known truth; ``render`` gives it in one carrier, ``write`` puts files into a folder."""

    scenario: Scenario
    seed: int
    entries: tuple[Entry, ...]
    truth: Truth
    pods: tuple[PodLog, ...] = ()  # RKE2 servers: the logs of their static pods

    def render(self, carrier: str) -> bytes:
        """The journal as ``journalctl -o CARRIER`` prints it.

        :raises ValueError: no such carrier.
        """
        wall = Wall(self.scenario.utc_offset_min)
        return carriers.render(self.entries, carrier, wall, self.scenario.zone)

    def truth_json(self) -> bytes:
        """The truth as written to ``truth.json``."""
        return (_laid_out(self.truth.as_dict()) + "\n").encode()

    def files(self, formats: Iterable[str] = carriers.CARRIERS) -> dict[str, bytes]:
        """Names and bytes of the files that ``write`` makes."""
        out = {carriers.file_name(self.scenario.name, c): self.render(c) for c in formats}
        return out | {f"{self.scenario.name}.truth.json": self.truth_json()}

    def write(
        self, folder: str | Path, formats: Iterable[str] = carriers.CARRIERS, *, force: bool = False
    ) -> list[Path]:
        """Write ``NAME.CARRIER.txt`` (``NAME.export``, ``NAME.json``) and ``NAME.truth.json``; the paths written.

        :raises OutputError: a file exists (without ``force``; then none is written), or cannot be written.
        """
        home = Path(folder)
        made = self.files(formats)
        paths: list[Path] = []
        try:
            there = [name for name in made if (home / name).exists()]
            if there and not force:
                raise OutputError(f"{home / there[0]} exists", hint="Add --force to replace it")
            home.mkdir(parents=True, exist_ok=True)
            for name, data in made.items():
                part = home / f".{name}.part"
                try:
                    part.write_bytes(data)
                    part.replace(home / name)
                finally:
                    part.unlink(missing_ok=True)
                paths.append(home / name)
        except OSError as error:
            raise OutputError(f"{error.filename or home} cannot be written: {error.strerror or error}") from error
        return paths


def _laid_out(value: object, depth: int = 0) -> str:
    """JSON with one line per start's field, per poll and per check."""
    pad = " " * (depth + 1)
    if depth < 4 and isinstance(value, dict) and value:
        rows = [f"{pad}{json.dumps(key)}: {_laid_out(inner, depth + 1)}" for key, inner in value.items()]
        return "{\n" + ",\n".join(rows) + "\n" + pad[1:] + "}"
    if depth < 4 and isinstance(value, list | tuple) and value:
        rows = [pad + _laid_out(inner, depth + 1) for inner in value]
        return "[\n" + ",\n".join(rows) + "\n" + pad[1:] + "]"
    return json.dumps(value, ensure_ascii=False)


def _hex(rng: random.Random, digits: int = 32) -> str:
    return f"{rng.getrandbits(4 * digits):0{digits}x}"


@dataclass(slots=True)
class _Host:
    """One machine: its clock of starts, its boot."""

    address: str
    next_us: int
    booted_us: int
    boot_id: str
    pid: int
    last: StartTruth | None = None
    containers: int = 0  # of the API server so far


def _starts(scenario: Scenario, seed: int) -> tuple[list[Entry], list[StartTruth], list[PodLog]]:
    rng = random.Random(f"k3slog/{scenario.name}/{seed}")
    begin = round(scenario.begin.timestamp() * 1e6) + rng.randint(0, SECOND - 1)
    cut = NEVER if scenario.cut_after_s is None else begin + round(scenario.cut_after_s * SECOND)
    hosts: dict[str, _Host] = {}
    stored: dict[str, DatastoreState] = {}
    entries: list[Entry] = []
    truths: list[StartTruth] = []
    pods: list[PodLog] = []
    ca_born = 0
    for plan in scenario.starts:
        host = hosts.get(plan.host)
        if host is None:
            at = begin + round(len(hosts) * scenario.host_offset_s * SECOND)
            booted = at - rng.randint(20, 90) * SECOND
            host = _Host(f"192.0.2.{10 + len(hosts)}", at, booted, _hex(rng), rng.randint(700, 3000))
            hosts[plan.host] = host
        cluster = "etcd" if plan.store == "etcd" else plan.host
        base = stored.setdefault(cluster, _datastore(plan))
        if plan.reboot and host.last is not None:
            host.next_us += 25 * SECOND
            host.booted_us, host.boot_id = host.next_us - rng.randint(15, 40) * SECOND, _hex(rng)
        host.pid += rng.randint(40, 900)
        ca_born = ca_born or (host.next_us // SECOND if plan.fresh else begin // SECOND - 40 * 86400)
        who = Identity(host.pid, host.boot_id, _hex(rng), host.address, ca_born)
        one = StartGenerator(
            plan, who, base, Wall(scenario.utc_offset_min), random.Random(rng.getrandbits(64)), host.next_us,
            old_systemd=scenario.old_systemd, cut=cut,
        )  # fmt: skip
        made = one.run()
        one.remember()
        lines = list(_restart_line(plan, one, host)) + list(made.lines)
        entries += journal.stamped(lines, made.truth, host.booted_us, starved=plan.starved, rng=rng)
        if made.truth.began_us <= cut:
            truths.append(made.truth)
        host.next_us = made.over_us + round(plan.gap_s * SECOND)
        host.last = made.truth
        logs = one.pods.logs(f"{zlib.crc32(plan.host.encode()):08x}{seed:024x}", host.containers)
        host.containers += len(one.pods.runs)
        pods += logs
    return entries, truths, pods


def _datastore(plan: StartPlan) -> DatastoreState:
    if plan.fresh:
        return DatastoreState()
    return DatastoreState(initialised=True, roles=1.0, binding=True, classes=True, service=True, names={plan.host})


def _restart_line(plan: StartPlan, one: StartGenerator, host: _Host) -> Iterable[Line]:
    if plan.restarted:
        text = f"{one.unit}: Scheduled restart job, restart counter is at {plan.restarted}."
        fields = {"MESSAGE_ID": SYSTEMD["restart"], "N_RESTARTS": str(plan.restarted)}
        if host.last is not None:
            fields["INVOCATION_ID"] = host.last.invocation_id
        yield Line(one.began - 2600, text, "systemd", 1, 6, fields)


def _within(
    entries: Sequence[Entry], truths: Sequence[StartTruth], low: int | None, high: int | None
) -> tuple[list[Entry], list[StartTruth]]:
    """What is left of a journal that holds only entries in ``[low, high]``; polls outside are not printed."""
    first = low if low is not None else 0
    last = high if high is not None else NEVER
    kept = [e for e in entries if first <= e.realtime_us <= last]
    texts = {(e.invocation_id, e.line.at_us) for e in kept if "Polling for API" in e.line.text}
    out: list[StartTruth] = []
    for truth in truths:
        if not any(e.invocation_id == truth.invocation_id for e in kept):
            continue
        polls = tuple(
            replace(p, printed=p.printed and (truth.invocation_id, p.answered_us) in texts) for p in truth.polls
        )
        told = any(e.invocation_id == truth.invocation_id and _TOLD.search(e.line.text) for e in kept)
        out.append(replace(truth, polls=polls, detection_in_log=truth.detection_in_log and told))
    return kept, out


def generate(scenario: Scenario, seed: int = 1) -> Generated:
    """The journal of ``scenario``; the same scenario and seed give the same bytes.

    :raises ValueError: a version whose poller is not known, or a start that never ends before the next of its host.
    """
    by_host: dict[str, StartPlan] = {}
    for plan in scenario.starts:
        before = by_host.get(plan.host)
        if before is not None and before.fate == "run" and not before.unreachable:
            raise ValueError(f"the start before on {plan.host} never ends")
        by_host[plan.host] = plan
    entries, truths, pods = _starts(scenario, seed)
    entries = journal.merged(entries)
    begin = min(t.began_us for t in truths)
    low = None if scenario.cut_before_s is None else begin + round(scenario.cut_before_s * SECOND)
    high = None if scenario.cut_after_s is None else begin + round(scenario.cut_after_s * SECOND)
    if low is not None or high is not None:
        entries, truths = _within(entries, truths, low, high)
        if not truths:
            raise ValueError("the cut leaves nothing of the journal")
    truths.sort(key=lambda t: t.began_us)
    truth = Truth(seed, scenario.name, scenario.story, tuple(truths), low, high)
    if high is not None:
        pods = [replace(pod, lines=tuple(line for line in pod.lines if line.at_us <= high)) for pod in pods]
    return Generated(scenario, seed, tuple(entries), truth, tuple(pods))
