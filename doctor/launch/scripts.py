"""Shell text as a layer: `bash -c TEXT`, `bash FILE`, a script by its path, here-documents."""

from __future__ import annotations

import os
import re
from dataclasses import replace

from doctor.base.text import one_line
from doctor.launch.innermost import State, Unfolded
from doctor.launch.shell import Shell
from doctor.launch.shell_start import Start, Way, ways
from doctor.launch.shell_text import LARGEST

SHELL = re.compile(r"(?:.*[\\/])?(?:ba|da|z|k|a|mk)?sh(?:\.exe)?$")
_SHEBANG = re.compile(r"#!\s*\S*?/?(?:env\s+(?:-S\s+)?)?(?:\S*/)?(?:ba|da|z|k|a|mk)?sh\b")
_VALUED = ("-o", "+o", "-O", "+O", "--rcfile", "--init-file")
_CHOSEN = ("VIRTUAL_ENV", "CONDA_PREFIX")


def shell_words(state: State) -> list[list[State]] | None:
    """Behind `bash -c TEXT` and `bash FILE`; None for anything else."""
    words = state.here.words
    if not SHELL.match(words[0]):
        return None
    name = os.path.basename(words[0])
    at = 1
    while at < len(words) and words[at][:1] in ("-", "+") and len(words[at]) > 1:
        word = words[at]
        at += 1
        if re.fullmatch(r"-[A-Za-z]*c[A-Za-z]*", word):
            at += 2 if words[at : at + 1] in (("-o",), ("+o",)) else 0
            text = words[at] if at < len(words) else ""
            inner = replace(state, here=replace(state.here, layers=(*state.here.layers, name)), depth=state.depth + 1)
            return text_ways(inner, text, f"`{name} -c`", words[at + 2 :])
        if word == "--":
            break
        at += 1 if word in _VALUED else 0
    if at >= len(words) or words[at] == "-":
        return None
    return from_file(state, words[at], words[at + 1 :])


def script(state: State) -> list[list[State]] | None:
    """Behind a file that is a shell script by its first line or its name, given by its path or found on PATH."""
    name, shell = state.here.words[0], state.here.shell
    if os.path.basename(name) in ("docker", "python", "python3"):
        return None
    if os.sep in name or state.apart:
        path = None if state.apart else shell.which(name)
    elif name.endswith((".sh", ".bash")):
        path = script_at(shell, name)
    else:
        path = shell.which(name)
    if path is None or not shell.files.isfile(path):
        return None
    head = shell.files.head(path, 256)
    is_shell = _SHEBANG.match(head.split(b"\n", 1)[0].decode("utf-8", "replace"))
    launcher = b"'''exec'" in head or b"pyenv" in head
    named = name.endswith((".sh", ".bash")) and not head.startswith((b"#!", b"\x7fELF"))
    return (
        from_file(state, path if os.sep not in name else name, state.here.words[1:])
        if (is_shell and not launcher) or named
        else None
    )


def script_at(shell: Shell, name: str) -> str | None:
    """The path of the file with this name, None where there is none."""
    path = shell.files.inside(os.path.normpath(os.path.join(shell.cwd, name)))
    return path if shell.files.isfile(path) else None


def from_file(state: State, name: str, arguments: tuple[str, ...]) -> list[list[State]]:
    """The commands of a script."""
    here, shown = state.here, one_line(name, 200)
    path = here.shell.files.inside(os.path.normpath(os.path.join(here.shell.cwd, name)))
    text = None if state.apart else here.shell.files.text(path, LARGEST)
    if text is None or "\0" in text:
        why = f"the script `{shown}` cannot be read or is larger than {LARGEST >> 10} KiB"
        if state.apart:
            why = f"the script `{shown}` is not on this machine, so it is not read"
        return [[replace(state, here=replace(here, words=(), source=shown, open=(*here.open, why)))]]
    inner = replace(state, here=replace(here, layers=(*here.layers, shown)), depth=state.depth + 1)
    return text_ways(inner, text, shown, arguments, os.path.dirname(path))


def text_ways(
    state: State, text: str, source: str, arguments: tuple[str, ...] = (), home: str | None = None
) -> list[list[State]]:
    """The commands that shell text starts, a list for each way through it; `source` names the text."""
    found = ways(text, state.here.shell, arguments, home)
    out = [[_started(state, way, start, source) for start in way.starts] for way in found]
    if any(out):
        return out
    here = state.here
    told = (*here.open, *(o for way in found for o in way.open), f"{source} starts no known command")
    return [[replace(state, here=replace(here, words=(), source=source, open=told))]]


def _started(state: State, way: Way, start: Start, source: str) -> State:
    here, shell = state.here, state.here.shell
    at = source if source.startswith(("`", "the ")) else f"{source}:{start.line}"
    activated = any(shell.environ.get(name) != start.environ.get(name) for name in _CHOSEN)
    kept = {k: v for k, v in here.set.items() if k in start.environ}
    inner = Unfolded(
        replace(shell, environ=start.environ, cwd=start.cwd), start.words, {**kept, **start.set},
        here.dropped | (start.dropped if "*" not in here.dropped else frozenset()), at,
        (*here.open, *way.open, *start.open), (*here.guards, *way.guards), here.place, here.guessed, False, here.layers,
        None if activated else here.runner,
    )  # fmt: skip
    return replace(state, here=inner)
