"""`run` where Linux's means are missing: the server still writes straight into the log, and its status is ours.

There is no process tree, no reserve and no kernel evidence here; the report says what it has.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time

from doctor.findings import StartVerdict
from doctor.run.signals import PATIENT
from doctor.run.start.environment import environment
from doctor.run.start.options import Options
from doctor.run.start.prepare import prepare
from doctor.run.story import postmortem
from doctor.run.story.creation import Unusable
from doctor.run.story.events import End, Exit, Refused, Start
from doctor.run.story.journal import Journal


def run(options: Options) -> int:
    """Starts, shows and waits; 126, 127 and 125 as everywhere."""
    try:
        prepared = prepare(options, StartVerdict())
    except Unusable as e:
        sys.stderr.write(f"qvl-doctor: {e}\n")
        return 125
    out, err = prepared.logs[0].fd, prepared.logs[-1].fd
    sys.stderr.write("\n".join(prepared.opening) + "\n")
    env = environment(options.argv, os.environ).env
    stdin = None if options.stdin == "inherit" else subprocess.DEVNULL
    began = time.monotonic()
    try:
        child = subprocess.Popen(list(options.argv), stdin=stdin, stdout=out, stderr=err, env=env)
    except FileNotFoundError:
        return _not_started(prepared.journal, 127, f"`{options.argv[0]}` was not found")
    except OSError as e:
        return _not_started(prepared.journal, 126, f"`{options.argv[0]}` cannot be started: {e.strerror}")
    prepared.journal.add(Start(child.pid))
    code = _watch(child, [(os.dup(log.fd), fd) for log, fd in zip(prepared.logs, (1, 2), strict=False)], options.grace)
    took = round(time.monotonic() - began, 3)
    status = -code if code < 0 else (code & 0xFF) << 8
    prepared.journal.add(Exit(took, child.pid, status=status))
    prepared.journal.add(End(took))
    postmortem.save(prepared.folder, postmortem.build(prepared.folder, prepared.journal.kept, prepared.redactor))
    return 128 - code if code < 0 else code


def _not_started(journal: Journal, status: int, why: str) -> int:
    journal.add(Refused(status, why))
    sys.stderr.write(f"qvl-doctor: {why}\n")
    return status


def _watch(child: subprocess.Popen[bytes], streams: list[tuple[int, int]], grace: float) -> int:
    """Shows the log while the server runs. The console sends Ctrl-C to the server too; the third kills it."""
    asked: float | None = None
    interrupts = 0
    places = dict.fromkeys(streams, 0)
    while True:
        try:
            code = child.poll()
            for (log, out), at in places.items():
                os.lseek(log, at, os.SEEK_SET)
                block = os.read(log, 1 << 18)
                if block:
                    places[log, out] = at + len(block)
                    os.write(out, block)
            if code is not None and all(os.fstat(log).st_size <= at for (log, _), at in places.items()):
                return code
            if asked is not None and time.monotonic() - asked > grace:
                child.kill()
            time.sleep(0.02)
        except KeyboardInterrupt:
            interrupts += 1
            if interrupts >= PATIENT:
                child.kill()
            asked = asked or time.monotonic()
        except OSError:
            return child.wait()
