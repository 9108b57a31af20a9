"""What is found inside a command: the innermost words, what they run with, and where."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from doctor.base.record import dataclass
from doctor.launch.shell import LARGEST, Behind, Shell


@dataclass(frozen=True)
class Place:
    """Where a command runs, as far as it is not simply here.

    `machine` is another machine, such as "the host `gpu1`": facts of this one's GPU do not apply. `environment` is
    another root or image: installed packages of this machine do not apply. `image` is the reference of a container
    image, where one is named.
    """

    machine: str | None = None
    environment: str | None = None
    image: str | None = None
    user: str | None = None


@dataclass(frozen=True)
class Front:
    """A program that runs in front of a server which a script started with `&`: its words, and the addresses it asks.

    `routes` are pairs of where an address stands (a variable, or a program such as `curl`) and the address itself.
    """

    words: tuple[str, ...]
    routes: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Unfolded:
    """One innermost command. `shell` is where it runs; `set` the variables that the layers set for it.

    `dropped` are variables of the caller that it no longer has ({"*"} for a cleared environment). `source` names the
    script or the layer that it was found in, None where the words are the user's own; `open` says what could not be
    followed, a sentence each; `guards` are conditions on which it hangs. `guessed`: found behind a program that is not
    known. `mention`: the words start nothing. `layers` are the programs taken off, the outermost first, and `runner`
    is the environment that one of them (`uv run`) chooses. `cut` are the words of a next line that begins with an
    option, so that it is a command of its own. `front` is what runs in front of it.
    """

    shell: Shell
    words: tuple[str, ...]
    set: dict[str, str] = field(default_factory=dict)
    dropped: frozenset[str] = frozenset()
    source: str | None = None
    open: tuple[str, ...] = ()
    guards: tuple[str, ...] = ()
    place: Place = Place()
    guessed: bool = False
    mention: bool = False
    layers: tuple[str, ...] = ()
    runner: Behind | None = None
    cut: tuple[str, ...] = ()
    front: Front | None = None


@dataclass(frozen=True)
class State:
    """A command on the way inwards. `apart`: files that it names are not on this machine; `depth` counts the layers.

    `written` are files that commands before it wrote, by absolute path, and `stdin` is the text that it reads.
    """

    here: Unfolded
    apart: bool = False
    depth: int = 0
    written: Mapping[str, str] = field(default_factory=dict)
    stdin: str | None = None

    @property
    def elsewhere(self) -> bool:
        """Whether the files that the command names are not those of this machine."""
        return self.apart or self.here.shell.inner is not None

    def text(self, path: str) -> str | None:
        """The text of a file by its absolute path where the command runs; None for one that cannot be read."""
        shell = self.here.shell
        if path in self.written:
            return self.written[path]
        if self.elsewhere:
            return shell.inner(path) if shell.inner is not None else None
        return shell.files.text(shell.files.inside(path), LARGEST)

    def exists(self, path: str) -> bool | None:
        """Whether a path exists there; None where that is not known."""
        shell = self.here.shell
        if path in self.written:
            return True
        if self.elsewhere:
            return True if shell.inner is not None and shell.inner(path) is not None else None
        return shell.files.exists(shell.files.inside(path))
