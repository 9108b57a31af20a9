"""The end of a run: the workers that are left, the last bytes of the log, the evidence, the report, the status."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable

from doctor.findings.run import RunReport
from doctor.report.run.text import closing
from doctor.run import evidence
from doctor.run.control import Control
from doctor.run.session import Session
from doctor.run.signals import Signals
from doctor.run.story import endings
from doctor.run.story.events import CleanUp, Hidden, Survivors
from doctor.run.story.pipeline import failed_member
from doctor.run.watch.process import Process

SETTLE = 0.4
STEP = 0.025
UNKNOWN = 125


def finish(session: Session, control: Control, signals: Signals, main: Process) -> int:
    """Everything after the main process has ended; returns the status that doctor ends with."""
    code, tree = endings.ending(main.status).exit_code, session.tree
    rest = _Rest(session, control, signals)
    tree.scan()
    if tree.living:
        rest.watch(SETTLE)
    if tree.living and (code != 0 or session.requested):
        rest.clean_up()
    tree.scan()
    session.logs.drain(tree.reap, tree.ours_gone, bool(tree.living))
    if tree.living:
        session.journal.add(Survivors(tuple(sorted(tree.living)), tree.now()))
    if session.sampler:
        session.sampler.stopping = True
    evidence.gather(session.prepared, tree, main)
    if not tree.living:
        session.logs.release()
    code = _hidden(session, code)
    _say_goodbye(session, session.save(), code)
    session.logs.leave(str(session.folder) if session.prepared.kept else None)
    return UNKNOWN if session.prepared.failed or code is None else code


def _hidden(session: Session, code: int | None) -> int | None:
    """The status of the run: that of a failed member of a pipeline where the shell itself says 0."""
    if code != 0:
        return code
    member = failed_member(session.options.argv, session.journal.kept)
    if member is None:
        return code
    session.journal.add(Hidden(session.tree.now(), member.pid))
    return member.exit_code


def _say_goodbye(session: Session, report: RunReport, code: int | None) -> None:
    living = session.tree.living.values()
    if living:
        session.say(f"left running: {', '.join(f'{p.pid} ({p.title})' for p in living)}")
    if code != 0:
        for line in closing(report, session.tree.now(), session.folder if session.prepared.kept else None):
            session.say(line)


class _Rest:
    """The processes that outlive the main one."""

    def __init__(self, session: Session, control: Control, signals: Signals) -> None:
        self.session, self.control, self.signals = session, control, signals

    def watch(self, seconds: float, wanted: Callable[[], bool] = lambda: True) -> None:
        """Goes on watching for at most `seconds`, while `wanted()` and something lives."""
        session, until = self.session, time.monotonic() + seconds
        while time.monotonic() < until and session.tree.living and wanted():
            got = self.signals.wait(STEP)
            if got is not None:
                self.control.handle_late(got)
            session.tree.reap()
            session.tree.poll()
            session.logs.keep()
            session.tree.scan()

    def clean_up(self) -> None:
        """They are asked to end, then made to."""
        session, tree = self.session, self.session.tree
        session.journal.add(CleanUp(tuple(sorted(tree.living)), tree.now()))
        session.asked_to_end()
        tree.send(signal.SIGTERM)
        tree.send(signal.SIGCONT)
        self.watch(0.1 if session.was_killed else session.options.grace)
        if tree.living:
            self.watch(2.0, lambda: not tree.send(signal.SIGKILL))
