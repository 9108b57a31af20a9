"""What a launch command asks for: an option by its names, whatever the spelling."""

from __future__ import annotations

from collections.abc import Sequence

from doctor.facts import Facts, Launch
from doctor.launch.asked import asked, asked_of, plain
from doctor.matrix.engines import engine_row, option_names


def option(facts: Facts, *names: str) -> str | None:
    """The value of the last of these options in the launch command, as the engine's parser reads it.

    The empty text for a switch, None where the option is absent. Where no parser of ours reads the command, its words
    are looked through.
    """
    found = asked_of(facts)
    if found is not None:
        return found.value(*names)
    return option_of(words_of(facts.launch), *names) if isinstance(facts.launch, Launch) else None


def setting(facts: Facts, name: str) -> str | None:
    """The value of an option, or of a variable that the command sets, by its name."""
    if name.startswith("-"):
        return option(facts, name)
    return facts.launch.environ.get(name) if isinstance(facts.launch, Launch) else None


def options_of(launch: Launch, version: str | None, *names: str) -> tuple[str, ...]:
    """All values of the last of these options in a command; empty where it is absent or has none."""
    if (found := asked(launch, version)) is not None:
        return found.values(*names) or ()
    told = option_of(words_of(launch), *names)
    return (told,) if told else ()


def option_of(words: Sequence[str], *names: str) -> str | None:
    """The value of the last of these options in words that no table reads, `--name value` or `--name=value`.

    As the engines' parsers do, `_` and `-` in a name are the same.
    """
    found, wanted = None, {plain(n) for n in names}
    for index, word in enumerate(words):
        name, equals, value = word.partition("=")
        if plain(name) in wanted:
            after = words[index + 1] if index + 1 < len(words) else ""
            found = value if equals else "" if after.startswith("--") else after
    return found


def words_of(launch: Launch) -> tuple[str, ...]:
    """The words behind the program and its subcommand; the whole command in facts of an older form."""
    return launch.arguments or launch.argv


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


def model_word(facts: Facts) -> str | None:
    """The model as the launch command names it, or None."""
    if (found := asked_of(facts)) is not None:
        return found.model
    return model_of(facts.launch) if isinstance(facts.launch, Launch) else None


def model_of(launch: Launch, version: str | None = None) -> str | None:
    """The model as a command names it, or None.

    One of a parser that we do not read names it by an option, or by a first word that is none.
    """
    if (found := asked(launch, version)) is not None:
        return found.model
    names = engine_row(launch.engine).names("model") or option_names("model")
    told = option_of(words_of(launch), *(n for n in names if n.startswith("-")))
    first = launch.arguments[0] if launch.engine and launch.arguments else ""
    return told or (first if first and not first.startswith("-") else None)
