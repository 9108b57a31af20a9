"""One run while it is watched: what is known of it, and how that is noted in the journal and shown to the user."""

from __future__ import annotations

import contextlib
import time

from doctor.findings.run import RunReport
from doctor.run.log.capture import LogCapture
from doctor.run.start.prepare import Prepared
from doctor.run.story import endings, postmortem
from doctor.run.story.events import Born, Exit, Killed, Warned
from doctor.run.watch.process import Process
from doctor.run.watch.processes import CRASHES, ProcessTree
from doctor.run.watch.samples import Sampler
from doctor.run.watch.scanner import Scanner

SILENT = CRASHES | {9}  # a worker that such a signal ends says nothing, and its parents may wait for it for ever
MOST_SAID = 4


class Session:
    """The server's processes, its logs, and the journal. `main` is the process that was started."""

    def __init__(self, prepared: Prepared) -> None:
        self.prepared = prepared
        self.options, self.folder, self.journal = prepared.options, prepared.folder, prepared.journal
        self.tree = ProcessTree(self._born, self._died)
        self.scanner = Scanner(self.tree)
        self.logs = LogCapture(prepared.logs, prepared.options.max_log, self.warn)
        self.main: Process | None = None
        self.sampler: Sampler | None = None
        self._asked_until = 0.0
        self._deaths = 0

    def asked_to_end(self) -> None:
        """From now on an end is what was wanted; not for ever, since a hang-up may mean: read the settings again."""
        self._asked_until = time.monotonic() + self.options.grace + 10

    @property
    def requested(self) -> bool:
        """Whether somebody asked the server to end, a short time ago."""
        return time.monotonic() < self._asked_until

    @property
    def was_killed(self) -> bool:
        """Whether doctor itself has sent SIGKILL."""
        return self.journal.has(Killed)

    def say(self, text: str) -> None:
        """One line of doctor's own on the terminal, redacted."""
        self.logs.say(f"qvl-doctor: {self.prepared.redactor.line(text)}")

    def warn(self, text: str) -> None:
        """Notes and shows a warning, once."""
        if not any(isinstance(e, Warned) and e.text == text for e in self.journal.kept):
            self.journal.add(Warned(text, self.tree.now()))
            self.say(f"warning: {text}")

    def save(self) -> RunReport:
        """Writes the report, into the space that was set aside where the disk is full."""
        report = postmortem.build(self.folder, self.journal.kept, self.prepared.redactor)
        if not self.prepared.kept:
            return report
        with contextlib.suppress(OSError):
            (self.folder / ".reserve").unlink()
        try:
            postmortem.save(self.folder, report)
        except OSError as e:
            self.say(f"the report could not be written: {e.strerror}")
        return report

    def _born(self, p: Process) -> None:
        self.scanner.changed_at = time.monotonic()
        hide = self.prepared.redactor
        command, title = tuple(hide.argv(p.command, 40)), hide.line(p.title, 64)
        self.journal.add(Born(p.seen, p.pid, p.ppid, p.start, command, title, p.program, p.session))

    def _died(self, p: Process) -> None:
        self.scanner.changed_at = time.monotonic()
        peak = max(p.peak, self.sampler.peaks.get(p.pid, 0)) if self.sampler else p.peak
        late = self.requested or bool(self.main and not self.main.alive and p is not self.main)
        self.journal.add(Exit(p.ended or 0.0, p.pid, p.start, p.status, peak, late))
        if not late and p is not self.main and (p.status or 0) & 0x7F in SILENT and self._deaths < MOST_SAID:
            self._deaths += 1
            self.say(f"process {p.pid} ({p.title}) {endings.sentence(endings.ending(p.status))}")
