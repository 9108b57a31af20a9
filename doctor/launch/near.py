"""The start command that was most likely meant, for words that are close to one and start no server."""

from __future__ import annotations

from collections.abc import Iterator

from doctor.launch.program import Program, program_of
from doctor.matrix.engine_types import Engine, LaunchForm
from doctor.matrix.engines import engines, launched

_LONGEST = 80  # characters of a name


def near_program(words: tuple[str, ...]) -> str | None:
    """The known start form next to these words, such as `lmdeploy serve api_server`; None where none is close.

    None, too, for words that start a server, and for what an engine's program does otherwise (`vllm bench`).
    """
    run = program_of(words)
    if launched(run.name, run.module, run.subcommand) or _does_otherwise(run):
        return None
    found = [(*cost, text) for one in engines() for form in one.launches for text, cost in _near(one, form, run)]
    return min(found, default=(0, 0, None))[2]


def _does_otherwise(run: Program) -> bool:
    return any(
        e.does_otherwise(run.subcommand) or e.does_otherwise(run.rest[:1])
        for e in engines()
        if run.name in {f.program for f in e.launches if f.program} or run.module == e.package
    )


def _near(one: Engine, form: LaunchForm, run: Program) -> Iterator[tuple[str, tuple[int, int]]]:
    """The text of the form with what it costs to get there, smaller is nearer; nothing where it is too far."""
    behind = _subcommand(form.subcommand, run)
    if form.program and run.name:
        cost = _distance(run.name, form.program)
        if cost <= _allowed(form.program) and (behind is not None or (cost == 1 and len(form.program) > 5)):
            yield " ".join((form.program, *form.subcommand)), (cost + (3 if behind is None else behind), 0)
    if form.module and run.module and behind is not None:
        cost = _distance(run.module, form.module)
        if cost <= _allowed(form.module):
            yield " ".join(("python -m", form.module, *form.subcommand)), (cost + behind, 1)
        elif form.program and run.module == one.package:
            yield " ".join((form.program, *form.subcommand)), (behind, 0)


def _subcommand(wanted: tuple[str, ...], run: Program) -> int | None:
    """How far the words behind the program are from the subcommand; None where they have nothing in common with it."""
    if not wanted:
        return 0
    given = run.subcommand[: len(wanted)]
    costs = [_distance(a, b) for a, b in zip(given, wanted, strict=False)]
    if len(given) == len(wanted) and all(c <= _allowed(w) for c, w in zip(costs, wanted, strict=True)):
        return sum(costs)
    if len(wanted) > 1 and given and min(_distance(given[0], w) for w in wanted) <= 1:
        return 2  # one word of the subcommand is left out
    if (given and "/" in given[0]) or (not given and run.rest[:1] and run.rest[0].startswith("--model")):
        return 2  # the model stands where the subcommand should
    return None


def _allowed(word: str) -> int:
    """How many letters may be wrong."""
    return 1 if len(word) < 6 else 2 if len(word) < 24 else 3


def _distance(a: str, b: str) -> int:
    """Letters to add, drop, change or swap to make one word of the other; large for words that are far too long."""
    if a == b:
        return 0
    if abs(len(a) - len(b)) > 3 or len(a) > _LONGEST:
        return 99
    before: list[int] = []
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        last, row, two_ago = row, [i], before
        for j, y in enumerate(b, 1):
            cost = min(row[j - 1] + 1, last[j] + 1, last[j - 1] + (x != y))
            if i > 1 and j > 1 and x == b[j - 2] and a[i - 2] == y:
                cost = min(cost, two_ago[j - 2] + 1)
            row.append(cost)
        before = last
    return row[-1]
