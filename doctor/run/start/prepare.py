"""Everything before the start: the folder, the logs, what is noted about the launch, and what the user is shown."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import shutil
import time
from pathlib import Path

from doctor.base.record import dataclass
from doctor.base.secrets.known import known_values
from doctor.base.secrets.redactor import Redactor
from doctor.findings import StartVerdict
from doctor.findings.json import finding_to_json
from doctor.findings.memory import Expected
from doctor.report.run.json import record_to_json
from doctor.run.log import logfile
from doctor.run.log.logfile import Log
from doctor.run.start.environment import environment
from doctor.run.start.options import Options
from doctor.run.story import creation, runfolder
from doctor.run.story.holding import hold_folder
from doctor.run.story.journal import Journal
from doctor.run.story.meta import Meta, meta_of_start
from doctor.run.watch import oom

RESERVED = {"report.json": 192 << 10, "report.txt": 64 << 10}  # bytes
MEMORY = 64 << 20  # bytes of a log that is in memory


@dataclass(slots=True)
class Prepared:
    """A run about to start: its folder and open logs, its journal, and what hides its secrets.

    `opening` is what the user reads first; `failed` is set when the server counts as failed although it runs; `held` is
    the lock on the folder, until this process ends. Where nothing is `kept`, the folder does not exist. `expected` is
    the predicted memory, None where it is not known.
    """

    options: Options
    folder: Path
    logs: list[Log]
    journal: Journal
    redactor: Redactor
    meta: Meta
    opening: list[str]
    failed: bool = False
    held: int = -1
    kept: bool = True
    expected: Expected | None = None


def prepare(options: Options, verdict: StartVerdict) -> Prepared:
    """Makes the run folder and everything in it. Raises `Unusable`; then nothing has been started.

    A place that the user names is never replaced by another. Else the first is taken that can be written to, and
    memory where there is none: no disk keeps a server from its start.
    """
    if options.log_dir is None:
        return _somewhere(options, verdict)
    base = Path(options.log_dir)
    try:
        folder, warning = creation.create(base)
        return _filled(folder, options, verdict, warning)
    except OSError as e:
        raise creation.Unusable(f"the log folder `{base}` cannot be used: {e.strerror or e}") from e


def _somewhere(options: Options, verdict: StartVerdict) -> Prepared:
    why = "the default log folder cannot be used"
    for folder, warning in creation.create_somewhere(why):
        try:
            return _filled(folder, options, verdict, warning, want_room=True)
        except OSError:
            shutil.rmtree(folder, ignore_errors=True)
    try:
        return _in_memory(options, verdict, f"{why}, and no other place can be written to")
    except (OSError, AttributeError) as e:
        raise creation.Unusable(f"no place for the log: {e}") from e


def _in_memory(options: Options, verdict: StartVerdict, why: str) -> Prepared:
    """A run without a folder: the log is in memory and on the terminal, and gone when doctor ends."""
    names = _names()
    logs = [logfile.in_memory(name) for name in names]
    options = dataclasses.replace(options, max_log=min(options.max_log or MEMORY, MEMORY))
    run = _prepared(Path(os.devnull) / "qvl-doctor", logs, options, verdict, [f"{why}: the log is shown here only"])
    run.opening.pop(0)
    run.kept = False
    return run


def _filled(
    folder: Path, options: Options, verdict: StartVerdict, warning: str | None, want_room: bool = False
) -> Prepared:
    """The files of a new run folder. Raises OSError, with `want_room` also where there is hardly any space."""
    logs: list[Log] = []
    held = hold_folder(folder)
    try:
        logs += [logfile.create(folder / name) for name in _names()]
        run = _prepared(folder, logs, options, verdict, [warning] if warning else [])
        runfolder.write(folder, "meta.json", runfolder.dump(record_to_json(run.meta)))
        _keep_verdict(folder, verdict, run.redactor)
        with contextlib.nullcontext() if want_room else contextlib.suppress(OSError):
            for name, size in RESERVED.items():
                runfolder.set_aside(folder, name, size)
    except OSError:
        for log in logs:
            os.close(log.fd)
        if held >= 0:
            os.close(held)
        raise
    run.held = held
    return run


def _names() -> list[str]:
    return [logfile.NAME, logfile.ERROR_NAME] if logfile.streams_differ() else [logfile.NAME]


def _prepared(folder: Path, logs: list[Log], options: Options, verdict: StartVerdict, warnings: list[str]) -> Prepared:
    redactor = Redactor(known_values(os.environ, options.argv))
    launch = environment(options.argv, os.environ)
    warnings = [redactor.line(w) for w in (*warnings, *launch.warnings, *_left_to_say(verdict))]
    meta = _meta(folder, options, redactor)
    meta = dataclasses.replace(meta, warnings=tuple(warnings), notes=launch.notes)
    opening = [f"qvl-doctor: the log is kept in {redactor.line(str(folder))}"]
    opening += [f"qvl-doctor: warning: {w}" for w in warnings]
    journal = Journal(folder / "events.jsonl")
    return Prepared(options, folder, logs, journal, redactor, meta, opening, expected=verdict.expected)


def _left_to_say(verdict: StartVerdict) -> list[str]:
    """What the check before the start leaves to be said where the server is started all the same."""
    forced = [f"started anyway (--force): {error}" for error in verdict.errors]
    return [*([verdict.trouble] if verdict.trouble else []), *forced]


def _meta(folder: Path, options: Options, redactor: Redactor) -> Meta:
    return dataclasses.replace(
        meta_of_start(folder, time.time(), redactor), command=tuple(redactor.argv(options.argv)), grace=options.grace,
        max_log=options.max_log, ready=redactor.line(options.ready or ""), oom_before=oom.snapshot(),
    )  # fmt: skip


def _keep_verdict(folder: Path, verdict: StartVerdict, redactor: Redactor) -> None:
    """The facts and findings of the check, for the post-mortem and for a bug report."""
    if verdict.facts is not None:
        from doctor.facts.codec import to_json

        runfolder.write(folder, "facts.json", runfolder.dump(redactor.value(to_json(verdict.facts))))
    if verdict.expected is not None:
        runfolder.write(folder, "memory.json", runfolder.dump(record_to_json(verdict.expected)))
    if verdict.findings:
        found = [finding_to_json(one) for one in verdict.findings]
        runfolder.write(folder, "findings.json", runfolder.dump(redactor.value(found)))
