"""What stands around the engine's own command, taken off layer by layer: `env`, `nohup`, `bash -c`, scripts, `tmux`."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import field, replace

from doctor.base.record import dataclass
from doctor.base.text import one_line
from doctor.launch.launched import launched_by
from doctor.launch.shell import Shell, unwrapped
from doctor.launch.shell_text import LARGEST

_SHELL = re.compile(r"(?:.*[\\/])?(?:ba|da|z|k|a)?sh(?:\.exe)?$")
_DEPTH = 6
# options of terminal multiplexers with a value
_TMUX = {"-c", "-e", "-F", "-n", "-s", "-t", "-x", "-y", "-f", "-L", "-S"}
_TMUX_VERBS = ("new", "new-session", "neww", "new-window", "splitw", "split-window")
_SCREEN = {"-S", "-L", "-h", "-t", "-s", "-T", "-c", "-p", "-e"}


@dataclass(frozen=True)
class Place:
    """Where the command runs, as far as it is not simply here."""

    machine: str | None = None
    environment: str | None = None
    image: str | None = None
    user: str | None = None


@dataclass(frozen=True)
class Unfolded:
    """The innermost command. `shell` is where it runs; `set` the variables that the layers set for it.

    `source` names the script or the layer that it was found in, None where the words are the user's own;
    `open` says what could not be followed.
    """

    shell: Shell
    words: tuple[str, ...]
    set: dict[str, str] = field(default_factory=dict)
    source: str | None = None
    open: tuple[str, ...] = ()
    guards: tuple[str, ...] = ()
    place: Place = Place()
    guessed: bool = False
    mention: bool = False
    layers: tuple[str, ...] = ()


def alternatives(shell: Shell, argv: tuple[str, ...]) -> tuple[Unfolded, ...]:
    """All ways."""
    from doctor.launch.runners import without_runner

    here = unfolded(shell, argv)
    return (replace(here, words=without_runner(here.words)),)


def unfolded(shell: Shell, argv: tuple[str, ...]) -> Unfolded:
    """The command inside `env A=b`, `nohup`, `bash -c "..."`, `bash start.sh`, `./start.sh`, `tmux`, `screen`."""
    here = Unfolded(shell, argv)
    for _ in range(_DEPTH):
        before = here.words
        inner, words = unwrapped(here.shell, here.words)
        added = _difference(here.shell.environ, inner.environ)
        here = replace(here, shell=inner, words=words, set={**here.set, **added})
        here = _multiplexer(here) or _through_shell(here) or _script(here) or here
        if here.words == before:
            break
    return here


def _difference(before: Mapping[str, str], after: Mapping[str, str]) -> dict[str, str]:
    return {k: v for k, v in after.items() if before.get(k) != v} if before is not after else {}


def _multiplexer(here: Unfolded) -> Unfolded | None:
    name = os.path.basename(here.words[0]) if here.words else ""
    if name not in ("tmux", "screen"):
        return None
    valued = _TMUX if name == "tmux" else _SCREEN
    rest = list(here.words[1:])
    if name == "tmux" and rest and rest[0] in _TMUX_VERBS:
        rest.pop(0)
    while rest and rest[0].startswith("-"):
        word = rest.pop(0)
        takes = word in valued or (name == "screen" and re.fullmatch(r"-[dDmLRx]+S", word))
        if takes and rest:
            rest.pop(0)
    if not rest:
        return None
    if len(rest) == 1 and " " in rest[0]:
        return _text(here, rest[0], f"the command of `{name}`")
    return replace(here, words=tuple(rest))


def _through_shell(here: Unfolded) -> Unfolded | None:
    """`bash -c "..."` and `bash FILE`."""
    if not here.words or not _SHELL.match(here.words[0]):
        return None
    rest = list(here.words[1:])
    while rest and rest[0][:1] in "-+" and len(rest[0]) > 1:
        word = rest.pop(0)
        if re.fullmatch(r"-[a-z]*c", word):
            return _text(here, rest[0], f"`{os.path.basename(here.words[0])} -c`", tuple(rest[2:])) if rest else None
        if word in ("-o", "+o", "-O", "--rcfile", "--init-file") and rest:
            rest.pop(0)
    return _file(here, rest[0], tuple(rest[1:])) if rest else None


def _script(here: Unfolded) -> Unfolded | None:
    """A file that is a shell script by its first line or its name."""
    if not here.words or os.path.basename(here.words[0]) in ("docker", "python", "python3"):
        return None
    name = here.words[0]
    if os.sep not in name and not name.endswith((".sh", ".bash")):
        return None
    path = here.shell.which(name) if os.sep in name else here.shell.files.inside(os.path.join(here.shell.cwd, name))
    if path is None or not here.shell.files.isfile(path):
        return None
    head = here.shell.files.head(path, 256)
    shebang = head.split(b"\n", 1)[0].decode("utf-8", "replace")
    is_shell = re.match(r"#!\s*\S*?/?(?:env\s+(?:-S\s+)?)?(?:\S*/)?(?:ba|da|z|k|a)?sh\b", shebang)
    launcher = b"'''exec'" in head or b"pyenv" in head
    if (is_shell and not launcher) or (not head.startswith((b"#!", b"\x7fELF")) and name.endswith((".sh", ".bash"))):
        return _file(here, name, here.words[1:])
    return None


def _file(here: Unfolded, name: str, arguments: tuple[str, ...]) -> Unfolded | None:
    path = here.shell.files.inside(os.path.normpath(os.path.join(here.shell.cwd, name)))
    text = here.shell.files.text(path, LARGEST)
    shown = one_line(name, 200)
    if text is None or "\0" in text:
        why = f"the script `{shown}` cannot be read or is larger than {LARGEST >> 10} KiB"
        return replace(here, words=(), source=shown, open=(*here.open, why))
    return _text(here, text, shown, arguments, os.path.dirname(path))


def _text(here: Unfolded, text: str, source: str, arguments: tuple[str, ...] = (), home: str | None = None) -> Unfolded:
    found = launched_by(text, here.shell.environ, here.shell.cwd, arguments, home)
    if found is None:
        return replace(here, words=(), source=source, open=(*here.open, f"{source} starts no known command"))
    at = source if source.startswith(("`", "the ")) else f"{source}:{found.line}"
    shell = replace(here.shell, environ=found.environ, cwd=found.cwd)
    return Unfolded(shell, found.words, {**here.set, **found.set}, at, (*here.open, *found.open))
