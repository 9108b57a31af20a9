"""What a plan's files are made of: the server, its image, its model, its pins. Plain values, checked before."""

from __future__ import annotations

from dataclasses import field

from doctor.base.record import dataclass
from doctor.matrix.engines import engine_row


@dataclass(frozen=True)
class Recipe:
    """`engine` is None where the plan is about packages alone. `image` holds the engine's `version` already.

    `command` is the corrected launch, as it is typed; `model` the word that names the model there, `folder` set where
    that is a folder of this machine. `pins` are all releases, `layer` those that an official image gets on top, and
    `source` distributions without a wheel. `python` is `X.Y`. `interpreter` is the target's, where it may be changed.
    """

    engine: str | None = None
    version: str | None = None
    image: str | None = None
    command: tuple[str, ...] = ()
    model: str | None = None
    folder: str | None = None
    gpus: int = 1
    python: str = "3.11"
    pins: dict[str, str] = field(default_factory=dict)
    changes: dict[str, str | None] = field(default_factory=dict)
    layer: dict[str, str] = field(default_factory=dict)
    source: frozenset[str] = frozenset()
    environ: dict[str, str] = field(default_factory=dict)
    interpreter: str | None = None
    metrics: tuple[str, ...] | None = ()
    why: tuple[str, ...] = ()
    proof: str = ""

    @property
    def port(self) -> int:
        """The server's port: as launched, else the engine's own."""
        row = engine_row(self.engine)
        option = row.option("port")
        for at, word in enumerate(self.command):
            name, equals, value = word.partition("=")
            if option and name.replace("_", "-") == option.replace("_", "-"):
                told = value if equals else self.command[at + 1] if at + 1 < len(self.command) else ""
                if told.isdigit() and 0 < int(told) < 65536:
                    return int(told)
        return row.port or 8000

    @property
    def wheels(self) -> dict[str, str]:
        """The pins that have wheels."""
        return {n: v for n, v in self.pins.items() if n not in self.source}


def comment(lines: tuple[str, ...], mark: str = "#") -> str:
    """Lines of comment, each cut to a readable width; nothing in them can end the comment."""
    import textwrap

    from doctor.base.text import one_line

    out = []
    for line in lines:
        out += textwrap.wrap(one_line(line, 1000), 96, initial_indent=f"{mark} ", subsequent_indent=f"{mark}   ")
    return "\n".join(out)
