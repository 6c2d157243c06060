"""Work that does to its process what inputs of the wild do: for tests of the engine, found by name in a worker."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import sys
import time
from collections.abc import Sequence

from analyzer.collection.model import InputRow, InputSpec
from analyzer.collection.work import InputResult, WorkOptions, guarded, one


def quick(specs: Sequence[InputSpec], options: WorkOptions) -> list[InputResult]:
    """Does as an input's name says, else nothing: rows without starts."""
    return [_quick(spec, options) for spec in specs]


def _quick(spec: InputSpec, options: WorkOptions) -> InputResult:
    return guarded(spec, options, lambda: _act(spec))


def _act(spec: InputSpec) -> InputResult:
    kind = spec.name.split("-")[0]
    if kind == "killer":
        os.kill(os.getpid(), signal.SIGKILL)
    elif kind == "sleeper":
        time.sleep(3600)
    elif kind == "spinner":
        while True:
            with contextlib.suppress(Exception):  # as readers do that take anything for damage
                time.sleep(0.001)
    elif kind == "stuck":  # one call in C that gives nobody else a turn
        re.match(r"(a|aa)+$", "a" * 80 + "b")
    elif kind == "hog":
        return InputResult(spec, InputRow(spec.name, starts=len(bytearray(1 << 40))))
    elif kind == "late":
        time.sleep(0.3)
    return InputResult(spec, InputRow(spec.name, spec.size, starts=1))


def deaf(specs: Sequence[InputSpec], options: WorkOptions) -> list[InputResult]:
    """As ``quick`` without any limit of its own: nobody but the parent can end it."""
    return [_act(spec) for spec in specs]


def raising(specs: Sequence[InputSpec], options: WorkOptions) -> list[InputResult]:
    """A fault of the program on one of the inputs."""
    for spec in specs:
        if spec.name.startswith("fault"):
            raise LookupError(f"password=hunter2hunter2 of {spec.name}")
    return quick(specs, options)


def real(specs: Sequence[InputSpec], options: WorkOptions) -> list[InputResult]:
    """The real work, but for the inputs that act."""
    acting = ("killer", "stuck", "sleeper")
    return [_quick(s, options) if s.name.startswith(acting) else one(s, options) for s in specs]


def main_module(specs: Sequence[InputSpec], options: WorkOptions) -> list[InputResult]:
    """Tells in the row what the worker knows of its parent's main program, and where it looks for modules."""
    main = getattr(sys.modules["__mp_main__"], "__file__", None)
    known = f"{main} {'typer' in sys.modules} {'pandas' in sys.modules} {sys.flags.safe_path}"
    return [InputResult(spec, InputRow(spec.name, error=known)) for spec in specs]
