"""Every module tried, as `check --deep` was asked to: after one that ended the process, the rest in a new child."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Mapping, Sequence

from doctor.base.secrets.hide import redact_text
from doctor.base.text import one_line
from doctor.facts import Target, Trial, Trials, Unavailable
from doctor.repair.real_import.child import Import, Interpreter, Round, import_in_child

PATIENCE = 180.0


def try_each(
    target: Target, modules: Sequence[str], environ: Mapping[str, str], patience: float = PATIENCE
) -> Trials | Unavailable:
    """Imports `modules` with the target's own interpreter; `patience` in seconds for all of them together."""
    if os.name != "posix" or target.root is not None or target.kind != "installed" or target.executable is None:
        return Unavailable("not_supported", "the target has no interpreter that can be started here")
    if not modules:
        return Unavailable("not_supported", "no engine is installed, so there is nothing to import")
    who = Interpreter(target.executable, environ, target.front or None, target.front or "")
    until = time.monotonic() + patience
    left, trials = list(modules), list[Trial]()
    while left:
        try:
            done = _trials(target, import_in_child(who, left, until), left)
        except OSError as error:
            return Unavailable("failed", f"`{target.executable}` cannot be started: {error.strerror}")
        trials.extend(done)
        left = left[len(done) :]
        if not done or done[-1].outcome == "timed-out":
            break
    return Trials(target.executable, tuple(trials))


def _trials(target: Target, found: Round, asked: Sequence[str]) -> list[Trial]:
    """One a module that the child came to; the last is the one that ended it, if one did."""
    by_name = {one.module: one for one in found.imports}
    out = []
    for name in asked:
        one = by_name.get(name)
        if one is None:
            if not found.ended:
                how = None if found.late else _ending(found.status)
                out.append(Trial(name, "timed-out" if found.late else "died", signal=how))
            break
        out.append(_trial(target, one))
    return out


def _trial(target: Target, one: Import) -> Trial:
    if one.error is None:
        return Trial(one.module, "ok", seconds=one.seconds)
    return Trial(
        one.module, "raised", one_line(one.error, 100), one_line(redact_text(one.text), 2000),
        _relative(target, one.file), one.line, seconds=one.seconds,
    )  # fmt: skip


def _relative(target: Target, file: str | None) -> str | None:
    if file is None:
        return None
    base = max((p for p in target.paths if file.startswith(p + os.sep)), key=len, default=None)
    return one_line(file[len(base) + 1 :] if base else file, 500)


def _ending(status: int) -> str:
    if status >= 0:
        return f"exit {status}"
    try:
        return signal.Signals(-status).name
    except ValueError:
        return f"signal {-status}"
