"""Shell text as a layer: `bash -c TEXT`, `bash FILE`, a script by its path, here-documents."""

from __future__ import annotations

import os
import re
from dataclasses import replace
from typing import TYPE_CHECKING

from doctor.base.late import late_pattern
from doctor.base.text import one_line
from doctor.launch.fronts import front_of
from doctor.launch.innermost import State, Unfolded
from doctor.launch.shell import LARGEST, Shell

if TYPE_CHECKING:
    from doctor.launch.shell_text import Way

SHELL = late_pattern(r"(?:.*[\\/])?(?:ba|da|z|k|a|mk|fi|c|tc)?sh(?:\.exe)?$")
_SHEBANG = late_pattern(r"#!\s*\S*?/?(?:env\s+(?:-S\s+)?)?(?:\S*/)?(?:ba|da|z|k|a|mk)?sh\b")
# no command, so the file is no script, and its words are nobody's business: `root:x:0:`, `{"a":`
_NO_PROGRAM = late_pattern(r"(?![A-Za-z]:[\\/])(?:\[\w|[^/$`\s]*[:{\"<>])")
_VALUED = ("-o", "+o", "-O", "+O", "--rcfile", "--init-file")
_CHOSEN = ("VIRTUAL_ENV", "CONDA_PREFIX")
_FOLDERS = ("/usr/local/bin", "/usr/bin", "/bin", "/")


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
            at = _behind_options(words, at + ("o" in word))
            text = words[at] if at < len(words) else ""
            inner = replace(state, here=replace(state.here, layers=(*state.here.layers, name)), depth=state.depth + 1)
            return text_ways(inner, text, f"`{name} -c`", words[at + 2 :], name="".join(words[at + 1 : at + 2]) or name)
        if word == "--":
            break
        at += 1 if word in _VALUED or re.fullmatch(r"[-+][A-Za-z]*o", word) else 0
    if at >= len(words) or words[at] == "-":
        return None if state.stdin is None else text_ways(state, state.stdin, f"the text that `{name}` reads")
    return from_file(state, words[at], words[at + 1 :])


def _behind_options(words: tuple[str, ...], at: int) -> int:
    """Where the text of `-c` stands: it is the first word that is no option of the shell."""
    while at < len(words) and words[at][:1] in ("-", "+") and len(words[at]) > 1:
        at += 1
        if words[at - 1] == "--":
            break
        at += 1 if words[at - 1] in _VALUED or re.fullmatch(r"[-+][A-Za-z]*o", words[at - 1]) else 0
    return at


def script(state: State) -> list[list[State]] | None:
    """Behind a file that is a shell script by its first line or its name, given by its path or found on PATH."""
    name, shell = state.here.words[0], state.here.shell
    if os.path.basename(name) in ("docker", "python", "python3"):
        return None
    if (known := _known(state, name)) is not None:
        return from_file(state, known, state.here.words[1:])
    if state.elsewhere:
        return None
    path = script_at(shell, name) if name.endswith((".sh", ".bash")) and os.sep not in name else shell.which(name)
    if path is None or not shell.files.isfile(path) or not _is_shell(name, shell.files.head(path, 256)):
        return None
    return from_file(state, path if os.sep not in name else name, state.here.words[1:])


def _known(state: State, name: str) -> str | None:
    """The path of a shell script whose text is known though it is no file here: in a container, or written before."""
    folders = (state.here.shell.cwd,) if os.sep in name else (state.here.shell.cwd, *_FOLDERS)
    paths = (os.path.normpath(os.path.join(folder, name)) for folder in folders)
    for path in paths:
        text = state.text(path) if state.elsewhere or path in state.written else None
        if text is not None and _is_shell(name, text[:256].encode("utf-8", "replace")):
            return path
    return None


def _is_shell(name: str, head: bytes) -> bool:
    """Whether a file that begins so is a shell script, and no launcher of a Python program."""
    if b"'''exec'" in head or b"pyenv" in head:
        return False
    named = name.endswith((".sh", ".bash")) and not head.startswith((b"#!", b"\x7fELF"))
    return named or _SHEBANG.match(head.split(b"\n", 1)[0].decode("utf-8", "replace")) is not None


def script_at(shell: Shell, name: str) -> str | None:
    """The path of the file with this name, None where there is none."""
    path = shell.files.inside(os.path.normpath(os.path.join(shell.cwd, name)))
    return path if shell.files.isfile(path) else None


def from_file(state: State, name: str, arguments: tuple[str, ...]) -> list[list[State]]:
    """The commands of a script."""
    here, shown = state.here, one_line(name, 200)
    path = os.path.normpath(os.path.join(here.shell.cwd, name))
    text = state.text(path)
    if text is None or "\0" in text:
        why = f"the script `{shown}` cannot be read or is larger than {LARGEST >> 10} KiB"
        if state.elsewhere:
            why = f"the script `{shown}` is not on this machine, so it is not read"
        return [[replace(state, here=replace(here, words=(), source=shown, open=(*here.open, why)))]]
    inner = replace(state, here=replace(here, layers=(*here.layers, shown)), depth=state.depth + 1)
    return text_ways(inner, text, shown, arguments, os.path.dirname(path), name)


def text_ways(
    state: State, text: str, source: str, arguments: tuple[str, ...] = (), home: str | None = None, name: str = "bash"
) -> list[list[State]]:
    """The commands that shell text starts, a list for each way through it; `source` names the text, `name` is `$0`."""
    from doctor.launch.shell_text import Setting, ways

    shell = state.here.shell
    found = ways(text, Setting(
        shell.environ, shell.cwd, arguments, home, name, read=state.text, exists=state.exists,
        open_environment=state.elsewhere,
    ))  # fmt: skip
    out = [
        [
            _started(state, way, at, source)
            for at, start in enumerate(way.starts)
            if not _NO_PROGRAM.match("".join(start.words[:1]))
        ]
        for way in found
    ]
    if any(out):
        return out
    here = state.here
    told = (*here.open, *(o for way in found for o in way.unknown), f"{source} starts no known command")
    return [[replace(state, here=replace(here, words=(), source=source, open=told))]]


def _started(state: State, way: Way, place: int, source: str) -> State:
    here, shell, start = state.here, state.here.shell, way.starts[place]
    behind = way.starts[place + 1].words if place + 1 < len(way.starts) else ()
    told = start.source or source
    at = told if told.startswith(("`", "the ")) else f"{told}:{start.line}"
    activated = any(shell.environ.get(name) != start.environ.get(name) for name in _CHOSEN)
    kept = {k: v for k, v in here.set.items() if k in start.environ}
    inner = Unfolded(
        replace(shell, environ=start.environ, cwd=start.cwd), start.words, {**kept, **start.set},
        here.dropped | (start.dropped if "*" not in here.dropped else frozenset()), at,
        (*here.open, *way.unknown, *start.unknown), (*here.guards, *way.guards), here.place, here.guessed, False,
        here.layers, None if activated else here.runner, behind if behind[:1] and behind[0].startswith("-") else (),
        front_of(way.starts, place) or here.front,
    )  # fmt: skip
    return replace(state, here=inner, stdin=start.stdin, written={**state.written, **start.written})
