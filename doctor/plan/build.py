"""From facts and rows to a problem: what may be chosen, and every requirement with the words that tell it."""

from __future__ import annotations

from dataclasses import field

from doctor.base.record import dataclass
from doctor.derived.goal import Goal
from doctor.derived.requirements import environments
from doctor.facts import Facts, normalize
from doctor.matrix import rows
from doctor.matrix.compat import compatibility
from doctor.plan.choices import Choice, Choices
from doctor.plan.needs import imports, majors, name_of, own_metadata, requirement, requirements
from doctor.plan.problem import Clause, Problem, Variable

BACKEND = "backend"
CHECKED = ("transformers",)  # what engines look at when they start


@dataclass(frozen=True)
class Asked:
    """How free a plan is. `keep` are distributions that stay as they are; `engines` tells whether an engine's release
    may change, `removal` whether distributions may be taken away. `prefer` is minimal, newest or attested.

    `required` are distributions that have to be there in a release that a specifier admits; `excluded` are releases
    that a resolver has turned down.
    """

    keep: tuple[str, ...] = ()
    prefer: str = "minimal"
    engines: bool = False
    removal: bool = False
    required: dict[str, str] = field(default_factory=dict)
    excluded: dict[str, frozenset[str]] = field(default_factory=dict)
    backend: str | None = None


@dataclass
class Builder:
    """One problem while it is made; `Builder(...).problem()` is all there is to call."""

    facts: Facts
    goal: Goal
    asked: Asked

    def __post_init__(self) -> None:
        cpu = bool(self.goal.devices) and self._cpu_torch()
        self.choices = Choices(self.facts, self.asked.prefer, self.asked.removal, cpu)
        self.where = environments(self.facts.target)
        self.clauses: list[Clause] = []
        self.used: dict[str, int] = {}  # the distributions in the problem -> the bits that they start from
        self.queue: list[str] = []
        self.extra: dict[str, Variable] = {}
        self.vital: set[str] = set()  # what the goal needs, directly or in turn

    def problem(self) -> Problem:
        """The whole problem: what is to work, all that it needs, and what else is installed and must not break."""
        from doctor.plan.machine import machine_clauses
        from doctor.plan.models import model_clauses, seen_working

        self._roots()
        model_clauses(self)
        machine_clauses(self)
        self._drain()
        for name in self.goal.engines:
            majors(self, self.choices.get(name))
        self.vital = vital = set(self.used)
        for one in self.choices.installed.installed:
            self._beside(one.key, vital)
        for name in self.asked.keep:
            self._keep(normalize(name))
        attested = seen_working(self.goal)
        variables = {
            n: self.choices.variable(self.choices.get(n), attested.get(n, frozenset()), self._quiet(n))
            for n in sorted(self.used)
        }
        return Problem(self._held({**variables, **self.extra}), tuple(self.clauses))

    def _quiet(self, name: str) -> int:
        """The releases of which the engine's own check at start does not warn, where its release is fixed."""
        out = -1
        for engine in self.goal.engines:
            start = self.used[engine]
            known = self.choices.get(engine).releases
            if known is None or start & (start - 1) or start >> len(known.versions):
                continue
            found = compatibility(engine, known.versions[start.bit_length() - 1], name) if name in CHECKED else None
            for bound in found.bounds if found else ():
                if bound.kind == "check":
                    out &= bound.releases.bits | ~((1 << len(bound.releases.releases.versions)) - 1)
        return out

    def use(self, name: str) -> Choice:
        """The choice for a distribution, which is in the problem from now on."""
        choice = self.choices.get(name)
        if name not in self.used:
            self.used[name] = choice.installable
            self.queue.append(name)
        return choice

    def add(self, target: str, then: int, member: str, **more: object) -> None:
        """One more clause; one without an owner narrows what the target starts from."""
        clause = Clause(target, then, member, **more)  # type: ignore[arg-type]
        self.clauses.append(clause)

    def _roots(self) -> None:
        have = self.choices.installed
        for name in self.goal.engines:
            choice = self.use(name)
            self.add(name, choice.present, f"{name} is asked for", subject=name, text=f"`{name}` is to be started")
            if have.get(name) and not self.asked.engines and choice.current is not None:
                version = have.version(name)
                self.add(name, 1 << choice.current, f"{name} {version}", subject=f"{name} {version}",
                         text=f"`{name}` is to stay at {version}")  # fmt: skip
                self.used[name] &= 1 << choice.current
        if not self.goal.engines:
            for one in have.installed:
                if rows.releases(one.key):
                    choice = self.use(one.key)
                    text = f"`{one.name}` is to work"
                    self.add(one.key, choice.present, f"{one.key} is installed", subject=one.key, text=text)
        for name, specifier in self.asked.required.items():
            choice = self.use(name)
            self.add(name, choice.admitting(specifier) & choice.present, f"{name}{specifier} is asked for",
                     subject=f"{name}{specifier}", text=f"`{name}{specifier}` is asked for")  # fmt: skip

    def _drain(self) -> None:
        while self.queue:
            name = self.queue.pop()
            choice = self.choices.get(name)
            if choice.releases is not None:
                requirements(self, choice)
                imports(self, choice)
            own_metadata(self, choice)

    def _beside(self, name: str, vital: set[str]) -> None:
        """What else is installed: where its requirements are met now, they shall be met afterwards."""
        if name in vital:
            return
        have = self.choices.installed.get(name)
        choice = self.choices.get(name)
        touched = {n for line in (have.requires if have else ()) if (n := name_of(line)) in vital}
        if not touched or have is None:
            return
        self.used.setdefault(name, choice.installable)
        if choice.releases is not None and choice.current is not None and not choice.beyond >> choice.current & 1:
            requirements(self, choice, touched)
        else:
            for line in have.requires:
                if name_of(line) in touched and choice.current is not None:
                    requirement(self, choice, line, 1 << choice.current, "METADATA", beside=True)

    def _keep(self, name: str) -> None:
        have = self.choices.installed.get(name)
        if have is None:
            return
        choice = self.choices.get(name)
        self.used.setdefault(name, choice.installable)
        assert choice.current is not None
        self.add(name, 1 << choice.current, f"keep {name}", subject=f"{name} {have.version}",
                 text=f"`--keep {name}` holds it at {have.version}")  # fmt: skip

    def _held(self, variables: dict[str, Variable]) -> dict[str, Variable]:
        """What is not installable is no value: said by a clause that is never given up."""
        for name in self.used:
            choice = self.choices.get(name)
            if choice.installable != (1 << len(choice.values)) - 1:
                python = self.facts.target.python or "this Python"
                self.clauses.append(Clause(name, choice.installable, f"{name} for Python", subject=name,
                                           text=f"only some releases of `{name}` can be installed on Python {python}"))
        for name, versions in self.asked.excluded.items():
            if name in variables:
                values = variables[name].values
                bad = sum(1 << i for i, v in enumerate(values) if v in versions)
                self.clauses.append(Clause(name, variables[name].all & ~bad, f"{name} turned down", subject=name,
                                           text=f"the resolver turned down `{name}` {', '.join(sorted(versions))}"))
        return variables

    def backend_of(self) -> str | None:
        """The backend that is sure to be used, None where it is open."""
        found = self.extra.get(BACKEND)
        return found.values[0] if found and len(found.values) == 1 else None

    def _cpu_torch(self) -> bool:
        from doctor.derived.torch_build import torch_build
        from doctor.facts import Distributions

        have = self.facts.distributions
        build = torch_build(have) if isinstance(have, Distributions) else None
        return build is not None and build.kind == "cpu"


def build(facts: Facts, goal: Goal, asked: Asked) -> Problem:
    """The problem of these facts and this goal."""
    return Builder(facts, goal, asked).problem()
