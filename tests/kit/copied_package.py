"""A copy of the package to add something to, as the pages in ``docs/contributing`` say, and commands run in it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def copied_into(folder: Path) -> Path:
    """``folder``, with ``analyzer/`` in it; with what is compiled of it, or every process would do that again."""
    shutil.copytree(ROOT / "analyzer", folder / "analyzer")
    return folder


def run_in(copy: Path, *command: str, beside: tuple[Path, ...] = ()) -> subprocess.CompletedProcess[str]:
    """Python with ``command``, which sees the copy first and then what lies in ``beside``."""
    return subprocess.run(
        [sys.executable, *command],
        cwd=copy,
        env={"PYTHONPATH": os.pathsep.join(map(str, (copy, *beside)))},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
