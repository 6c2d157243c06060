"""What every part of a start's script shares: the buffer of lines, the plan, the release, and lines of k3s in a row."""

from __future__ import annotations

from dataclasses import dataclass

from analyzer.testing.line_buffer import LineBuffer
from analyzer.testing.release import Release
from analyzer.testing.true_moments import DatastoreState
from analyzer.testing.truth import StartPlan

DATA = "/var/lib/rancher"


@dataclass(slots=True)
class ScriptContext:
    """Writes lines of one start into its buffer."""

    buffer: LineBuffer
    plan: StartPlan
    rel: Release
    stored: DatastoreState
    address: str
    ca_born: int  # second in which the cluster's CA was made

    @property
    def dir(self) -> str:
        """The product's data folder."""
        return f"{DATA}/{self.plan.product}"

    def run(self, at: int, *texts: str, step: float = 0.0008) -> int:
        """Info lines of k3s one after another; the moment of the last."""
        for text in texts:
            at = self.buffer.soon(at, step / 20, step)
            self.buffer.log(at, text)
        return at
