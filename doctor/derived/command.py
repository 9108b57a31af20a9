"""What the rules on the launch command share: its options as the engine's parser would read them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from doctor.base.record import dataclass
from doctor.base.text import one_line
from doctor.derived.engine import ENGINES, other_release
from doctor.facts import Distributions, Facts, Launch, Model
from doctor.findings import Action, Evidence, Location, NotApplicable, Open, Remediation
from doctor.launch.parser import Problem, Reading, read
from doctor.matrix.engines import engine_row, launched_as
from doctor.matrix.releases import ReleaseSet

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
    def source(self) -> str:
        """Where the options stand."""
        return f"{self.shown}: {SOURCE}"

    def value(self, *names: str) -> str | None:
        """The last value of these options, None where absent."""
        return self.reading.value(*names)


def asked(facts: Facts) -> Asked | Open | NotApplicable:
    """The command and its options, or why they cannot be judged."""
    launch = facts.launch
    if not isinstance(launch, Launch) or launch.engine not in ENGINES:
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


def others(engine: str, subcommand: tuple[str, ...]) -> bool:
    """Whether the engine's program does something else with these words, no server of the OpenAI form."""
    return engine_row(engine).does_otherwise(subcommand)


def place(problem: Problem) -> Location:
    """Where a problem of an option is."""
    return Location("argument", shown(problem.spelled, 100))


def shown(text: str | None, limit: int = 200) -> str:
    """Text from the command, safe for a message."""
    return one_line(text or "", limit)


def argument(name: str, value: str | None) -> Action:
    """Sets an option; None drops it, the empty text makes it a bare switch."""
    return Action("set_argument", name=name, value=value)


def evidence(asked: Asked, problem: Problem, expected: str | None) -> Evidence:
    """What was given and what the release takes."""
    return Evidence(shown(problem.spelled, 100), shown(problem.value) or None, expected, asked.source)


def problems(reading: Reading, *kinds: str) -> Iterator[Problem]:
    """The problems of these kinds, each option's first only."""
    seen = set()
    for problem in reading.problems:
        if problem.kind in kinds and (problem.name, problem.value) not in seen:
            seen.add((problem.name, problem.value))
            yield problem


def releases(asked: Asked, having: ReleaseSet | None) -> list[Remediation]:
    """The way out of another release that has it."""
    return other_release(asked.engine, having, asked.version) if having is not None else []


def unread(asked: Asked) -> list[Open]:
    """What of the command could not be followed leaves a pass open."""
    reasons: Iterable[str] = asked.launch.unread
    if asked.reading.config:
        reasons = (*reasons, "the file of options behind `--config` is not read")
    return [Open(r) for r in reasons][:1]


def the_model(facts: Facts) -> Model | Open | NotApplicable:
    """The model that the command serves, or why it is not known."""
    if isinstance(facts.model, Model):
        return facts.model
    if facts.model.reason == "not_requested":
        return NotApplicable("no model is named")
    return Open(facts.model.detail or "the model's configuration is not known")
