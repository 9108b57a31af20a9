"""One run from start to end: the loop that watches, forwards, reaps, bounds and tells."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Callable
from typing import Any

from doctor.run.log.keeper import LogKeeper
from doctor.run.prepare import Prepared
from doctor.run.signals import ENDING, Received, Signals
from doctor.run.spawn import NotStarted, environment, spawn
from doctor.run.story import endings, postmortem, summary
from doctor.run.waiting import Waiting
from doctor.run.watch import evidence, linux
from doctor.run.watch.samples import Sampler
from doctor.run.watch.tree import Process, Tree, read_stat

SETTLE = 0.4
HURRY, BUSY, LIVELY, IDLE = 0.005, 0.025, 0.1, 0.15
BLIND = 5.0  # some containers show a /proc/loadavg that never changes
SCAN_SHARE = {True: 50, False: 2000}  # a look may take 2 % of a core while things change, 0.05 % when they do not
_STOPS = ("SIGTSTP",)


class Supervisor:
    """Watches one server. `run()` returns the status that doctor ends with."""

    def __init__(self, prepared: Prepared, signals: Signals) -> None:
        self.run_ = prepared
        self.options, self.folder, self.journal = prepared.options, prepared.folder, prepared.journal
        self.signals = signals
        self.tree = Tree(self._born, self._died)
        self.logs = LogKeeper(prepared.logs, prepared.cap, self._warn)
        self.main: Process | None = None
        self.sampler: Sampler | None = None
        self.waiting: Waiting | None = None
        self.kill_at: float | None = None
        self.interrupted = self.stopped = False
        self._asked_until = 0.0
        self._costs = {True: 0.0, False: 0.0}
        self._scanned = self._searched = self._changed_at = self._refreshed = 0.0

    def run(self) -> int:
        """Starts the server, watches it to its end, writes the report."""
        for line in self.run_.opening:
            self.logs.say(line)
        linux.become_subreaper()
        try:
            self._start()
        except NotStarted as e:
            return self._not_started(e.status, str(e))
        assert self.main is not None
        while self.main.alive:
            try:
                self._tick()
            except OSError as e:  # no trouble of ours may end the watch: the server would live on alone
                self._warn(f"watching met a problem: {e}")
                time.sleep(IDLE)
        return self._finish(self.main)

    def _start(self) -> None:
        early = self.signals.pending_end()
        if early is not None:
            raise NotStarted(128 + early, f"{endings.name_of(early)} came before the start")
        env, _, _ = environment(self.options.argv, os.environ)
        sinks = self.logs.open()
        self.tree.ours = {pump.pid for pump in self.logs.pumps}
        began = time.monotonic()
        pid = spawn(self.options.argv, env, sinks[0], sinks[-1], self.signals, self.options.stdin)
        self.tree.began = began
        self.main = self.tree.add(pid, os.getpid(), read_stat(pid))
        self.journal.add("start", pid=pid, start=self.main.start, t=0.0)
        self.logs.show()
        self.sampler = Sampler(self.folder / "samples.jsonl", lambda: list(self.tree.living), began)
        self.sampler.start()
        self.waiting = Waiting(self.options, self.tree, self.sampler) if self.options.ready else None

    def _not_started(self, status: int, why: str) -> int:
        self.journal.add("not_started", status=status, why=self.run_.redactor.line(why))
        self._say(why)
        self.logs.show()
        self._save()
        self.logs.leave(str(self.folder))
        return status

    # -- the loop ------------------------------------------------------------------------------------------------

    def _tick(self) -> None:
        growing = self.logs.keep()
        got = self.signals.wait(HURRY if self.logs.full else BUSY if growing else self._pace())
        while got is not None:
            self._signal(got)
            got = self.signals.wait(0)
        self.tree.reap()
        self.tree.poll()
        self.logs.hold_on(self.tree.ours, self.tree.ours_gone)
        self._look()
        if self.kill_at is not None and time.monotonic() >= self.kill_at:
            self._kill_all(f"it did not end within {self.options.grace:g} s after it was asked to")
        if self.waiting and (told := self.waiting.news()):
            self._news(*told)

    def _pace(self) -> float:
        return LIVELY if time.monotonic() - self._changed_at < 60 else IDLE

    def _look(self) -> None:
        """Scans for new processes, as often as it is cheap; at once while the tree is changing."""
        now = time.monotonic()
        lively = now - self._changed_at < 5
        share = SCAN_SHARE[lively]
        if now - self._scanned < max(LIVELY, self._costs[False] * share):
            return
        self._scanned = now
        if self.tree.changed() or now - self._searched > BLIND:
            thorough = now - self._searched > max(LIVELY, self._costs[True] * share)
            self._searched = now if thorough else self._searched
            cost = time.thread_time()
            self.tree.scan(every_thread=thorough)
            self._costs[thorough] = time.thread_time() - cost
        else:
            self.tree.check_unwatched()
        if now - self._refreshed > 1:
            self._refreshed = now
            self.tree.refresh()

    def _news(self, kind: str, text: str, fields: dict[str, object]) -> None:
        self.journal.add(kind, t=self.tree.now(), text=text, **fields)
        self._say(text)
        if kind == "failed":
            self._asked()
            self._forward(signal.SIGTERM, group=False)
            self._give_grace()
            self.run_.failed = True

    # -- signals -------------------------------------------------------------------------------------------------

    def _signal(self, got: Received) -> None:
        if got.name == "SIGCONT":
            self._resume()
            return
        self.journal.add("signal", name=got.name, sender=got.sender, t=self.tree.now(), terminal=got.from_terminal)
        if got.name in _STOPS:
            self._suspend()
            return
        if got.name == "SIGINT" and self.interrupted:
            self._kill_all("Ctrl-C came a second time")
            return
        self.interrupted = self.interrupted or got.name == "SIGINT"
        self._forward(got.number, group=got.from_terminal)
        if got.name in (*ENDING, "SIGHUP"):
            self._asked()
        if got.name in ENDING and self.kill_at is None:
            self._give_grace()

    def _asked(self) -> None:
        """From now on an end is what was wanted; not for ever, since a hang-up may mean: read the settings again."""
        self._asked_until = time.monotonic() + self.options.grace + 10

    @property
    def requested(self) -> bool:
        """Whether somebody asked the server to end, a short time ago."""
        return time.monotonic() < self._asked_until

    def _give_grace(self) -> None:
        self.kill_at = time.monotonic() + self.options.grace

    def _forward(self, number: int, group: bool) -> None:
        """To the server alone, or, when the terminal sent it, to the server's group as the terminal would have done."""
        if self.main is None or not self.main.alive:
            return
        try:
            if group:
                os.killpg(self.main.pid, number)
            else:
                os.kill(self.main.pid, number)
        except ProcessLookupError:
            return
        except PermissionError:
            self._warn(f"{endings.name_of(number)} could not be sent to process {self.main.pid}: it is another user's")

    def _suspend(self) -> None:
        self.tree.scan()
        self.tree.kill(signal.SIGSTOP)
        self.stopped = True
        left = None if self.kill_at is None else self.kill_at - time.monotonic()
        os.kill(os.getpid(), signal.SIGSTOP)
        self._resume()
        self.kill_at = None if left is None else time.monotonic() + left

    def _resume(self) -> None:
        if self.stopped:
            self.tree.kill(signal.SIGCONT)
            self.stopped = False

    def _kill_all(self, why: str) -> None:
        """SIGKILL to every process of the tree, repeated until the main one is gone."""
        if not any(e["event"] == "killed" for e in self.journal.kept):
            self.journal.add("killed", why=f"SIGKILL was sent by qvl-doctor: {why}", t=self.tree.now())
            self._say(f"the server is killed: {why}")
        self._asked()
        self.tree.scan()
        refused = self.tree.kill(signal.SIGKILL)
        if refused:
            self._warn(f"not allowed to end: {', '.join(str(p.pid) for p in refused)} (another user's)")
        self.kill_at = time.monotonic() + 1

    # -- the end -------------------------------------------------------------------------------------------------

    def _finish(self, main: Process) -> int:
        end = endings.ending(main.status)
        if self.waiting:
            self.waiting.stop()
        self.tree.scan()
        if self.tree.living:
            self._for(SETTLE, lambda: True)
        if self.tree.living and (end["exit_code"] != 0 or self.requested):
            self._clean_up()
        self.tree.scan()
        self.logs.drain(self.tree.reap, self.tree.ours_gone, bool(self.tree.living))
        self._list_survivors()
        if self.sampler:
            self.sampler.stopping = True
        evidence.gather(self.run_, self.tree, main)
        if not self.tree.living:
            self.logs.release()
        report = self._save()
        self._summary(report, end)
        self.logs.leave(str(self.folder))
        return 125 if self.run_.failed else 125 if end["exit_code"] is None else int(end["exit_code"])

    def _for(self, seconds: float, wanted: Callable[[], bool]) -> None:
        """Goes on watching for at most `seconds`, while `wanted()` and something lives."""
        until = time.monotonic() + seconds
        while time.monotonic() < until and self.tree.living and wanted():
            got = self.signals.wait(BUSY)
            if got is not None and got.name == "SIGINT" and self.interrupted:
                self._kill_all("Ctrl-C came a second time")
            elif got is not None and got.name in ENDING:
                self.interrupted = self.interrupted or got.name == "SIGINT"
                self._asked()
            self.tree.reap()
            self.tree.poll()
            self.logs.keep()
            self.tree.scan()

    def _clean_up(self) -> None:
        """The main process is gone, its workers are not: they are asked to end, then made to."""
        self.journal.add("cleanup", pids=sorted(self.tree.living), t=self.tree.now())
        self._asked()
        self.tree.kill(signal.SIGTERM)
        self.tree.kill(signal.SIGCONT)
        killed = any(e["event"] == "killed" for e in self.journal.kept)
        self._for(0.1 if killed else self.options.grace, lambda: True)
        if self.tree.living:
            self._for(2.0, lambda: not self.tree.kill(signal.SIGKILL))

    def _list_survivors(self) -> None:
        if self.tree.living:
            self.journal.add("survivors", pids=sorted(self.tree.living), t=self.tree.now())

    def _save(self) -> dict[str, Any]:
        report = postmortem.build(self.folder, self.journal.kept, self.run_.redactor)
        with contextlib.suppress(OSError):
            (self.folder / ".reserve").unlink()
        try:
            postmortem.save(self.folder, report)
        except OSError as e:
            self._say(f"the report could not be written: {e.strerror}")
        return report

    def _summary(self, report: dict[str, Any], end: dict[str, object]) -> None:
        if self.tree.living:
            self._say(f"left running: {', '.join(f'{p.pid} ({p.title})' for p in self.tree.living.values())}")
        if end["exit_code"] != 0:
            for line in summary.closing(report, self.tree.now(), self.folder):
                self._say(line)

    def _say(self, text: str) -> None:
        self.logs.say(f"qvl-doctor: {self.run_.redactor.line(text)}")

    def _warn(self, text: str) -> None:
        if not any(e["event"] == "warning" and e["text"] == text for e in self.journal.kept):
            self.journal.add("warning", text=text, t=self.tree.now())
            self._say(f"warning: {text}")

    def _born(self, p: Process) -> None:
        self._changed_at = time.monotonic()
        hide = self.run_.redactor
        self.journal.add("process", t=p.seen, pid=p.pid, ppid=p.ppid, start=p.start, command=hide.argv(p.command, 40),
                         title=hide.line(p.title, 64), program=p.program, session=p.session)  # fmt: skip

    def _died(self, p: Process) -> None:
        self._changed_at = time.monotonic()
        peak = max(p.peak, self.sampler.peaks.get(p.pid, 0)) if self.sampler else p.peak
        late = self.requested or bool(self.main and not self.main.alive and p is not self.main)
        self.journal.add("exit", t=p.ended, pid=p.pid, start=p.start, status=p.status, peak=peak, after_request=late)
