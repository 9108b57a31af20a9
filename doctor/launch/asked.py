"""The launch command as its engine reads it: options by the table of the release, the model, the served names.

Every question about an option goes through here, so that an abbreviation, `--x=y`, a switch in front of the model or
an option's own value mean the same to every rule.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from doctor.base.record import dataclass
from doctor.facts import Facts, Launch
from doctor.launch.parser import Given, Reading, read
from doctor.launch.program import Program, program_of
from doctor.launch.starting import asks_for_help
from doctor.matrix import rows
from doctor.matrix.engine_types import Engine, LaunchForm
from doctor.matrix.engines import engine_row, launched_as, serving_engines

SOURCE = "add_argument calls in its published wheel"


@dataclass(frozen=True)
class Asked:
    """A command that starts an engine, and its options as `version` of that engine reads them.

    `exact` is False where another release's table had to be taken: the release that would run is not known or not in
    the data. `arguments` are the words that the parser gets.
    """

    launch: Launch
    engine: str
    version: str
    reading: Reading
    arguments: tuple[str, ...] = ()
    exact: bool = True

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
        """The last value of these options, the empty text for one without; None where absent or switched off."""
        found = self.values(*names)
        return None if found is None else found[-1] if found else ""

    def values(self, *names: str) -> tuple[str, ...] | None:
        """All values of the last of these options that stands in the command; None where none does."""
        last: tuple[int, tuple[str, ...] | None] = (-1, None)
        for at, given in self._given(names):
            if at >= last[0]:
                last = (at, given)
        return last[1]

    @property
    def model(self) -> str | None:
        """The word that names the model, or None: a word of its own goes before an option."""
        names = set(self.data.names("model")) - set(self.unread)
        found = sorted((g for g in self.reading.given if g.name in names and g.values), key=lambda g: not g.spelled)
        return found[-1].values[0] if found else None

    @property
    def unread(self) -> tuple[str, ...]:
        """The positional words that this start form takes and never uses."""
        form = form_of(self.launch)
        return form.unread if form is not None else ()

    def _given(self, names: Sequence[str]) -> Iterator[tuple[int, tuple[str, ...] | None]]:
        """Where each of these options stands, with its values; None for a switch that is turned off."""
        wanted = {plain(n) for n in names}
        table = self.reading.table
        known = {option.name for n in names if (option := table.option(n)) is not None}
        for given in self.reading.given:
            if given.spelled and (given.name in known or plain(given.name) in wanted):
                yield max(given.at, default=0), None if _negated(given) else given.values
        for problem in self.reading.problems:
            if problem.kind in ("unknown", "value-missing") and plain(problem.spelled) in wanted:
                yield max(problem.at, default=0), tuple((problem.value or "").split())


def asked(launch: Launch, version: str | None) -> Asked | None:
    """The command read by the release `version` of its engine, else by the newest release that the data knows.

    None where no engine's own command line reads it: another parser does, no engine is started, or the data has none.
    """
    form = form_of(launch)
    if form is None or launch.engine is None or form.own_parser:
        return None
    words = launch.arguments or program_of(launch.argv).rest[len(form.subcommand) :]
    for release in filter(None, (version, newest(launch.engine))):
        reading = read(launch.engine, release, words, serve=form.serve)
        if reading is not None:
            return Asked(launch, launch.engine, release, reading, words, release == version)
    return None


def asked_of(facts: Facts) -> Asked | None:
    """The command of these facts, read by the release that is installed or declared there."""
    launch = facts.launch
    if not isinstance(launch, Launch) or launch.engine not in serving_engines():
        return None
    return asked(launch, facts.version(launch.engine))


def form_of(launch: Launch) -> LaunchForm | None:
    """The start form of its engine that the command has; None where it starts no server."""
    named = _program(launch)
    found = launched_as(named.name, named.module, named.subcommand)
    return found[1] if found else None


def _program(launch: Launch) -> Program:
    """What the command starts; facts of an older form hold its words alone."""
    if launch.program or launch.module:
        return Program(launch.program, launch.module, launch.subcommand)
    return Program() if asks_for_help(launch.argv) else program_of(launch.argv)


def starts_server(launch: object) -> bool:
    """Whether a launch command was given, and a server's command was found in it."""
    return isinstance(launch, Launch) and form_of(launch) is not None


def newest(engine: str) -> str | None:
    """The newest release of an engine that the data knows."""
    known = rows.releases(engine)
    return known.versions[-1] if known and known.versions else None


def plain(name: str) -> str:
    """An option as parsers compare it: `_` and `-` alike, leading dashes kept."""
    body = name.lstrip("-")
    return "-" * (len(name) - len(body)) + body.replace("_", "-")


def _negated(given: Given) -> bool:
    """`--no-x`, or `--disable-x` for `--enable-x`: the switch is turned off."""
    spelled, name = plain(given.spelled), given.name
    if spelled.startswith("--no-"):
        return not name.startswith("--no-")
    return name.startswith("--enable-") and spelled.startswith("--disable-")
