"""What the kernel says about the end, asked once it is known, and written into the journal."""

from __future__ import annotations

import time

from doctor.run.prepare import Prepared, workdir
from doctor.run.watch import coredump, kernel, oom
from doctor.run.watch.tree import Process, Tree


def gather(run: Prepared, tree: Tree, main: Process) -> None:
    """Notes GPU errors, kernel lines, core dumps and the out-of-memory counters; ends the journal."""
    log = kernel.read_log(tree.began, time.monotonic())
    pids = {p.pid for p in tree.dead} | set(tree.living)
    if log.unreadable:
        run.journal.add("note", text=log.unreadable)
    for found in kernel.xids(log, pids):
        run.journal.add("xid", **{k: run.redactor.value(v) for k, v in found.items()})
    if main.status != 0:
        for line in kernel.about(log, pids):
            run.journal.add("kernel", line=run.redactor.line(line, 500))
    for process in [p for p in tree.dead if p.core][:3]:
        where = coredump.where(process.pid, process.title, workdir(), True, run.started)
        if where:
            run.journal.add("core", pid=process.pid, **where)
    grown = oom.moved(run.oom_before, oom.snapshot())
    named = sorted(oom.killed_pids(list(log.lines)) & pids)
    run.journal.add("end", t=tree.now(), oom_moved=grown, oom_pids=named)
