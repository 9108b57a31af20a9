"""One run from start to end: the loop that watches, forwards, reaps, bounds and tells."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

from doctor.supervise import core, kernel, linux, oom, postmortem, words
from doctor.supervise.launch import NotStarted, environment, spawn
from doctor.supervise.logfile import Log
from doctor.supervise.prepare import Prepared
from doctor.supervise.pump import Pump, advisable
from doctor.supervise.reserve import Reserve
from doctor.supervise.samples import Sampler
from doctor.supervise.signals import ENDING, Received, Signals
from doctor.supervise.tail import Tail
from doctor.supervise.tree import Process, Tree, read_stat
from doctor.supervise.waiting import Waiting

SETTLE = 0.4
HURRY, BUSY, LIVELY, IDLE = 0.005, 0.025, 0.1, 0.15
SCAN_SHARE = {True: 50, False: 1000}  # a look may take 2 % of a core while things change, 0.1 % when they do not
_STOPS = ("SIGTSTP",)


class Supervisor:
    """Watches one server. `run()` returns the status that doctor ends with."""

    def __init__(self, prepared: Prepared, signals: Signals) -> None:
        self.run_ = prepared
        self.options, self.folder, self.journal = prepared.options, prepared.folder, prepared.journal
        self.signals = signals
        self.tree = Tree(self._born, self._died)
        self.tails = _tails(prepared.logs)
        cap = prepared.cap // len(prepared.logs)
        self.pumps: list[Pump] = []
        self.reserves: list[Reserve] = []
        if why := next((w for w in map(advisable, prepared.logs) if w), None):
            self._warn(f"{why}: the output goes through a helper process, and its middle may be given up")
            self.pumps = [Pump.start(log, cap) for log in prepared.logs]
        else:
            self.reserves = [Reserve(log, cap) for log in prepared.logs]
        self.main: Process | None = None
        self.sampler: Sampler | None = None
        self.waiting: Waiting | None = None
        self.kill_at: float | None = None
        self.interrupted = self.stopped = False
        self._asked_until = 0.0
        self._costs = {True: 0.0, False: 0.0}
        self._scanned = self._searched = self._changed_at = self._refreshed = 0.0
        self._full_noted = False
        self._oom_before = prepared.oom_before

    # -- start ---------------------------------------------------------------------------------------------------

    def run(self) -> int:
        """Starts the server, watches it to its end, writes the report."""
        for line in self.run_.opening:
            self.tails[-1].say(line)
        linux.become_subreaper()
        try:
            self._start()
        except NotStarted as e:
            return self._not_started(e.status, str(e))
        assert self.main is not None
        while self.main.alive:
            self._tick()
        return self._finish(self.main)

    def _start(self) -> None:
        early = self.signals.pending_end()
        if early is not None:
            raise NotStarted(128 + early, f"{words.name_of(early)} came before the start")
        for reserve in self.reserves:
            reserve.keep()
        env, _, _ = environment(self.options.argv, os.environ)
        sinks = [p.write_end for p in self.pumps] or [log.fd for log in self.run_.logs]
        self.tree.ours = {p.pid for p in self.pumps}
        began = time.monotonic()
        pid = spawn(self.options.argv, env, sinks[0], sinks[-1], self.signals, self.options.stdin)
        for pump in self.pumps:
            pump.started()
        self.tree.began = began
        self.main = self.tree.add(pid, os.getpid(), read_stat(pid))
        self.journal.add("start", pid=pid, start=self.main.start, t=0.0)
        for tail in self.tails:
            tail.start()
        self.sampler = Sampler(self.folder / "samples.jsonl", lambda: list(self.tree.living), began)
        self.sampler.start()
        self.waiting = Waiting(self.options, self.tree, self.sampler) if self.options.ready else None

    def _not_started(self, status: int, why: str) -> int:
        self.journal.add("not_started", status=status, why=self.run_.redactor.line(why))
        self._say(why)
        for tail in self.tails:
            tail.start()
        self._save()
        self._leave()
        return status

    # -- the loop ------------------------------------------------------------------------------------------------

    def _tick(self) -> None:
        growing = self._keep_logs()
        got = self.signals.wait(HURRY if self._full_noted else BUSY if growing else self._pace())
        while got is not None:
            self._signal(got)
            got = self.signals.wait(0)
        self.tree.reap()
        self.tree.poll()
        self._hold_on()
        self._look()
        if self.kill_at is not None and time.monotonic() >= self.kill_at:
            self._kill_all(f"it did not end within {self.options.grace:g} s after it was asked to")
        if self.waiting and (told := self.waiting.news()):
            self._news(*told)

    def _pace(self) -> float:
        return LIVELY if time.monotonic() - self._changed_at < 60 else IDLE

    def _keep_logs(self) -> bool:
        growing = False
        for reserve in self.reserves:
            with contextlib.suppress(OSError):
                growing = reserve.keep() or growing
        if any(r.disk_full for r in self.reserves) and not self._full_noted:
            self._full_noted = True
            self._warn("the disk of the log is full; the older part of the log is given up so that the server goes on")
        return growing

    def _hold_on(self) -> None:
        """A holder that somebody killed gets a successor; the pipe kept what came meanwhile."""
        for pump in self.pumps:
            if self.tree.ours_gone.get(pump.pid):  # one that ended by itself, with 0, saw the last writer go
                pump.hold()
                self.tree.ours.add(pump.pid)
                self._warn("the helper process that writes the log was killed and started again")

    def _drain(self) -> None:
        """Waits until what is in the pipes is on disk, two seconds at most."""
        until = time.monotonic() + 2
        while time.monotonic() < until and self.pumps:
            self.tree.reap()
            ended = all(p.pid in self.tree.ours_gone for p in self.pumps)
            if ended or (self.tree.living and not any(p.waiting() for p in self.pumps)):
                return
            time.sleep(0.01)

    def _look(self) -> None:
        """Scans for new processes, as often as it is cheap; at once while the tree is changing."""
        now = time.monotonic()
        lively = now - self._changed_at < 5
        share = SCAN_SHARE[lively]
        if now - self._scanned < max(LIVELY, self._costs[False] * share):
            return
        self._scanned = now
        if self.tree.changed():
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
            self._warn(f"process {self.main.pid} runs as another user: {words.name_of(number)} could not be sent to it")

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
        end = words.ending(main.status)
        if self.waiting:
            self.waiting.stop()
        self.tree.scan()
        if self.tree.living:
            self._for(SETTLE, lambda: True)
        if self.tree.living and (end["exit_code"] != 0 or self.requested):
            self._clean_up()
        self.tree.scan()
        self._drain()
        self._list_survivors()
        self._evidence(main, end)
        if not self.tree.living:
            for reserve in self.reserves:
                reserve.release()
        report = self._save()
        self._summary(report, end)
        self._leave()
        return 125 if self.run_.failed else 125 if end["exit_code"] is None else int(end["exit_code"])

    def _for(self, seconds: float, wanted: Callable[[], bool]) -> None:
        """Goes on watching for at most `seconds`, while `wanted()` and something lives."""
        until = time.monotonic() + seconds
        while time.monotonic() < until and self.tree.living and wanted():
            got = self.signals.wait(BUSY)
            if got is not None and got.name == "SIGINT" and self.interrupted:
                self._kill_all("Ctrl-C came a second time")
            elif got is not None:
                self.interrupted = self.interrupted or got.name == "SIGINT"
            self.tree.reap()
            self.tree.poll()
            self._keep_logs()
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

    def _evidence(self, main: Process, end: dict[str, object]) -> None:
        """What the kernel says, asked once the end is known."""
        if self.sampler:
            self.sampler.stopping = True
        log = kernel.read_log(self.tree.began, time.monotonic())
        pids = {p.pid for p in self.tree.dead} | set(self.tree.living)
        if log.unreadable:
            self.journal.add("note", text=log.unreadable)
        for found in kernel.xids(log, pids):
            self.journal.add("xid", **{k: self.run_.redactor.value(v) for k, v in found.items()})
        if end["exit_code"] != 0:
            for line in kernel.about(log, pids):
                self.journal.add("kernel", line=self.run_.redactor.line(line, 500))
        for process in [p for p in (main, *self.tree.dead) if p.core][:3]:
            where = core.where(process.pid, process.title, str(Path.cwd()), True, self.run_.started)
            if where:
                self.journal.add("core", pid=process.pid, **where)
        grown = oom.moved(self._oom_before, oom.snapshot())
        named = sorted(oom.killed_pids(list(log.lines)) & pids)
        self.journal.add("end", t=self.tree.now(), oom_moved=grown, oom_pids=named)

    def _save(self) -> dict[str, object]:
        report = postmortem.build(self.folder, self.journal.kept, self.run_.redactor)
        with contextlib.suppress(OSError):
            (self.folder / ".reserve").unlink()
        try:
            postmortem.save(self.folder, report)
        except OSError as e:
            self._say(f"the report could not be written: {e.strerror}")
        return report

    def _summary(self, report: dict[str, object], end: dict[str, object]) -> None:
        if self.tree.living:
            self._say(f"left running: {', '.join(f'{p.pid} ({p.title})' for p in self.tree.living.values())}")
        if end["exit_code"] == 0:
            return
        self._say(f"{report['sentence']}, {words.span(self.tree.now())} after the start")
        first = report["first_failure"]
        if isinstance(first, dict) and self.main and first["pid"] != self.main.pid:
            self._say(f"first to fail: process {first['pid']} ({first.get('title')}) {first['sentence']}")
        self._say(f"the whole story: {self.folder / 'report.txt'}")

    def _leave(self) -> None:
        missed = sum(tail.finish() for tail in self.tails)
        if missed and not all(tail.broken for tail in self.tails):
            with contextlib.suppress(OSError):
                _say_if_possible(f"qvl-doctor: {missed} bytes are not shown, see {self.folder}\n")

    # -- notes ---------------------------------------------------------------------------------------------------

    def _say(self, text: str) -> None:
        self.tails[-1].say(f"qvl-doctor: {self.run_.redactor.line(text)}")

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


def _tails(logs: list[Log]) -> list[Tail]:
    """One thread a log; doctor's own lines go to stderr with the last."""
    if len(logs) == 1:
        return [Tail(logs[0], 1, messages_to=2)]
    return [Tail(logs[0], 1), Tail(logs[1], 2, messages_to=2)]


def _say_if_possible(text: str) -> None:
    """Writes to stderr only if that cannot block: a frozen terminal must not keep us at the very end."""
    import select

    if select.select([], [2], [], 0)[1]:
        os.write(2, text.encode("utf-8", "replace"))
