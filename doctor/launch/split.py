"""Meant that the program takes otherwise than they were meant: an option with its value in one, a command twice."""

from __future__ import annotations

import re
import shlex

from doctor.base.late import late_pattern
from doctor.base.record import dataclass
from doctor.launch.argv import dashed
from doctor.launch.program import program_of
from doctor.matrix import rows
from doctor.matrix.engines import engine_row, launched_as

_UNSET = late_pattern(r"\$\{[^{}]*\}|\$\([^()]*\)")
_OPTION = late_pattern(r"(--?[A-Za-z][\w.-]*)\s+\S")


@dataclass(frozen=True, slots=True)
class Meant:
    """The words as they were meant; `doubled` are those that stood twice, `unsplit` those that were split."""

    words: tuple[str, ...]
    doubled: tuple[str, ...] = ()
    unsplit: tuple[str, ...] = ()


def known(words: tuple[str, ...]) -> tuple[str, ...]:
    """The words without unset variables that stand where further options may: `vllm serve Q --seed 3 ${EXTRA}`."""
    return tuple(w for at, w in enumerate(words) if at == 0 or words[at - 1].startswith("-") or not _UNSET.fullmatch(w))


def meant(words: tuple[str, ...], engine: str | None, *, serve: bool = True) -> Meant:
    """The arguments of an engine's command without a start command of the same engine at their beginning.

    That is what a container gets whose image starts the server already. An item such as `--dtype auto`, which a YAML
    list hands over as one word, is split where the engine has such an option. Without `serve`, the start command does
    not read a model that stands alone, so that one is named by its option.
    """
    count = _repeated(words, engine)
    rest = words[count:]
    option = engine_row(engine).option("model")
    if count and not serve and option and rest and not rest[0].startswith("-"):
        rest = (option, *rest)
    out: list[str] = []
    unsplit: list[str] = []
    for at, word in enumerate(rest):
        parts = _parts(word, engine, at > 0 and rest[at - 1].startswith("-"))
        out += parts or [word]
        unsplit += [word] if parts else []
    return Meant(tuple(out), words[:count], tuple(unsplit))


def _repeated(words: tuple[str, ...], engine: str | None) -> int:
    """How many words at the beginning are a start command of the engine again, or only its subcommand."""
    start = program_of(words)
    form = launched_as(start.name, start.module, start.subcommand) if words else None
    if form is not None and form[0].name == engine:
        return len(words) - len(start.rest) + len(form[1].subcommand)
    subcommands = (f.subcommand for f in engine_row(engine).launches if f.subcommand)
    return next((len(s) for s in subcommands if words[: len(s)] == s), 0)


def _parts(word: str, engine: str | None, behind: bool) -> list[str]:
    """An option and its value that stand in one word; nothing for any other word.

    One of a name that no release has is an option too, misspelt, but `behind` an option it may be its value.
    """
    found = _OPTION.match(word)
    if found is None or engine is None or not (_is_option(engine, dashed(found[1])) or _misspelt(found[1], behind)):
        return []
    try:
        return shlex.split(word)
    except ValueError:
        return word.split(maxsplit=1)


def _misspelt(name: str, behind: bool) -> bool:
    return not behind and re.fullmatch(r"--[A-Za-z][\w-]+", name) is not None


def _is_option(engine: str, name: str) -> bool:
    return any(
        having is not None and bool(having.newest)
        for kind in ("flags", "flags.serve")
        if (having := rows.releases_having(engine, kind, name)) is not None
    )
