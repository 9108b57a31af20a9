"""`run` as a whole: check, prepare, supervise. Ends with 125 where doctor itself is the reason."""

from __future__ import annotations

import os
import sys
from typing import Any

from doctor.supervise import engines, precheck, ready, runfolder, waiting
from doctor.supervise.prepare import Options, prepare

REFUSED = 125


def start(command: tuple[str, ...], check: bool, force: bool, **rest: Any) -> int:
    """Runs `command` and returns the status to end with. What goes wrong before the start is said on stderr."""
    if sys.platform != "linux":
        from doctor.supervise import portable

        return portable.run(Options(command, **rest))
    from doctor.supervise.launch import ensure_standard_streams

    ensure_standard_streams()
    if rest.get("require_gpu") and not rest.get("ready"):
        rest["ready"] = "auto"
    options = Options(command, **rest)
    verdict, obstacles = precheck.Verdict(), []
    try:
        waiting.target_of(options)
        if check:
            verdict = precheck.precheck(command)
            obstacles = [*verdict.errors, *_port(options)]
    except ValueError as e:
        return _refuse([str(e)])
    if obstacles and not force:
        return _refuse([*obstacles, "nothing was started; --force starts it all the same, --no-check does not look"])
    return _supervise(options, verdict)


def _supervise(options: Options, verdict: precheck.Verdict) -> int:
    from doctor.supervise.signals import Signals
    from doctor.supervise.supervisor import Supervisor

    signals = Signals()
    try:
        prepared = prepare(options, verdict)
    except runfolder.Unusable as e:
        return _refuse([str(e)])
    try:
        supervisor = Supervisor(prepared, signals)
    except OSError as e:
        return _refuse([f"the run cannot be watched: {e}"])
    return supervisor.run()


def _port(options: Options) -> list[str]:
    """The port that the server wants is taken already."""
    server = engines.recognise(options.argv)
    holder = ready.port_holder(server.host, server.port) if server and server.sure else None
    return [f"port {server.port} is already in use by {holder}"] if server and holder else []


def _refuse(lines: list[str]) -> int:
    from doctor.supervise.redact import Redactor, known_values

    redactor = Redactor(known_values(os.environ, sys.argv[1:]))
    for line in lines:
        os.write(2, f"qvl-doctor: {redactor.line(line)}\n".encode("utf-8", "replace"))
    return REFUSED
