"""What somebody meant by an option that a release does not have."""

from __future__ import annotations

import difflib

from doctor.base.record import dataclass
from doctor.launch.parser import Problem
from doctor.launch.synonyms import equals
from doctor.launch.table import Option, Table
from doctor.launch.values import refusal

NEAR, SURE = 0.78, 0.86


@dataclass(frozen=True, slots=True)
class Suggestion:
    """An option of the release in place of another: `value` None drops it, the empty text is a bare switch.

    `sure`: the same thing by another name, with a value that it takes. `why` is a clause for a message.
    """

    option: Option
    value: str
    sure: bool
    why: str


def suggested(table: Table, problem: Problem) -> Suggestion | None:
    """The option of this release that was most likely meant; None where none is near."""
    name = problem.spelled
    for spelled in _respelled(name):
        if option := table.option(spelled):
            return _with_value(option, problem, f"it is written `{option.name}`")
    for same in equals().same:
        if not same.named(name.replace("_", "-")) and not same.named(name):
            continue
        for own in same.at(table.engine):
            found = table.option(own) or next((p for p in table.positionals if p.name == own), None)
            if found is not None:
                called = f"here it is `{own}`" if found.spellings else "here the model is the first word"
                differs = None if name in same.at(table.engine) else same.differs  # only renamed by this engine
                return _with_value(found, problem, f"{called} ({differs})" if differs else called, differs)
    return _near(table, problem)


def _respelled(name: str) -> list[str]:
    """`--server_port`, `-tp`, `-model-format` and `---tp` as they should be."""
    bare = name.lstrip("-").replace("_", "-")
    return [s for s in (f"--{bare}", f"-{bare}") if s != name]


def _near(table: Table, problem: Problem) -> Suggestion | None:
    name = problem.spelled.replace("_", "-")
    long = [s for s in table.known if s.startswith("--") and not s.startswith("--no-")]
    best = difflib.get_close_matches(name, long, n=1, cutoff=NEAR)
    if not best or not name.startswith("-"):
        return None
    sure = difflib.SequenceMatcher(None, name, best[0]).ratio() >= SURE
    return _with_value(table.known[best[0]], problem, f"did you mean `{best[0]}`", None if sure else "a guess")


def _with_value(option: Option, problem: Problem, why: str, differs: str | None = None) -> Suggestion:
    value = problem.value
    if option.nargs == 0:
        fits = value is None or value.lower() in ("true", "1", "yes", "on")
        return Suggestion(option, "", fits and not differs, why)
    fits = value is not None and all(refusal(option, v) is None for v in (value.split() if option.nargs else [value]))
    return Suggestion(option, value or "", fits and not differs, why)
