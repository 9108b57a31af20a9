"""One run from start to end: the loop that starts, watches, forwards and reports."""

from __future__ import annotations

import os
import time

from doctor.findings.run import Ready
from doctor.launch.listening import recognize
from doctor.run.control import Control
from doctor.run.finish import finish
from doctor.run.learning import Learning
from doctor.run.probing import Probing
from doctor.run.session import Session
from doctor.run.signals import Signals, name_of
from doctor.run.silence import Silence
from doctor.run.silence.log import said_ready
from doctor.run.start.environment import environment
from doctor.run.start.prepare import Prepared
from doctor.run.start.spawn import NotStarted, spawn
from doctor.run.story.events import Failed, Refused, Start
from doctor.run.waiting import News, Waiting
from doctor.run.watch import system_calls
from doctor.run.watch.proc import read_stat
from doctor.run.watch.process import Process
from doctor.run.watch.samples import Sampler
from doctor.run.watch.scanner import IDLE

HURRY, BUSY = 0.005, 0.025


class Supervisor:
    """Watches one server. `run()` returns the status that doctor ends with."""

    def __init__(self, prepared: Prepared, signals: Signals) -> None:
        self.session = Session(prepared)
        self.control = Control(self.session)
        self.signals = signals
        self.waiting: Waiting | None = None
        self.silence: Silence | None = None
        self.learning = Learning(prepared)
        self.probing: Probing | None = None

    def run(self) -> int:
        """Starts the server, watches it to its end, writes the report."""
        for line in self.session.prepared.opening:
            self.session.logs.say(line)
        system_calls.become_subreaper()
        try:
            main = self._start()
        except NotStarted as e:
            return self._not_started(e.status, str(e))
        while main.alive:
            try:
                self._tick()
            except OSError as e:  # no trouble of ours may end the watch: the server would live on alone
                self.session.warn(f"problem while watching: {e}")
                time.sleep(IDLE)
        if self.waiting and (news := self.waiting.stop()):
            self._news(news)
        self.learning.now()
        if self.probing:
            self.probing.end()
        return finish(self.session, self.control, self.signals, main)

    def _start(self) -> Process:
        early = self.signals.pending_end()
        if early is not None:
            raise NotStarted(128 + early, f"{name_of(early)} arrived before the start")
        session, options = self.session, self.session.options
        env = environment(options.argv, os.environ).env
        sinks = session.logs.open()
        session.tree.ours = {pump.pid for pump in session.logs.pumps}
        began = time.monotonic()
        pid = spawn(options.argv, env, sinks[0], sinks[-1], self.signals, options.stdin)
        session.tree.began = began
        session.main = main = session.tree.add(pid, os.getpid(), read_stat(pid))
        session.journal.add(Start(pid, main.start))
        session.logs.show()
        session.sampler = Sampler(session.folder / "samples.jsonl", lambda: list(session.tree.living), began)
        session.sampler.start()
        self.waiting = Waiting(options, session.tree, session.sampler) if options.ready else None
        self.silence = self._silence()
        return main

    def _silence(self) -> Silence | None:
        """Who listens for a server that says nothing; a command that is no server may be as quiet as it likes."""
        session = self.session
        options, tree = session.options, session.tree
        if not options.silence or (not options.ready and recognize(options.argv) is None):
            return None
        return Silence(
            lambda: [pid for pid in list(tree.living) if pid not in tree.ours], session.logs.written, self._starting,
            options.silence,
        )  # fmt: skip

    def _starting(self) -> bool:
        """Whether the server is not known to be up: by what `--ready` asks, else by the words of its log."""
        if self.session.requested:
            return False
        return self.waiting.pending if self.waiting is not None else not said_ready(self.session.prepared.logs)

    def _not_started(self, status: int, why: str) -> int:
        session = self.session
        session.journal.add(Refused(status, session.prepared.redactor.line(why)))
        session.say(why)
        session.logs.show()
        session.save()
        session.logs.leave(str(session.folder))
        return status

    def _tick(self) -> None:
        session = self.session
        growing = session.logs.keep()
        got = self.signals.wait(HURRY if session.logs.full else BUSY if growing else session.scanner.pace())
        while got is not None:
            self.control.handle(got)
            got = self.signals.wait(0)
        session.tree.reap()
        session.tree.poll()
        session.logs.hold_on(session.tree.ours, session.tree.ours_gone)
        session.scanner.look()
        self.control.kill_when_late()
        if self.waiting and (news := self.waiting.news()):
            self._news(news)
        if self.silence and (said := self.silence.news()):
            session.warn(said)
        if figures := self.learning.news():
            session.say(figures)
        if self.probing:
            self._probed(self.probing)

    def _news(self, news: News) -> None:
        self.session.journal.add(news)
        self.session.say(news.text)
        if isinstance(news, Ready) and (figures := self.learning.now()):
            self.session.say(figures)
        if isinstance(news, Failed):
            self.control.end_server()
            self.session.prepared.failed = True
        elif isinstance(news, Ready) and self.session.options.probe and self.waiting and news.address:
            self.probing = Probing(self.session.folder, news.address, self.waiting.api_key)
            self.session.tree.ours.add(self.probing.pid)

    def _probed(self, probing: Probing) -> None:
        """Says what the probe found; its problems stay in the report."""
        for line in probing.lines(probing.pid in self.session.tree.ours_gone):
            problem = line.startswith(("error ", "warning "))
            self.session.warn(f"probe: {line}") if problem else self.session.say(f"probe: {line}")
