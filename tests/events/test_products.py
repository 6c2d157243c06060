"""Every advice names the reader's own commands, files, ports and variables, whatever runs where."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import product

import pytest

from analyzer.events import chain, exit_codes, poll_errors
from analyzer.events.catalogue import rules
from analyzer.events.check_info import known_checks
from analyzer.events.finding_info import known_findings
from analyzer.events.products import Filled, advise, advise_on, known_words
from analyzer.site import NOWHERE, Site, Supervisor

RKE2_ONLY = {
    "static_pod_waiting",
    "pod_not_synced",
    "static_pods",
    "runtime_image",
    "prestart_failed",
    "server_not_ready",
}
SYSTEMDS = "systemd's codes"
NO_SYSTEMD = {  # what only systemd or its journal says
    "systemd_timeout", "lines_lost", "journal_suppressed", "exec_missing", "prestart_failed", "clock_stepped",
    "clock_before_k3s", SYSTEMDS, "clock_wrong", "rootless_cgroups", "no_quorum",
}  # fmt: skip
STRANGE = {
    "k3s": r"\brke2\b|RKE2|\b9345\b",
    "rke2": r"\bk3s(?!log|-io)\b|K3S_|rancher/k3s",
    "openrc": r"systemctl|journalctl|systemd",
    "container": r"systemctl|journalctl|systemd|rc-service|timedatectl|hostnamectl|LimitNOFILE",
    "windows": r"systemctl|journalctl|systemd|timedatectl|/etc/rancher|/var/lib/rancher(?!/rke2/server)|[A-Z]:\\\S*/",
}
# Commands and files that Windows does not have; what runs on a server is run there.
NOT_ON_WINDOWS = (
    r"\bls -|\bdf -|ausearch|\bsudo\b|getent|\bss -|findmnt|dmesg|modprobe|sysctl|\bip (?:address|route|link|-br)\b|"
    r"lsof|chmod|chown|uname|/proc/|/sys/|(?<!\\)/etc/|\bnc -|free -m|\| (?:grep|tail|head|sha256sum)\b|SELinux|"
    r"systemctl|journalctl|\bmount -|\bremount|umount|\bulimit|\bfuser|\bapt\b|\bfsck|/dev/|/usr/|/tmp/|\bdf\b|"
    r"/var/(?!lib/rancher/rke2/server)|iostat|\btop\b|\bsar\b|sha256sum|restorecon|\bcat /|\btail -|\brm -|"
    r"network-online|\bping -M|noexec|xfs_repair"
)
# Findings and problems of a server, of systemd, or of what only Linux has.
NOT_FOR_WINDOWS = NO_SYSTEMD | {
    "database_locked", "selinux", "flannel_failed", "conntrack", "kernel_module_missing", "no_default_route",
    "snapshotter", "fuse_overlayfs", "cgroup", "cgroup_controller", "cgroup_root", "cgroup_undelegated",
    "cgroup_pids", "exec_denied", "too_many_watches", "no_more_threads",
    "read_only", "socket_denied", "etcd_quota", "snapshot_missing", "etcd_peer_unreachable", "etcd_join_failed",
    "reconcile_failed",
}  # fmt: skip
ON_A_SERVER = re.compile(r"(?:sudo cat )?/var/lib/rancher/rke2/server[\w/.-]*")
ONLY_LINUX = re.compile(  # has no counterpart there: nobody says it on Windows
    r"(?i)cgroup|iptables|nftables|ipvs|conntrack|xtables|sysctl|overlay|fuse|stargz|selinux|swap|systemd|kernel|"
    r"inotify|flannel|snapshotter|mount|firewall rule|mode of|rootless|/proc|shim|online-cpus"
)
_WORD = re.compile(r"\{[a-z_]+\}")


def advices() -> Iterator[tuple[str, str, str]]:
    """(id, product that alone has it, text) of everything that tells somebody what to do, and of titles."""
    for known in known_findings():
        only = "rke2" if known.id in RKE2_ONLY else ""
        yield known.id, only, f"{known.title} {known.title_over} {known.advice}"
    for rule in rules():
        yield rule.id, "rke2" if rule.id in RKE2_ONLY else "", f"{rule.title} {rule.advice}"
    for check in known_checks():
        yield check.name, "", check.advice
    for code in exit_codes.meanings():
        yield SYSTEMDS, "", f"{code.title} {code.means} {code.advice}"
    for name in poll_errors.severities():
        yield name, "", " ".join(poll_errors.advice(name))
    for layer in chain.layers():
        yield layer.text[0], layer.product, f"{layer.title} {layer.advice} {layer.patience}"
    for error in chain.classes():
        yield error.id, "", f"{error.short} {error.advice}"
    for part in chain.parts().values():
        yield part.id, part.product, part.advice


def on_windows() -> Iterator[tuple[str, str]]:
    """(name, text) of what an agent on Windows can be told by layers, parts and classes of errors."""
    there = {name for name, part in chain.parts().items() if part.role != "server" and not part.system}
    for layer in chain.layers():
        told = layer.part in there and layer.product != "k3s"
        if told and not ONLY_LINUX.search(f"{layer.text} {layer.title}"):
            yield layer.text[0], f"{layer.title} {layer.advice} {layer.patience}"
    for error in chain.classes():
        if not ONLY_LINUX.search(f"{error.id} {error.short}"):
            yield error.id, error.advice
    yield from ((name, chain.part(name).advice) for name in there)


def sites() -> Iterator[Site]:
    supervisors: tuple[Supervisor, ...] = ("systemd", "openrc", "container")
    for name, role, supervisor in product(("k3s", "rke2"), ("server", "agent"), supervisors):
        yield Site(name, role, supervisor)
    yield Site("rke2", "agent", "windows")


@pytest.mark.parametrize("site", list(sites()), ids=lambda site: f"{site.product}-{site.role}-{site.supervisor}")
def test_no_advice_has_a_stranger_s_word(site: Site) -> None:
    strange = []
    for name, only, text in advices():
        if only not in ("", site.product):
            continue
        filled = advise(text, site)
        found = re.search(STRANGE[site.product], filled)
        if found is None and site.supervisor != "systemd" and name not in NO_SYSTEMD:
            found = re.search(STRANGE[site.supervisor], filled)
        if found is not None or _WORD.search(filled.replace("{target}", "")):
            strange.append(f"{name}: {found and found[0]}: {filled}")
    assert not strange, "\n".join(strange)


def test_an_agent_on_windows_is_told_what_windows_has() -> None:
    site = Site("rke2", "agent", "windows")
    said = [f"{name}: {found[0]}: {filled}" for name, found, filled in _not_there(site)]
    assert not said, "\n".join(said)


def reported_on_windows() -> Iterator[tuple[str, str]]:
    """(name, text) of the findings, problems and answers to polls that an agent there can be told."""
    for known in known_findings():
        yield known.id, f"{known.title} {known.title_over} {known.advice}"
    for rule in rules():
        yield rule.id, f"{rule.title} {rule.advice}"
    for name in poll_errors.severities():
        yield name, " ".join(poll_errors.advice(name))


def _not_there(site: Site) -> Iterator[tuple[str, re.Match[str], str]]:
    told = (one for one in reported_on_windows() if one[0] not in NOT_FOR_WINDOWS)
    for name, text in (*on_windows(), *told):
        filled = advise(text, site)
        if (found := re.search(NOT_ON_WINDOWS, ON_A_SERVER.sub("", filled))) is not None:
            yield name, found, filled


def test_what_a_server_has_is_named_as_the_server_has_it() -> None:
    told = "{token_file}; {server_data}/server/tls; {data}/agent"
    there = "/var/lib/rancher/rke2/server"
    windows = Site("rke2", "agent", "windows", data_dir=r"D:\rke2")
    assert advise(told, windows) == rf"{there}/node-token; {there}/tls; D:\rke2\agent"
    agent = Site("rke2", "agent", data_dir="/srv/rke2")
    assert advise(told, agent) == f"{there}/node-token; {there}/tls; /srv/rke2/agent"
    server = Site("rke2", "server", data_dir="/srv/rke2")
    assert advise(told, server) == "/srv/rke2/server/node-token; /srv/rke2/server/tls; /srv/rke2/agent"


def test_no_advice_names_a_thing_that_the_table_has_a_word_for() -> None:
    literal = re.compile(r"rancher/(?:k3s|rke2)|K3S_|RKE2_|\b9345\b|systemctl (?:start|stop|restart) \{unit\}")
    said = [f"{name}: {text}" for name, _, text in advices() if literal.search(text)]
    assert not said, "\n".join(said)


def test_words_follow_the_unit_and_the_data_directory_of_the_log() -> None:
    site = Site("k3s", "server", unit="k3s-edge", data_dir="/data/k3s")
    assert advise("{start}; ls {token_file}", site) == "sudo systemctl start k3s-edge; ls /data/k3s/server/node-token"
    assert advise("{log}", site) == "journalctl -u k3s-edge --no-pager -o short-precise"


def test_an_unknown_role_gets_both_units() -> None:
    said = advise("{capture}", Site("rke2"))
    assert said == "journalctl -u rke2-server -u rke2-agent --no-pager -o export | gzip > rke2-server.export.gz"


def test_the_disk_advice_is_that_of_the_datastore() -> None:
    assert "SQLite syncs on every write" in advise("{disk}", Site(datastore="sqlite"))
    assert "--datastore-endpoint" in advise("{disk}", NOWHERE)


def test_words_in_braces_are_known() -> None:
    used = {word[1:-1] for _, _, text in advices() for word in _WORD.findall(text)}
    assert used - known_words() - {"target"} == set()


def test_words_of_the_log_keep_their_braces() -> None:
    filled = advise_on("Look at {target} on {cmd}", "/x/{token_file}/{target}", Site("k3s"))
    assert filled == "Look at /x/{token_file}/{target} on k3s"
    assert advise(filled, Site("k3s")) == filled
    assert advise_on(filled, "other") == filled


def test_a_text_that_is_not_filled_yet_is() -> None:
    assert advise(str(Filled("{cmd} of it")), Site("rke2")) == "rke2 of it"


def test_the_server_that_is_asked_is_the_one_that_the_log_names() -> None:
    site = Site("k3s", "agent", balancer="127.0.0.1:6444", servers=("192.0.2.7:6443",))
    assert advise("curl -vk {asked_server}/cacerts", site) == "curl -vk https://192.0.2.7:6443/cacerts"
    assert advise("set server: {server}", site) == "set server: https://<server>:6443"
    assert advise("{asked_server}", Site("rke2", "agent")) == "https://<server>:9345"
