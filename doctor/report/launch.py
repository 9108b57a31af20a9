"""The launch command in a report: as it was given, and as it would have to be."""

from __future__ import annotations

from collections.abc import Iterable

from doctor.base.json_object import JsonObject
from doctor.base.record import dataclass
from doctor.base.secrets.hide import HIDDEN
from doctor.facts import Launch
from doctor.findings import Action, Report
from doctor.launch.asked import starts_server
from doctor.launch.edit import actions_for, as_given, corrected, pasted, renamed
from doctor.launch.options import model_word
from doctor.matrix.other_servers import other_server
from doctor.report.edits import changed, edits_to_json
from doctor.report.language import say


@dataclass(frozen=True, slots=True)
class Correction:
    """The corrected command as a shell line; `note` says where it belongs, or what has to be filled in."""

    words: tuple[str, ...]
    line: str
    note: str = ""


def correction(report: Report, chosen: Iterable[Action] = (), model: str | None = None) -> Correction | None:
    """The command with the safe ways out of its errors; None where there is no command, or nothing to correct.

    `chosen` are further actions that it is to hold, `model` is another one to be served.
    """
    launch = report.facts.launch
    if not isinstance(launch, Launch) or launch.engine is None:
        return None
    version = report.facts.version(launch.engine)
    old = model_word(report.facts) if model else None
    launch = renamed(launch, (old,), model) if model and old else launch
    words = corrected(launch, report.findings, version, chosen) or (as_given(launch, launch) if model and old else ())
    if not words:
        return None
    notes = [f"from {launch.source}"] if launch.source and words[:1] != launch.given[:1] else []
    notes += ["put the secrets back in place of the asterisks"] if any(HIDDEN in w for w in words) else []
    return Correction(words, pasted(words), "; ".join(notes))


def launch_to_json(report: Report) -> JsonObject | None:
    """The key `launch` of the answer: whether a server's command was found, why, what it means, and the corrected line.

    None where no command was asked about.
    """
    launch = report.facts.launch
    if not isinstance(launch, Launch):
        return None
    found, serves = correction(report), starts_server(launch)
    return {
        "found": launch.engine is not None, "why": launch.why or None, "did_you_mean": launch.near,
        "argv": list(launch.given or launch.argv), "command": list(launch.argv), "engine": launch.engine,
        "model": model_word(report.facts) if serves else None, "source": launch.source, "unread": list(launch.unread),
        "machine": launch.machine, "environment": launch.elsewhere, "guessed": launch.guessed,
        "guards": list(launch.guards), "alternatives": [list(a.argv) for a in launch.alternatives],
        "corrected": found.line if found else None, "corrected_argv": list(found.words) if found else None,
        **({"edits": edits_to_json(changed(report, launch, actions_for(report.findings)))} if launch.written else {}),
    }  # fmt: skip


def not_found(report: Report) -> str | None:
    """Why no server's command was found in what was given, in one sentence; None where it was, or none was asked for.

    A known engine's other command is none either, and CMD011 says so.
    """
    launch = report.facts.launch
    if not isinstance(launch, Launch) or starts_server(launch) or launch.engine is not None:
        return None
    if other_server(launch.program, launch.module):
        return say("Not checked: {why}.", why=launch.why)
    near = f"; did you mean `{launch.near}`?" if launch.near else "."
    why = f"{launch.why or 'the words start no engine that is known here'}{near}"
    return say("No server command found: {why}", why=why)
