"""A start that ends with words of one's own (``fate="fatal"``), put as the release puts such an end.

The words decide when it happens and in which shape, as on real servers:

``Incorrect Usage: …``                 before everything, bare, with the fatal line behind it
``<component> exited: …``              when the API server was asked for: fatal up to 1.28, error up to 1.34.1, then
                                       inside a shutdown request
``PostStartHook "…" failed: …``, ``F:…`` after the server began to serve: a klog fatal line and klog's panic
``panic: …``, ``fatal error: …``       the Go runtime's, with goroutines
``<part> panic: …``, ``Failed …``      a fatal line of k3s as it is
anything else                          while the server is prepared, behind the release's chain of wrappers
"""

from __future__ import annotations

import re
from typing import Literal

When = Literal["usage", "prepare", "launch", "crash", "serve"]

_USAGE = "Incorrect Usage: "
_COMPONENT = re.compile(
    r"(?:apiserver|controller-manager|scheduler|cloud-controller-manager|kubelet|kube-proxy|etcd|containerd|cri-dockerd"
    r"|flannel) exited: "
)
_RUNTIME = ("panic: ", "fatal error: ", "SIGILL: ", "SIGSEGV: ")
_SERVING = re.compile(r'PostStartHook "|F:')
_WHOLE = re.compile(r"[\w .-]+ panic: |Failed |Tunnel |Error |failed to start networking|Managed etcd ")

FRAMES = (
    "goroutine 1041 [running]:",
    "github.com/k3s-io/k3s/pkg/daemons/control.Server({0x5d0e6c3, 0xc0004f2e00}, 0xc00b1f3d70)",
    "\t/go/src/github.com/k3s-io/k3s/pkg/daemons/control/server.go:101 +0x2b4",
    "created by github.com/k3s-io/k3s/pkg/cli/server.run in goroutine 1",
)


def when(words: str) -> When:
    """At which point of the start the process says ``words`` and ends."""
    if words.startswith(_USAGE):
        return "usage"
    if words.startswith(_RUNTIME):
        return "crash"
    if _SERVING.match(words):
        return "serve"
    return "launch" if _COMPONENT.match(words) else "prepare"


def usage(words: str) -> str:
    """The fatal line that follows the bare one."""
    return words.removeprefix(_USAGE)


def served(words: str) -> str:
    """The text of klog's fatal line."""
    return words.removeprefix("F:")


def prepared(words: str, minor: int) -> str:
    """The text of the fatal line of a server that could not be prepared."""
    if _WHOLE.match(words):
        return words
    return f"preparing server: {words}" if minor >= 32 else f"starting kubernetes: preparing server: {words}"


def component_level(minor: int) -> str:
    """The level of a component's end in releases that print one."""
    return "fatal" if minor <= 28 else "error"
