"""How a start ends: mistakes at the beginning, the fifteen minutes, a hook's limit, a kill, a stop, or not at all."""

from __future__ import annotations

from analyzer.testing import log_wording, own_fatal
from analyzer.testing.line_buffer import SYSTEMD
from analyzer.testing.script_after import hook_failure
from analyzer.testing.start_state import StartState
from analyzer.testing.true_moments import NEVER
from analyzer.testing.truth import SECOND, PollTruth

BAD_FLAG = "unknown flag: --enable-admission-plugin"
PORT_TAKEN = (
    "failed to create listener: failed to listen on 127.0.0.1:6444: "
    "listen tcp 127.0.0.1:6444: bind: address already in use"
)
BAD_TOKEN = "bootstrap data already found and encrypted with different token"


class Endings(StartState):
    """The ways to end, each as the release does it."""

    __slots__ = ()

    def _fatal_before(self, at: int) -> None:
        """The server cannot be prepared: the token is another one."""
        self.moments.flips = {name: [] for name in self.rel.checks}
        chain = f"failed to bootstrap cluster data: {BAD_TOKEN}" if self.rel.minor >= 32 else BAD_TOKEN
        text = (
            f"preparing server: {chain}" if self.rel.minor >= 32 else f"starting kubernetes: preparing server: {chain}"
        )
        if self.rel.exit_zero:
            self.buffer.log(at - 20, "Shutdown request received")
        self.buffer.log(at, text, "fatal")
        self._die(at, BAD_TOKEN, status=1)

    def _fatal_words(self, at: int, moment: own_fatal.When) -> bool:
        """The plan's own last words, when this is their moment."""
        words = self.plan.last_words
        if self.plan.fate != "fatal" or own_fatal.when(words) != moment:
            return False
        self.moments.flips = {name: [] for name in self.rel.checks}
        match moment:
            case "usage":
                for row in (words, "", "NAME:", "   k3s server - Run management server"):
                    self.buffer.raw(at - 50, row)
                words = own_fatal.usage(words)
                self.buffer.log(at, words, "fatal")
            case "crash":
                for number, row in enumerate((words, "", *own_fatal.FRAMES)):
                    self.buffer.raw(at - 60 + 6 * number, row)
            case _:
                if self.rel.exit_zero:
                    self.buffer.log(at - 20, "Shutdown request received")
                self.buffer.log(at, own_fatal.prepared(words, self.rel.minor), "fatal")
        self._die(at, words, status=2 if moment == "crash" else 1)
        return True

    def _fatal_serving(self) -> None:
        """Last words of a hook: before any hook with work to do can be through."""
        if self.plan.fate == "fatal" and own_fatal.when(self.plan.last_words) == "serve":
            self.moments.dead = self.moments.serving + self.rng.randint(400_000, 900_000)
            self.dies_at = min(self.dies_at, self.moments.dead)

    def _fatal_launch(self, at: int) -> bool:
        """The API server ends as soon as it begins."""
        causes = {"bad-flag": BAD_FLAG, "port-taken": PORT_TAKEN}
        cause, component = causes.get(self.plan.fate), "apiserver"
        if self.plan.fate == "fatal" and own_fatal.when(self.plan.last_words) == "launch":
            component, _, cause = self.plan.last_words.partition(" exited: ")
        if cause is None:
            return False
        at += self.rng.randint(400, 3000)
        self.buffer.raw(at, f"Error: {cause}")
        if not self.rel.exit_zero:
            self.buffer.log(at + 6, f"{component} exited: {cause}", own_fatal.component_level(self.rel.minor))
        else:
            said = f"{component} exited: {cause}"
            quoted = log_wording.go_quote(said) if self.rel.quotes_cause else said
            self.buffer.log(at + 6, f"Shutdown request received: {quoted}", "error")
            text = f"Polling for API server readiness: GET /readyz failed: {log_wording.canceled(6443)}"
            self.buffer.log(at + 260, text)
            self.polls.append(PollTruth(at + 5, at + 260, None, "context_canceled", printed=True))
            self.buffer.log(at + 300, "Closing database connections...")
        self._die(at + 400, cause, status=0 if self.rel.exit_zero else 1)
        return True

    def _give_up(self, at: int, last: str) -> None:
        """Fifteen minutes are over."""
        glue = "\n" if self.rel.joins_with_newline else ", "
        cause = f"ait for API server to become ready: context deadline exceeded{glue}{last}"
        if not self.rel.exit_zero:
            self.buffer.log(at, f"Failed to w{cause}", "fatal")
        else:
            text = f"failed to w{cause}"
            quoted = log_wording.go_quote(text) if self.rel.quotes_cause else text
            self.buffer.log(at, f"Shutdown request received: {quoted}", "error")
            if self.plan.store == "etcd":
                self.buffer.log(at + 1100, "Stopping etcd server...")
                self.buffer.log(at + 1600, "etcd exited: server is stopping", "error")
        self._die(at + 1700, "to become ready: context deadline exceeded", status=0 if self.rel.exit_zero else 1)

    def _die(self, at: int, reason: str, *, status: int) -> None:
        """The process ends by itself; systemd notices."""
        self.dies_at = self.buffer.end = at
        self.reason, self.failed, self.end_in_log = reason, True, True
        at += self.rng.randint(3000, 20_000)
        if status == 0:
            started = any(line.fields.get("MESSAGE_ID") == SYSTEMD["started"] for _, _, line in self.buffer.rows)
            if started:
                self._succeeded(at)
            else:
                self.buffer.systemd(at, "failed", f"{self.unit}: Failed with result 'protocol'.", 4)
            return
        name = {1: "FAILURE", 2: "INVALIDARGUMENT"}[status]
        text = f"{self.unit}: Main process exited, code=exited, status={status}/{name}"
        self.buffer.systemd(at, "exited", text, 5, EXIT_CODE="exited", EXIT_STATUS=str(status))
        self.buffer.systemd(at + 90, "failed", f"{self.unit}: Failed with result 'exit-code'.", 4)

    def _succeeded(self, at: int) -> None:
        words = "Succeeded." if self.old_systemd else "Deactivated successfully."
        self.buffer.systemd(at, "succeeded", f"{self.unit}: {words}")

    def _finish(self) -> int:
        """Whatever ends the start, or the end of the recording; the moment after which the next may begin."""
        plan, buffer = self.plan, self.buffer
        noticed = self.success.answered if self.success is not None else None
        if plan.fate in ("stop", "kill") and not plan.fate_at_s:
            after = noticed if noticed is not None else self.process
            self.dies_at = after + round(plan.run_s * SECOND)
        if plan.fate in ("hook-limit", "fatal") and self.moments.dead != NEVER and self.dies_at == self.moments.dead:
            text, reason = hook_failure()
            if plan.fate == "fatal":
                text = reason = own_fatal.served(plan.last_words)
            last = self.after.panic(self.moments.dead, text)
            self._die(last, reason, status=2)
            return last
        if plan.fate == "kill":
            buffer.end = self.dies_at
            self.failed = True
            at = self.dies_at + self.rng.randint(300, 9000)
            text = f"{self.unit}: Main process exited, code=killed, status=9/KILL"
            buffer.systemd(at, "exited", text, 5, EXIT_CODE="killed", EXIT_STATUS="9")
            buffer.systemd(at + 80, "failed", f"{self.unit}: Failed with result 'signal'.", 4)
            return at
        if plan.fate == "stop":
            return self._stop(before_ready=noticed is None or noticed > self.dies_at)
        if self.failed:
            return self.dies_at
        last = noticed if noticed is not None else self.process + 60 * SECOND
        buffer.end = min(buffer.end, last + round(plan.run_s * SECOND))
        return buffer.end

    def _stop(self, *, before_ready: bool) -> int:
        """Somebody asked systemd to stop it."""
        buffer, at = self.buffer, self.dies_at
        buffer.systemd(at, "stopping", f"Stopping {self.described}...")
        told = at + self.rng.randint(200, 3000)
        buffer.end = told
        # Nothing of the normal course is said any more: only the noise of going down.
        kept = buffer.lines()
        buffer.rows = [(line.at_us, number, line) for number, line in enumerate(kept)]
        buffer.end = NEVER
        self.end_in_log = self.rel.says_signal
        self.after.closing(told, before_ready=before_ready)
        if before_ready and self.plan.cancel_prints_ready and self.rel.cancel_closes and self.plan.role == "server":
            self.setup.run(told + 2000, "Kube API server is now running", f"{self.plan.product} is up and running")
        over = at + self.rng.randint(60_000, 900_000)
        self._succeeded(over)
        buffer.systemd(over + 900, "stopped", f"Stopped {self.described}.")
        return over + 1000
