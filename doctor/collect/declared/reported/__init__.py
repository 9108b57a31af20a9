"""What somebody's report says of an environment: a block of a reporter, a list of packages, `nvidia-smi`, a command."""

from __future__ import annotations

from doctor.base.record import dataclass
from doctor.base.text import one_line
from doctor.collect.declared.reported.command import command
from doctor.collect.declared.reported.machine import Machine, machine
from doctor.collect.declared.reported.packages import Stated, packages, plain

LARGEST = 256 << 10  # characters that are looked at: four times what a form for issues takes
LONGEST_LINE = 2000
MOST_LINES = 10_000


@dataclass(frozen=True)
class Reported:
    """A report as a declaration: the releases that it states, its machine, and the script of the command.

    `twice` are packages that it states in two releases, each with its lines.
    """

    name: str
    packages: dict[str, Stated]
    machine: Machine
    command: str = ""
    twice: tuple[tuple[Stated, Stated], ...] = ()


def reported(text: str, name: str) -> Reported | None:
    """What a text says of an environment; None where it names neither a package nor a command of an engine."""
    lines = [line[:LONGEST_LINE] for line in text[:LARGEST].removeprefix("\ufeff").splitlines()[:MOST_LINES]]
    texts = [plain(line) for line in lines]
    found, twice = packages(texts)
    script = command(lines)
    if not found and not script:
        return None
    return Reported(one_line(name, 200), found, machine(texts), script, twice)
