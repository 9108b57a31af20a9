"""systemd services: the command of `ExecStart`, with the unit's own environment and nothing of the caller's."""

from __future__ import annotations

import os
import re

from doctor.base.late import late_pattern
from doctor.base.text import one_line
from doctor.collect.declared.service import Service
from doctor.deployment.host import specifiers
from doctor.deployment.host.source import Source
from doctor.deployment.host.unit_file import Sections, expanded, last, sections, split, values
from doctor.launch.variables import assignments

_PREFIX = late_pattern(r"[-@:+!|]*")
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin"
MOST_FILES = 20


def is_unit(source: Source) -> bool:
    """Whether it is a unit that starts a service."""
    return bool(re.search(r"^\s*\[Service\]\s*$", source.text, re.MULTILINE)) and "ExecStart" in source.text


def services(source: Source) -> list[Service]:
    """The unit's service, with its drop-in files beside it."""
    unit = sections("\n".join([source.text, *_drop_ins(source)]))
    keys = unit.get("Service", [])
    known = specifiers.of_unit(source.name, last(keys, "User"))
    variables, unread = environment(source, unit, "Service", known)
    service = Service(
        source.name.rpartition(".")[0] or source.name, kind="systemd unit", file=source.name, labels=(source.name,),
        host=True, folder=last(keys, "WorkingDirectory"), variables=variables, notes=list(unread),
    )  # fmt: skip
    for line in values(keys, "ExecStart"):
        words, unset = command(line, known, {"PATH": PATH, **service.variables}, complete=not unread)
        service.lacking.unset |= set() if unread else unset
        service.unknown |= unset if unread else set()
        service.command = words  # of several, systemd allows all but the last only where they end
    return [service]


def command(
    line: str, known: dict[str, str], environ: dict[str, str], *, complete: bool = True
) -> tuple[tuple[str, ...], set[str]]:
    """The words of an `Exec` line, and the variables that it lacks. `@` gives the program another name."""
    prefix = _PREFIX.match(line)
    marks = prefix[0] if prefix else ""
    unset: set[str] = set()
    words = [specifiers.replaced(w, known) for w in split(line[len(marks) :])]
    if ";" in words:  # several commands
        words = words[: words.index(";")]
    if ":" not in marks:
        words = [*words[:1], *expanded(words[1:], environ, unset, complete=complete)]
    if "@" in marks:
        del words[1:2]
    return tuple(words), unset


def environment(
    source: Source, unit: Sections, section: str, known: dict[str, str]
) -> tuple[dict[str, str], list[str]]:  # fmt: skip
    """`Environment`, then `EnvironmentFile`, whose values go before; `UnsetEnvironment` last.

    With it, a sentence for each file that cannot be read here: what those set stays unknown.
    """
    keys = unit.get(section, [])
    out: dict[str, str] = {}
    unread: list[str] = []
    for line in values(keys, "Environment"):
        for word in split(line):
            name, equals, value = specifiers.replaced(word, known).partition("=")
            if equals:
                out[name] = value
    for line in values(keys, "EnvironmentFile")[:MOST_FILES]:
        path = specifiers.replaced(line.removeprefix("-").strip().strip("\"'"), known)
        text = source.read(path) if os.path.isabs(path) else source.beside(path)
        if text is None and os.path.isabs(path):
            unread.append(f"the variables in `{one_line(path, 100)}` cannot be read")
        out |= assignments(_joined(text or ""))
    for line in values(keys, "UnsetEnvironment"):
        for word in split(line):
            out.pop(word.partition("=")[0], None)
    return out, unread


def _joined(text: str) -> str:
    return text.replace("\\\r\n", "").replace("\\\n", "")


def _drop_ins(source: Source) -> list[str]:
    folder = f"{source.path}.d"
    names = sorted(os.listdir(folder))[:MOST_FILES] if os.path.isdir(folder) else []
    texts = (source.beside(f"{os.path.basename(source.path)}.d/{name}") for name in names if name.endswith(".conf"))
    return [text for text in texts if text]
