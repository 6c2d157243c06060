"""A pasted terminal: which command printed the lines, as its prompts tell."""

from __future__ import annotations

import re
from collections.abc import Sequence

_NAMED = re.compile(
    r"(?:\[\w[\w.-]{0,40}@[^\]\n]{1,80}\][$#%]|\w[\w.-]{0,40}@[\w.-]{1,64}[: ][^\s$#%]{0,120} ?[$#%]"
    r"|[\w.-]{1,64}:[~/][^\s$#]{0,80} #|(?:ba|a|z)?sh-\d[\d.]{0,5}[$#]|[~/][^\s$#]{0,40} [$#])(?: (.*)|$)"
)
# Without a name before it `#` may begin a heading, and `$` anything: only a command that is known is one.
_SIGN = re.compile(r"(?:[$#❯➜%]) {1,3}(.*)")
_WORD = re.compile(r"\S+")
_BEFORE = frozenset({"sudo", "time", "watch", "nohup", "exec", "env", "do", "then", "command", "stdbuf", "timeout"})
_SHOWS_LOGS = frozenset({
    "journalctl", "systemctl", "service", "cat", "zcat", "tail", "head", "less", "more", "grep", "zgrep", "egrep",
    "awk", "sed", "jq", "dmesg", "k3s", "k3s-server", "k3s-agent", "rke2", "sh", "bash", "stern", "logcli", "k3sup",
    "tac", "bat", "k3d", "rc-service", "kubetail", "install.sh",
})  # fmt: skip
_FILTERS = frozenset({
    "grep", "egrep", "zgrep", "awk", "sed", "jq", "head", "tail", "less", "more", "cat", "tac", "bat",
})  # fmt: skip
_LOGS_OF = frozenset({"docker", "podman", "nerdctl", "docker-compose", "kubectl", "oc", "crictl", "lxc", "multipass"})
_SHOWING = frozenset({"logs", "log", "up", "start", "run", "attach"})
_ASKING = frozenset({"kubectl", "oc", "crictl"})  # of these, only what they show of other logs
# What k3s itself runs when it is called so: another program with another output.
_INSIDE = frozenset({
    "kubectl", "crictl", "ctr", "check-config", "etcd-snapshot", "certificate", "token", "secrets-encrypt", "--version",
    "-v", "version", "help", "--help", "completion",
})  # fmt: skip
_OTHERS = frozenset({
    "ctr", "helm", "etcdctl", "curl", "wget", "ps", "df", "du", "free", "top", "htop", "ls", "ll", "ip", "iptables",
    "nft", "netstat", "ss", "ping", "dig", "nslookup", "host", "openssl", "date", "uname", "echo", "mount", "lsblk",
    "lscpu", "iostat", "vmstat", "nc", "telnet", "find", "sysctl", "lsmod", "modprobe", "hostname", "hostnamectl",
    "timedatectl", "uptime", "vi", "vim", "nano", "cd", "rm", "cp", "mv", "mkdir", "chmod", "chown", "export", "kill",
    "pgrep", "lsof", "getenforce", "sestatus", "ausearch", "k9s", "cilium", "calicoctl", "sqlite3", "etcdutl",
})  # fmt: skip


def prompt(text: str) -> str | None:
    """The command behind a shell prompt, empty for a prompt alone; ``None``: the line is none."""
    match = _NAMED.match(text)
    if match is not None:
        return (match[1] or "").strip()
    match = _SIGN.match(text)
    if match is None:
        return None
    command = match[1].strip()
    name, _ = _called(command)
    return command if _known(name) or name in _SHOWS_LOGS else None


def _known(name: str) -> bool:
    """Whether a program is one of those whose output is no log."""
    return name in _LOGS_OF or name in _OTHERS or name in _ASKING


def _called(command: str) -> tuple[str, str]:
    """The program of a command and its first argument that is no option."""
    words = _WORD.findall(command[:2000])
    at = 0
    while at < len(words) and (words[at] in _BEFORE or words[at][0] == "-" or re.match(r"\w{1,40}=", words[at])):
        at += 1
    name = words[at].rpartition("/")[2] if at < len(words) else ""
    following = next((w for w in words[at + 1 :] if w[0] != "-" or name in ("k3s", "rke2")), "")
    return name, following


def shows_a_log(command: str) -> bool:
    """Whether what a command prints may be the log of a server, or what a unit and its installer say."""
    return any(_pipe_shows(pipe.split("|")) for pipe in re.split(r"\|\||&&|;", command[:2000]))


def _pipe_shows(parts: Sequence[str]) -> bool:
    for number, part in enumerate(parts):
        name, following = _called(part)
        words = set(part.split())
        if name in ("k3s", "rke2") and following in _INSIDE:
            found = following in _ASKING and "logs" in words
        elif name in _ASKING:
            found = "logs" in words
        elif name in _LOGS_OF:
            found = bool(_SHOWING & words) or ("exec" in words and bool(_SHOWS_LOGS & words))
        else:  # a filter shows what it is given; at the head of a pipe it reads a file
            found = name in _SHOWS_LOGS and (number == 0 or name not in _FILTERS)
        if found:
            return True
    return False


class Terminal:
    """Goes along a text; ``foreign``: the lines are the output of a command that shows no log."""

    def __init__(self) -> None:
        self.foreign = False
        self.called = ""  # "rke2 agent": what was started last, until a line of it is read

    def see(self, text: str, read: bool) -> bool:
        """Whether the line is a prompt; it says whose the following lines are.

        Where no log was ``read`` before, a command that nobody knows may be what shows it.
        """
        if text.startswith("```"):
            self.foreign = False  # the end of the paste, or the begin of another
        if text[:1] in ' \t"{<' or not any(sign in text[:200] for sign in "$#%❯➜>"):
            return False
        command = prompt(text)
        if command is None:
            return False
        if command:
            name, following = _called(command)
            inside = name in ("k3s", "rke2") and following in _INSIDE
            role = next((word for word in _WORD.findall(command[:2000]) if word in ("server", "agent")), "")
            self.called = f"{name} {role}" if role and name in ("k3s", "rke2") and not inside else ""
            self.foreign = not shows_a_log(command) and (read or inside or _known(name))
        return True
