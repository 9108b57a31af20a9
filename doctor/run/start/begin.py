"""`run` as a whole: check, prepare, supervise. Ends with 125 where doctor itself is the reason."""

from __future__ import annotations

import contextlib
import os
import sys
from dataclasses import replace

from doctor.base.terminals import encoded
from doctor.base.text import one_line
from doctor.findings import StartVerdict
from doctor.launch import listening
from doctor.run import waiting
from doctor.run.start import ports, precheck
from doctor.run.start.options import Options
from doctor.run.start.prepare import prepare
from doctor.run.story.creation import Unusable

REFUSED = 125


def start(options: Options, check: precheck.Check | None, force: bool) -> int:
    """Runs the command, which `check` looks at first, and returns the status to end with; trouble is said on stderr."""
    if sys.platform != "linux":
        from doctor.run import portable

        return portable.run(options)
    from doctor.run.start.spawn import ensure_standard_streams

    ensure_standard_streams()
    if (options.require_gpu or options.probe) and not options.ready:
        options = replace(options, ready="auto")
    try:
        waiting.target_of(options)
        verdict, port = (precheck.precheck(options.argv, check), _port(options)) if check else (StartVerdict(), [])
    except ValueError as e:
        return _refuse([str(e)])
    except KeyboardInterrupt:
        return 130
    if (verdict.errors or port) and not force:
        _show(verdict.screen)
        return _refuse([*port, "nothing was started; use --force to start it anyway, or --no-check to skip the check"])
    return _supervise(options, verdict)


def _supervise(options: Options, verdict: StartVerdict) -> int:
    from doctor.run.signals import Signals
    from doctor.run.supervisor import Supervisor

    signals = Signals()
    try:
        prepared = prepare(options, verdict)
    except Unusable as e:
        return _refuse([str(e)])
    try:
        supervisor = Supervisor(prepared, signals)
    except OSError as e:
        return _refuse([f"the run cannot be watched: {e}"])
    return supervisor.run()


def _port(options: Options) -> list[str]:
    """The port that the server wants is taken already."""
    server = listening.recognize(options.argv)
    holder = ports.port_holder(server.host, server.port) if server and server.sure else None
    return [f"port {server.port} is already in use by {holder}"] if server and holder else []


def _refuse(lines: list[str]) -> int:
    _show("".join(f"qvl-doctor: {one_line(line)}\n" for line in lines))
    return REFUSED


def _show(text: str) -> None:
    """Doctor's own words on stderr, without the secrets of the command and of the environment."""
    from doctor.base.secrets.known import known_values
    from doctor.base.secrets.redactor import Redactor

    with contextlib.suppress(OSError):
        os.write(2, encoded(Redactor(known_values(os.environ, sys.argv[1:])).text(text)))
