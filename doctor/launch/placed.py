"""Words of `vllm serve` that stand where its parser does not take them, by the habits of the release."""

from __future__ import annotations

from doctor.launch.problem import Problem
from doctor.launch.table import Style


def misplaced(arguments: tuple[str, ...], style: Style) -> list[Problem]:
    """`--model` instead of the word in front or beside it, and `--served-model-name` before the model."""
    return [*_model(arguments, style), *(_served_first(arguments) if style.served_after_model else ())]


def _model(arguments: tuple[str, ...], style: Style) -> list[Problem]:
    """`vllm serve --model M` in the releases that refuse it, and `vllm serve M --model M` in those that do so then."""
    worded = bool(arguments) and not arguments[0].startswith("-")
    if not (style.model_refused or (worded and (style.model_first or style.model_checked))):
        return []
    for at, word in enumerate(arguments):
        name, equals, value = word.partition("=")
        if name == "--model" and not (equals and style.model_refused):  # that one looks for the word `--model` alone
            end = at if equals else at + 1
            value = value if equals else next(iter(arguments[at + 1 : at + 2]), "")
            return [Problem("misplaced", "--model", "--model", value or None, at=tuple(range(at, end + 1)))]
    return []


def _served_first(arguments: tuple[str, ...]) -> list[Problem]:
    """`vllm serve --served-model-name x ...` without the model in front, where the release refuses that."""
    names = [a.partition("=")[0].replace("_", "-") for a in arguments]
    if not arguments or not arguments[0].startswith("-") or {"--model", "--config"} & set(names):
        return []
    at = next((i for i, n in enumerate(names) if n == "--served-model-name"), None)
    return [Problem("misplaced", names[at], names[at], at=(at,))] if at is not None else []
