"""Everything before the start: the folder, the logs, what is noted about the launch, and what the user is shown."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import time
from pathlib import Path

from doctor.base.new_files import create_private
from doctor.base.record import dataclass
from doctor.base.secrets.known import known_values
from doctor.base.secrets.redactor import Redactor
from doctor.findings import StartVerdict
from doctor.findings.json import finding_to_json
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

RESERVE = 1 << 18


@dataclass(slots=True)
class Prepared:
    """A run about to start: its folder and open logs, its journal, and what hides its secrets.

    `opening` is what the user reads first; `failed` is set when the server counts as failed although it runs; `held` is
    the lock on the folder, until this process ends.
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


def prepare(options: Options, verdict: StartVerdict) -> Prepared:
    """Makes the run folder and everything in it. Raises `Unusable`; then nothing has been started."""
    folder, warning = creation.create(options.log_dir)
    try:
        held = hold_folder(folder)
        return dataclasses.replace(_fill(folder, options, verdict, [warning] if warning else []), held=held)
    except OSError as e:
        raise creation.Unusable(f"the log folder `{folder}` cannot be used: {e.strerror or e}") from e


def _fill(folder: Path, options: Options, verdict: StartVerdict, warnings: list[str]) -> Prepared:
    names = [logfile.NAME, logfile.ERROR_NAME] if logfile.streams_differ() else [logfile.NAME]
    logs = [logfile.create(folder / name) for name in names]
    redactor = Redactor(known_values(os.environ, options.argv))
    launch = environment(options.argv, os.environ)
    warnings = [redactor.line(w) for w in (*warnings, *launch.warnings, *_left_to_say(verdict))]
    meta = _meta(folder, options, redactor)
    meta = dataclasses.replace(meta, warnings=tuple(warnings), notes=launch.notes)
    runfolder.write(folder, "meta.json", runfolder.dump(record_to_json(meta)))
    _keep_verdict(folder, verdict, redactor)
    _set_aside(folder)
    opening = [f"qvl-doctor: the log is kept in {redactor.line(str(folder))}"]
    opening += [f"qvl-doctor: warning: {w}" for w in warnings]
    return Prepared(options, folder, logs, Journal(folder / "events.jsonl"), redactor, meta, opening)


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
    if verdict.findings:
        found = [finding_to_json(one) for one in verdict.findings]
        runfolder.write(folder, "findings.json", runfolder.dump(redactor.value(found)))


def _set_aside(folder: Path) -> None:
    """Space for the report, so that it can be written on a full disk too."""
    with contextlib.suppress(OSError):
        fd = create_private(folder / ".reserve", append=True)
        try:
            os.write(fd, b" " * RESERVE)
        finally:
            os.close(fd)
