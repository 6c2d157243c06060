"""What every part of a start's script shares: the tape, the plan, the release, and lines of k3s in a row."""

from __future__ import annotations

from dataclasses import dataclass

from analyzer.testing.model import StartPlan
from analyzer.testing.release import Release
from analyzer.testing.tape import Tape
from analyzer.testing.world import Stored

DATA = "/var/lib/rancher"


@dataclass(slots=True)
class Stage:
    """Writes lines of one start on its tape."""

    tape: Tape
    plan: StartPlan
    rel: Release
    stored: Stored
    address: str
    ca_born: int  # second in which the cluster's CA was made

    @property
    def dir(self) -> str:
        """The product's data folder."""
        return f"{DATA}/{self.plan.product}"

    def run(self, at: int, *texts: str, step: float = 0.0008) -> int:
        """Info lines of k3s one after another; the moment of the last."""
        for text in texts:
            at = self.tape.soon(at, step / 20, step)
            self.tape.log(at, text)
        return at
