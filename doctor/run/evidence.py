"""What the kernel says about the end, asked once it is known, and written into the journal."""

from __future__ import annotations

import time
from dataclasses import replace

from doctor.findings.run import KernelLine
from doctor.run.start.prepare import Prepared
from doctor.run.story.events import End, Noted
from doctor.run.story.meta import workdir
from doctor.run.watch import coredump, kernel, oom
from doctor.run.watch.process import Process
from doctor.run.watch.processes import ProcessTree


def gather(run: Prepared, tree: ProcessTree, main: Process) -> None:
    """Notes GPU errors, kernel lines, core dumps and the out-of-memory counters; ends the journal."""
    hide = run.redactor
    log = kernel.read_log(tree.began, time.monotonic())
    pids = {p.pid for p in tree.dead} | set(tree.living)
    if log.unreadable:
        run.journal.add(Noted(log.unreadable))
    for found in kernel.xids(log, pids):
        run.journal.add(replace(found, device=hide.text(found.device), line=hide.text(found.line)))
    if main.status != 0:
        for line in kernel.about(log, pids):
            run.journal.add(KernelLine(hide.line(line, 500)))
    for process in [p for p in tree.dead if p.core][:3]:
        where = coredump.where(process.pid, process.title, workdir(), True, run.meta.started_unix or 0.0)
        if where:
            run.journal.add(where)
    grown = oom.moved(run.meta.oom_before, oom.snapshot())
    named = sorted(oom.killed_pids(list(log.lines)) & pids)
    run.journal.add(End(tree.now(), grown, tuple(named)))
