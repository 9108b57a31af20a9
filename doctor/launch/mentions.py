"""Whether a text or a command has to do with a serving engine."""

from __future__ import annotations

import re
from functools import cache

from doctor.matrix.engine_types import Engine
from doctor.matrix.engines import engines

_CONTAINER = re.compile(r"(?:^|/)(?:docker|podman|nerdctl)(?:\.exe|-compose)?$")
_STARTS = ("serve", "run", "up", "api_server", "launch_server", "serving")


def mentions_engine(text: str) -> bool:
    """Whether a serving engine's name stands anywhere in the text, such as an image and its command."""
    low = text.lower()
    return any(name in low for e in engines() if not e.library for name in _names(e))


def _names(one: Engine) -> set[str]:
    return {one.name, one.package, *(f.program for f in one.launches if f.program)}


@cache
def _engine() -> re.Pattern[str]:
    """A program or a package of an engine, as a word or a part of one."""
    names = sorted({re.escape(n) for e in engines() for n in _names(e)})
    return re.compile(rf"(?:^|[\s/])(?:{'|'.join(names)})(?:[\s./]|$)", re.IGNORECASE)


@cache
def _starts() -> frozenset[str]:
    """Words by which a program starts a server: its subcommands, and programs that need none."""
    return frozenset((*_STARTS, *(f.program for e in engines() for f in e.launches if f.program and not f.subcommand)))


def serves(words: tuple[str, ...]) -> bool:
    """Whether a command starts a server of an engine, or a container."""
    if words[0] in ("pip", "pip3", "uv") and "install" in words[:4]:
        return False
    container = any(_CONTAINER.search(w) for w in words[:3])
    return (container or bool(_engine().search(" ".join(words[:40])))) and any(
        part in _starts() for w in words[:40] for part in re.split(r"[.\s/]", w)
    )
