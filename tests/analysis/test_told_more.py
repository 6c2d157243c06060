"""What the rest of a text says of a finding: kinds of public reports, with words of our own."""

from __future__ import annotations

import pytest

from analyzer.events import flags
from tests.starts.pasted import finding, names, only, told

HEAD = "Mar 04 05:06:07 shed"


def k3s(level: str, message: str, second: int = 7, unit: str = "k3s") -> str:
    quoted = message.replace('"', '\\"')
    time = f"2026-03-04T05:06:{second:02}Z"
    return f'Mar 04 05:06:{second:02} shed {unit}[71]: time="{time}" level={level} msg="{quoted}"'


def first(text: str) -> tuple[str, str]:
    found = only(text).findings[0]
    return found.title, f"{found.detail} {found.advice}"


@pytest.mark.parametrize(
    ("answer", "title"),
    [
        ('ERROR: prepared statement "p_3" does not exist (SQLSTATE 26000)', "prepared statement"),
        ('FATAL: database "barn" does not exist (SQLSTATE 3D000)', "no such database"),
        ("Error 1142 (42000): SELECT command denied to user", "lacks a right"),
    ],
)
def test_the_answer_of_a_database_is_no_retry_that_heals(answer: str, title: str) -> None:
    zap = (
        '{"level":"warn","ts":"2026-03-04T05:06:07.5Z","logger":"etcd-client","caller":"v3/x.go:6",'
        '"msg":"retrying of unary invoker failed","target":"etcd-endpoints://0xc1/kine.sock","attempt":0,'
        f'"error":"rpc error: code = Unknown desc = {answer.replace(chr(34), chr(92) + chr(34))}"}}'
    )
    start = only(f"{HEAD} k3s[71]: {zap}\n{HEAD} k3s[71]: {zap}\n")
    assert title in start.findings[0].title
    assert "noise_explained" not in names(start)


@pytest.mark.parametrize("outer", ["", "starting kubernetes: preparing server: start cluster and https: "])
def test_a_missing_account_is_told_whatever_step_met_it(outer: str) -> None:
    start = only(
        k3s("fatal", f"{outer}user: unknown user gardener", unit="rke2")
        + f"\n{HEAD} systemd[1]: rke2-server.service: Main process exited, code=exited, status=1/FAILURE\n"
    )
    assert start.outcome == "failed"
    assert start.findings[0].title == "The local user or group gardener does not exist on this machine"
    assert "useradd -r -M gardener" in start.findings[0].advice


def test_a_flag_of_the_server_on_an_agent() -> None:
    start = only(f"""
{HEAD} k3s[71]: Incorrect Usage: flag provided but not defined: -cluster-cidr
{HEAD} k3s[71]: NAME:
{HEAD} k3s[71]:    k3s agent - Run node agent
""")
    assert (start.role, start.outcome) == ("agent", "failed")
    assert start.findings[0].title == "--cluster-cidr is a flag of the server: the agent does not have it"
    assert "systemctl cat k3s-agent" in start.findings[0].advice


@pytest.mark.parametrize(
    ("flag", "role", "product", "release", "title"),
    [
        ("-disable-apiserver-lb", "server", "k3s", None, "is a flag of the agent"),
        ("-no-flannel", "agent", "k3s", (1, 30), "was removed"),
        ("-kine-tls", "server", "k3s", (1, 24), "later ones have it"),
        ("-flanel-iface", "server", "k3s", None, "--flannel-iface may be meant"),
        ("-docker", "server", "rke2", None, "RKE2 does not have it"),
    ],
)
def test_what_an_unknown_flag_may_be(
    flag: str, role: str, product: str, release: tuple[int, int] | None, title: str
) -> None:
    guess = flags.guess(flag, role, product, release)
    assert guess is not None
    assert title in guess.title


@pytest.mark.parametrize(
    ("said", "value"),
    [
        ("-disable servicelb", "servicelb"),
        ('-kubelet-arg "feature-gates', "feature-gates"),
        ("-tls-san a.test", "a.test"),
    ],
)
def test_a_flag_and_its_value_in_one_word(said: str, value: str) -> None:
    title, words = first(k3s("fatal", f"flag provided but not defined: {said}"))
    flag = f"-{said.split()[0]}"
    assert title == f"{flag} and its value came as one word: no flag is called so"
    assert f"({flag} {value})" in words


def test_a_flag_of_servers_whose_role_and_release_nobody_tells() -> None:
    title, words = first(k3s("fatal", "flag provided but not defined: -secrets-encryption", unit="k3s-box"))
    assert "is not in this release" not in title
    assert "servers" not in title or "alone" in title
    assert "does not show" in words


def test_of_a_flag_like_none_nothing_is_guessed() -> None:
    assert flags.guess("-teapot", "server", "k3s", None) is None
    assert flags.guess("-token", "server", "k3s", (1, 33)) is None


def test_a_refused_feature_gate_is_named_also_where_the_end_is_cut() -> None:
    title, words = first(f"""
{HEAD} k3s[71]: Error: invalid argument "WarmTeapots=false" for "--feature-gates" flag: cannot s>
{HEAD} k3s[71]: time="2026-03-04T05:06:07Z" level=fatal msg="apiserver exited: invalid argument \\"WarmTeapot>
{HEAD} systemd[1]: k3s.service: Main process exited, code=exited, status=1/FAILURE
""")
    assert title == "The feature gate WarmTeapots is refused by this release"
    assert "Take WarmTeapots out of feature-gates" in words


def test_the_hash_of_nothing_is_no_other_ca() -> None:
    nothing = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    said = "token CA hash does not match the Cluster CA certificate hash: "
    title, _ = first(k3s("error", f"{said}{'ab' * 32} != {nothing}"))
    assert title == "The CA that the token was checked against is empty"
    title, _ = first(k3s("error", f"{said}{'ab' * 32} != {'cd' * 32}"))
    assert title == "The token was made for another CA than the server's"


def test_a_command_typed_anew_and_a_damaged_head_are_another_run() -> None:
    words = "does not have a correct global unicast ip"
    starts = told(
        f'level=fatal msg="interface eth7 {words}: route ip+net: no such network interface"\n'
        "\n$ sudo k3s server --flannel-iface=br9\n"
        f'Mar 04 level=fatal msg="interface br9 {words}: can\'t find ip for interface br9"\n'
    )
    titles = [start.findings[0].title for start in starts]
    assert titles == ["There is no interface eth7", "The interface br9 has no address that can be used"]
    assert [start.outcome for start in starts] == ["failed", "failed"]


def test_a_server_tells_of_another_node_and_where_its_release_keeps_the_password() -> None:
    said = "Node password validation failed for 'attic', using passwd file '/srv/k/server/cred/node-passwd'"
    title, words = first(k3s("error", said))
    assert title.startswith("The server refuses the node attic")
    assert "/srv/k/server/cred/node-passwd" in words
    assert "secret" not in words


def test_one_wait_right_after_the_launch_is_normal_and_one_that_lasts_is_not() -> None:
    launch = k3s("info", "Running containerd -c /x/config.toml")
    wait = "Waiting for containerd startup: rpc error: code = Unavailable desc = connection error"
    start = only(f"{launch}\n{k3s('info', wait, 8)}\n")
    assert names(start) == {"noise_explained"}
    lasting = "\n".join(k3s("info", wait, second) for second in range(8, 40, 4))
    assert "cri_missing" in names(only(f"{launch}\n{lasting}\n"))


def test_an_end_without_its_trigger_says_where_to_look() -> None:
    lines = f"""
{k3s("info", "Shutting down /v1, Kind=Pod workers")}
{k3s("fatal", "context canceled")}
"""
    exited = f"{HEAD} systemd[1]: k3s.service: Main process exited, code=exited, status=1/FAILURE\n"
    found = finding(only(lines + exited), "stop_echo")
    assert found.severity == "warning"
    assert "stands before line 2" in found.detail
    asked = f"{HEAD} systemd[1]: Stopping Lightweight Kubernetes...\n"
    assert finding(only(asked + lines + exited), "stop_echo").severity == "info"


def test_lines_that_are_no_log_tell_which_cause_it_is() -> None:
    flannel = k3s("fatal", "flannel exited: operation not supported")
    plain, _ = first(flannel)
    title, words = first(
        f"modprobe: FATAL: Module vxlan not found in directory /lib/modules/6.1.0-9-teapot\n{flannel}\n"
    )
    assert title == plain
    assert "the running kernel 6.1.0-9-teapot has no module vxlan" in words
    mount = k3s(
        "info",
        'Waiting to retrieve agent configuration; server is not ready: "overlayfs" snapshotter cannot be enabled for '
        '"/var/lib/rancher/k3s/agent/containerd", try using "fuse-overlayfs" or "native": failed to mount overlay: x',
    )
    assert first(f"{mount}\noverlay   overlay   8G  1G  7G  9% /var\n")[0].startswith("The data directory lies on an")
    assert not first(f"{mount}\noverlay   overlay   8G  1G  7G  9% /home\n")[0].startswith("The data directory lies")


@pytest.mark.parametrize(
    ("errno", "word"), [("permission denied", "may not be"), ("no such file or directory", "missing")]
)
def test_an_errno_leaves_one_of_two_meanings(errno: str, word: str) -> None:
    _, words = first(k3s("fatal", f"kube-proxy exited: open /proc/sys/net/netfilter/nf_conntrack_max: {errno}"))
    assert word in words


def test_a_request_that_waited_for_caches_is_no_slow_datastore_and_no_missing_right() -> None:
    head = f"{HEAD} k3s[71]: "
    start = only(
        f'{head}I0304 05:06:07.646868   71 trace.go:205] Trace[7025]: "Create" url:/api/v1/x (04-Mar-2026 05:05:57.645)'
        f" (total time: 10001ms):\n"
        f'{head}Trace[7025]: ---"Write to database call finished" len:9,err:x "k" is forbidden: not yet ready to '
        f"handle request 10001ms (05:06:07.646)\n"
        f"{head}E0304 05:06:07.647340   71 controller.go:156] Unable to perform initial Kubernetes service "
        f'initialization: services "k" is forbidden: not yet ready to handle request\n'
    )
    assert start.findings[0].id == "caches_late"
    assert not names(start) & {"slow_datastore", "noise_explained"}


def test_the_innermost_words_of_a_long_line_are_shown() -> None:
    members = " ".join(f"barn-{number}=https://192.0.2.{number}:2380" for number in range(10, 22))
    _, words = first(
        k3s(
            "info",
            "Failed to test data store connection: this server is a not a member of the etcd cluster. "
            f"Found [{members}], expect: barn-21=https://192.0.2.99:2380",
        )
    )
    assert "expect: barn-21=https://192.0.2.99:2380" in words


def test_servers_that_differ_are_told_by_the_settings_that_this_run_names() -> None:
    differ = "critical configuration mismatched: "
    end = k3s("fatal", "starting kubernetes: preparing server: critical configuration value mismatch between servers")
    title, words = first(
        f"{k3s('warning', differ + 'cluster-cidr')}\n{k3s('warning', differ + 'service-cidr')}\n{end}\n"
    )
    assert title == "This server is set differently from the others: cluster-cidr, service-cidr"
    assert "Compare cluster-cidr, service-cidr in" in words
    assert first(f"{end}\n")[0] != title
    # What an earlier run named may have been set right since.
    told_before = told(
        f"{HEAD} k3s[70]: {k3s('warning', differ + 'secrets-encryption').partition(': ')[2]}\n"
        f"{HEAD} k3s[70]: {end.partition(': ')[2]}\n"
        f"{k3s('warning', differ + 'cluster-dns', 20)}\n"
        f"{end.replace('05:06:07', '05:06:20')}\n"
    )
    assert told_before[-1].findings[0].title.endswith(": cluster-dns")


def _joining(server: str, error: str = "EOF") -> str:
    balancer = f"Running load balancer k3s-agent-load-balancer 127.0.0.1:6444 -> [{server}] [default: {server}]"
    asked = f'failed to get CA certs: Get "https://127.0.0.1:6444/cacerts": {error}'
    return "\n".join(
        [k3s("info", "Starting k3s agent v1.29.6+k3s1 (83ae095a)"), k3s("info", balancer)]
        + [k3s("error", asked, second) for second in (8, 10, 12)]
        + [""]
    )


@pytest.mark.parametrize("error", ["EOF", "read tcp 127.0.0.1:41234->127.0.0.1:6444: read: connection reset by peer"])
def test_a_server_that_is_named_may_have_a_name_that_does_not_resolve(error: str) -> None:
    title, words = first(_joining("barn.local:6443", error))
    assert title == "The CA of the server to join could not be fetched"
    assert "does not ask mDNS" in words and "/etc/hosts" in words
    assert "Does barn.lan resolve" in first(_joining("barn.lan:6443", error))[1]
    for address in ("192.0.2.7:6443", "[2001:db8::7]:6443"):
        assert "resolve" not in first(_joining(address, error))[1]


def test_a_name_under_local_is_not_asked_for_by_getent() -> None:
    asked = 'failed to get CA certs: Get "https://barn.local:6443/cacerts": dial tcp: lookup barn.local'
    _, words = first(k3s("fatal", f"Error: preparing server: {asked} on 192.0.2.53:53: no such host"))
    assert "mDNS" in words and "getent hosts" not in words


def test_rules_made_with_nft_are_what_iptables_cannot_read() -> None:
    said = "iptables v1.8.9 (nf_tables): chain `FORWARD' in table `filter' is incompatible, use 'nft' tool."
    title, words = first(
        f"{HEAD} k3s[71]: panic: F0304 05:06:07.257193   71 network_policy_controller.go:390] failed to list rules in "
        f"filter table FORWARD chain due to running [/usr/sbin/iptables -t filter -S FORWARD --wait]: exit status 1: "
        f"{said}\n{HEAD} k3s[71]: goroutine 588 [running]:\n"
    )
    assert "made with nft" in title
    assert "nft list table ip filter" in words


@pytest.mark.parametrize(("side", "word"), [("before", "not valid yet"), ("after", "outside its time")])
def test_a_certificate_of_later_is_not_valid_yet(side: str, word: str) -> None:
    title, _ = first(
        k3s(
            "fatal",
            "Error: preparing server: failed to get CA certs: x509: certificate has expired or is not yet valid: "
            f"current time 2026-03-04T05:06:07Z is {side} 2026-03-04T05:46:07Z",
        )
    )
    assert word in title


def test_who_is_asked_for_an_etcd_that_it_does_not_have_is_well_itself() -> None:
    asked = k3s("warning", "Received HTTP bootstrap request from 192.0.2.30:40110, but embedded etcd is not enabled.")
    answered = k3s("error", "Sending HTTP/1.1 400 response to 192.0.2.30:40110: etcd disabled")
    start = only("\n".join(line.partition("]: ")[2] for line in (asked, answered)) + "\n")
    assert start.outcome == "incomplete"
    assert finding(start, "no_etcd_to_join").severity == "warning"


def test_a_line_with_something_glued_to_its_front_is_not_cut() -> None:
    whole = k3s("info", "Waiting to retrieve agent configuration; server is not ready: Node password rejected")
    assert "cut_lines" not in names(only(whole.replace("07 shed", "07shed") + "\n"))
    assert "cut_lines" in names(only(whole.replace("07 shed", "07shed")[:-12] + ">\n"))


@pytest.mark.parametrize(
    ("why", "limit"),
    [
        ("inotify_add_watch /sys/fs/cgroup/pids/barn: no space left on device", True),
        ("could not make an fsnotify watcher: no space left on device", True),
        ("inotify_init: too many open files", True),
        ("write /var/lib/kubelet/barn/watch.state: no space left on device", False),
    ],
)
def test_no_space_for_a_watch_is_no_full_disk(why: str, limit: bool) -> None:
    start = only(f"""\
{k3s("info", "Running kubelet --node-ip=10.1.2.3", 6)}
{HEAD} k3s[71]: E0304 05:06:07.100000      71 kubelet.go:1502] "Failed to start cAdvisor" err="{why}"
{HEAD} systemd[1]: k3s.service: Main process exited, code=exited, status=1/FAILURE
""")
    told_first = f"{start.findings[0].title} {start.findings[0].detail} {start.findings[0].advice}"
    assert ("fs.inotify.max" in told_first) == limit
    assert ("No space left" in [one.title for one in start.findings] or "disk is full" in told_first) == (not limit)


def test_an_expired_certificate_of_a_database_is_not_renewed_by_k3s() -> None:
    times = "current time 2026-03-04T05:06:07Z is after 2026-03-01T00:00:00Z"
    over = f"x509: certificate has expired or is not yet valid: {times}"
    told_first = first(
        k3s("fatal", f"starting kubernetes: preparing server: creating storage endpoint: building kine: {over}")
    )
    assert "renew it at the database" in told_first[1]
    other = first(k3s("fatal", f'Get "https://10.1.1.1:6443/cacerts": {over}'))
    assert "database" not in other[1]


def crash(*words: str) -> str:
    lines = "\n".join(f"{HEAD} k3s[71]: {one}" for one in words)
    begin = k3s("info", "Starting k3s v1.30.2+k3s1 (aa7b1c2d)", 6)
    over = "k3s.service: Main process exited, code=exited, status=2/INVALIDARGUMENT"
    return f"{begin}\n{lines}\n{HEAD} systemd[1]: {over}\n"


@pytest.mark.parametrize(
    "words",
    [
        ("runtime: failed to create new OS thread (have 31 already; errno=11)", "fatal error: newosproc"),
        ("runtime/cgo: pthread_create failed: Operation not permitted", "SIGABRT: abort", "PC=0x7f00 m=0 sigcode=6"),
    ],
)
def test_a_thread_that_the_kernel_refuses_is_no_fault_of_the_program(words: tuple[str, ...]) -> None:
    title, said = first(crash(*words))
    assert title == "The kernel refuses another thread"
    assert "pids.max" in said
    assert "another release" not in said.casefold()


@pytest.mark.parametrize(("signal", "disk"), [("SIGBUS: bus error", True), ("SIGSEGV: segmentation violation", False)])
def test_a_bus_error_is_a_file_that_was_not_delivered(signal: str, disk: bool) -> None:
    title, said = first(
        crash(
            "unexpected fault address 0x7fee12340000",
            "fatal error: fault",
            f"[signal {signal} code=0x2 addr=0x7fee12340000 pc=0x1d0f00]",
            "goroutine 77 [running]:",
            "go.etcd.io/bbolt.(*Tx).page(0xc000, 0x7f)",
        )
    )
    assert ("SIGBUS" in title) == disk
    assert "First in its own code at bbolt.(*Tx).page" in said
