"""How the options of the launch were read: by the table of the engine's release that would run."""

from __future__ import annotations

from doctor.base.record import dataclass
from doctor.facts import Distributions, Facts, Launch
from doctor.findings import NotApplicable, Open
from doctor.launch.parser import Reading, read
from doctor.matrix.engine_types import Engine
from doctor.matrix.engines import engine_row, launched_as, serving_engines

SOURCE = "add_argument calls in its published wheel"


@dataclass(frozen=True)
class Asked:
    """A command that starts an engine that is here, and its options read by that release's table."""

    launch: Launch
    engine: str
    version: str
    reading: Reading
    arguments: tuple[str, ...] = ()

    @property
    def shown(self) -> str:
        """Engine and release as a message has them."""
        return f"{self.engine} {self.version}"

    @property
    def data(self) -> Engine:
        """What is known of the engine: names of options by meaning, habits by release."""
        return engine_row(self.engine)

    def has(self, habit: str) -> bool:
        """Whether this release of the engine has the habit."""
        return self.data.has(habit, self.version)

    @property
    def source(self) -> str:
        """Where the options stand."""
        return f"{self.shown}: {SOURCE}"

    def value(self, *names: str) -> str | None:
        """The last value of these options, None where absent."""
        return self.reading.value(*names)


def read_asked(facts: Facts) -> Asked | Open | NotApplicable:
    """The command and its options, or why they cannot be judged."""
    launch = facts.launch
    if not isinstance(launch, Launch) or launch.engine not in serving_engines():
        return NotApplicable("no command that starts an engine")
    form = launched_as(launch.program, launch.module, launch.subcommand)
    if form is None or form[1].own_parser:
        return NotApplicable("the command does not start a server by the engine's own command line")
    here = facts.distributions if isinstance(facts.distributions, Distributions) else None
    found = here.get(launch.engine) if here else None
    if found is None:
        return Open(f"which release of {launch.engine} would run is not known")
    words = _arguments(launch, len(form[1].subcommand))
    reading = read(launch.engine, found.version, words, serve=form[1].serve)
    if reading is None:
        return Open(f"the options of {launch.engine} {found.version} are not in the data")
    return Asked(launch, launch.engine, found.version, reading, words)


def _arguments(launch: Launch, behind: int) -> tuple[str, ...]:
    """What the parser gets; facts of an older form hold the whole command only."""
    if launch.arguments or not launch.argv:
        return launch.arguments
    words = launch.argv
    start = launch.module or launch.program or ""
    at = next((i for i, w in enumerate(words) if w.replace("\\", "/").rpartition("/")[2] == start), None)
    return words[at + 1 + behind :] if at is not None else ()
