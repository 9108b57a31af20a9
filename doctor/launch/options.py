"""What a launch command asks for, read off its words."""

from __future__ import annotations

from collections.abc import Sequence

from doctor.facts import Facts, Launch
from doctor.matrix.engines import option_names


def option(facts: Facts, *names: str) -> str | None:
    """The value of the last of these options in the launch command; see `option_of`."""
    return option_of(facts.launch.argv if isinstance(facts.launch, Launch) else (), *names)


def option_of(words: Sequence[str], *names: str) -> str | None:
    """The value of the last of these options in a command, `--name value` or `--name=value`; else None.

    As the engines' parsers do, `_` and `-` in a name are the same.
    """
    found, wanted = None, {plain(n) for n in names}
    for index, word in enumerate(words):
        name, equals, value = word.partition("=")
        if plain(name) in wanted:
            after = words[index + 1] if index + 1 < len(words) else ""
            found = value if equals else "" if after.startswith("--") else after
    return found


def plain(name: str) -> str:
    """An option as parsers compare it: `_` and `-` alike, leading dashes kept."""
    body = name.lstrip("-")
    return "-" * (len(name) - len(body)) + body.replace("_", "-")


def number(facts: Facts, *names: str) -> float | None:
    """The value of an option as a number, None where it is absent or no number."""
    try:
        return float(option(facts, *names) or "")
    except ValueError:
        return None


def engine(facts: Facts) -> str | None:
    """The engine that the launch command starts, or None."""
    return facts.launch.engine if isinstance(facts.launch, Launch) else None


def parallel(facts: Facts) -> int:
    """How many processes share the model by tensor parallelism."""
    value = number(facts, *option_names("tensor_parallel"))
    return int(value) if value is not None and 1 <= value < 4096 else 1
