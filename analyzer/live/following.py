"""A server whose credentials may change while it is waited for.

k3s and RKE2 write their kubeconfig during the first start, and again whenever it does not fit the cluster: beside a
data directory that was wiped, the file of the old cluster lies until the new server gets to it. So a file that is not
there yet, or half written, is waited for; one that changed is read again before the next poll; and a refusal (401, a
certificate of an unknown CA) is final only once the files have stayed the same for a good while.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from analyzer.errors import BadInputError, K3slogError
from analyzer.live.answers import visible
from analyzer.live.ending import REFUSALS
from analyzer.live.kubeconfig import Access, NotThereError
from analyzer.live.observed_polls import Answer
from analyzer.live.prober import Prober, Reply
from analyzer.live.target import Target, access_of, kubeconfigs_of
from analyzer.live.transport import HttpProber

#: Files that have stayed the same for so long, from the first refusal on, are taken for final.
PATIENCE_S = 60.0
#: A file that cannot be used, and was last written so long ago, is not in the middle of being written.
SETTLED_S = 3.0

_Stamp = tuple[int, int, int]  # of a file: mtime, size, inode


class Following(Prober):
    """A ``Prober`` that reads its credentials anew where they changed.

    ``waiting_for``: what is missing before anything can be asked, empty: nothing. ``told`` gets a line for people
    whenever something of that changes.
    """

    def __init__(
        self,
        target: Target,
        *,
        patience_s: float = PATIENCE_S,
        told: Callable[[str], None] = lambda _line: None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._target = target
        self._patience_s = patience_s
        self._told = told
        self._now = monotonic
        self._prober: HttpProber | None = None
        self._old: list[HttpProber] = []  # replaced, and still to be closed
        self._access: Access | None = None
        self._stamps: dict[Path, _Stamp | None] = {}
        self._same_since = self._now()
        self._refused_since: float | None = None
        self._unusable_since: float | None = None
        self._notes: set[str] = set()
        self._waiting_for = ""

    @property
    def waiting_for(self) -> str:
        """What is missing before anything can be asked."""
        return self._waiting_for

    @property
    def server(self) -> str:
        """The address, empty while it is not known."""
        return self._prober.server if self._prober is not None else ""

    @property
    def anonymous(self) -> bool:
        """Whether there are no credentials."""
        return self._prober is not None and self._prober.anonymous

    def ready_to_ask(self) -> bool:
        """Look whether there is something to ask, and with what; ``False``: not yet, see ``waiting_for``.

        Raises ``UsageError`` and ``BadInputError`` for what will not become better by waiting.
        """
        try:
            self._read()
        except NotThereError as problem:
            self._wait_for(f"{' or '.join(map(str, problem.paths))} to appear")
            self._unusable_since = None
        except BadInputError as problem:
            if not self._may_be_half_written():
                raise
            self._wait_for(f"a file that can be used: {problem.message}")
        else:
            self._wait_for("")
        return self._prober is not None and not self.waiting_for

    async def ask(self, limit_s: float) -> Answer:
        """One poll, with the credentials that are there now."""
        await self._follow()
        assert self._prober is not None, "ask only after ready_to_ask"
        answer = await self._prober.ask(limit_s)
        await self._judge(answer.error)
        return answer

    async def get(self, target: str, limit_s: float, body_limit: int) -> Reply | Answer:
        """Something else of the same server."""
        await self._follow()
        assert self._prober is not None, "ask only after ready_to_ask"
        reply = await self._prober.get(target, limit_s, body_limit)
        await self._judge(reply.error if isinstance(reply, Answer) else "unauthorized" if reply.status == 401 else None)
        return reply

    def may_heal(self, error: str) -> str:
        """Why a fatal answer may yet go away by itself, in words; empty: it does not."""
        healing = self._healing(error)
        if error not in REFUSALS or not healing or self._refused_since is None:
            return ""
        left_s = self._patience_s - (self._now() - max(self._refused_since, self._same_since))
        if left_s <= 0:
            return ""
        return f"waiting for {healing[0]} to be written anew, for {left_s:.0f} s more"

    def changed(self) -> bool:
        """Whether a file has changed since it was read."""
        return self._stamps != {path: _stamp(path) for path in self._stamps}

    async def aclose(self) -> None:
        """Let go of the connections."""
        for prober in (*self._old, *([self._prober] if self._prober is not None else [])):
            await prober.aclose()
        self._old.clear()

    # --- files

    def _files(self) -> tuple[Path, ...]:
        return self._access.files if self._access is not None else ()

    def _healing(self, error: str) -> list[Path]:
        """Files that may turn a refusal when written anew: no CA logs anybody in, no token makes a CA known."""
        named = self._target
        others = (named.ca,) if error == "unauthorized" else (named.cert, named.key, named.token_file)
        return [path for path in self._files() if path not in others]

    async def _follow(self) -> None:
        """Before a request: read again what changed; what cannot be used now is left for the next time."""
        if self.changed():
            self._reread()
        while self._old:
            await self._old.pop().aclose()

    async def _judge(self, error: str | None) -> None:
        """After an answer: a refusal is a reason to look whether the files still say the same."""
        if error not in REFUSALS:
            self._refused_since = None
            return
        if self._refused_since is None:
            self._refused_since = self._now()
        self._reread()

    def _reread(self) -> None:
        try:
            self._read()
        except K3slogError as problem:
            self._stamps = {path: _stamp(path) for path in self._stamps}
            self._note(f"what was read before is still used: {problem.message}")

    def _read(self) -> None:
        """Read the files; a prober of its own only where they say something else than before."""
        paths = kubeconfigs_of(self._target)
        stamps = {path: _stamp(path) for path in (*paths, *self._target.files, *self._stamps)}  # before they are read
        access = access_of(replace(self._target, found=paths))
        if access != self._access:
            self._use(HttpProber(access), access)
        self._target = replace(self._target, found=paths)
        self._stamps = {path: stamps[path] if path in stamps else _stamp(path) for path in access.files}

    def _use(self, prober: HttpProber, access: Access) -> None:
        if self._prober is not None:
            self._old.append(self._prober)
            self._told(f"{_changed_file(self._stamps, access)} was written anew and is used from now on")
        self._prober, self._access, self._same_since = prober, access, self._now()
        for note in access.notes:
            self._note(note)

    def _may_be_half_written(self) -> bool:
        """Whether a file that cannot be used may be in the middle of being written: it changed a moment ago."""
        now = self._now()
        if self._unusable_since is None:
            self._unusable_since = now
            ages = [time.time() - (stamp[0] / 1e9) for stamp in map(_stamp, self._named()) if stamp is not None]
            return bool(ages) and min(ages) < SETTLED_S
        return now - self._unusable_since < SETTLED_S

    def _named(self) -> tuple[Path, ...]:
        return self._target.files or self._target.own_kubeconfigs

    def _wait_for(self, what: str) -> None:
        if what != self._waiting_for and what:
            self._told(f"waiting for {what}")
        self._waiting_for = what

    def _note(self, note: str) -> None:
        if note not in self._notes:
            self._notes.add(note)
            self._told(visible(note))


def _changed_file(before: Mapping[Path, _Stamp | None], access: Access) -> Path:
    return next((path for path in access.files if before.get(path) != _stamp(path)), access.files[0])


def _stamp(path: Path) -> _Stamp | None:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
