"""Speculative decoding as a launch command asks for it: what guesses tokens ahead, how many, and by which model."""

from __future__ import annotations

import json
from collections.abc import Callable

from doctor.base.record import dataclass
from doctor.base.text import one_line
from doctor.matrix.engine_types import Engine

Option = Callable[..., "str | None"]
# names of methods, as vLLM, SGLang and LMDeploy write them, by what is loaded for them
OWN_LAYERS = ("mtp", "nextn")
HEADS = ("eagle", "eagle3")
NOTHING = ("ngram", "ngram_gpu", "suffix")


@dataclass(frozen=True, slots=True)
class Drafting:
    """`kind` is mtp, eagle, eagle3, ngram, draft_model or another word of the engine's, "" where nothing is guessed.

    `wrong` is a number of tokens, with its name, that is none.
    """

    kind: str = ""
    tokens: int = 0
    model: str | None = None
    wrong: str = ""


def drafting(option: Option, row: Engine) -> Drafting:
    """From vLLM's JSON, or from options of their own. `option` tells the value of the last of several names."""
    said, model = option(*row.names("drafting")), option(*row.names("draft_model")) or None
    counts = {name: option(name) for name in (*row.names("drafted_tokens"), *row.names("drafted_steps"))}
    try:
        told = json.loads(said[:4096]) if said and said.lstrip().startswith("{") else None
    except ValueError:
        told = None
    if isinstance(told, dict):
        named, kind = told.get("model"), told.get("method")
        model, said = (named if isinstance(named, str) else model), (kind if isinstance(kind, str) else "")
        counts = {"num_speculative_tokens": told.get("num_speculative_tokens"), **counts}
    if not said and not model:
        return Drafting()
    many = next((n for value in counts.values() if (n := _count(value))), 0)
    wrong = next((f"{name} {value}" for name, value in counts.items() if value is not None and not _count(value)), "")
    return Drafting(_kind((said or "").lower(), model), many, model, one_line(wrong, 60))


def _kind(said: str, model: str | None) -> str:
    """A method by the name of its kind; by the model's name where none is given, as vLLM tells it."""
    if said in ("", "eagle") and model is None:
        return "mtp"  # SGLang calls a model's own layers so
    if said:
        kinds = (("mtp", "mtp"), ("nextn", "mtp"), ("standalone", "draft_model"))
        return next((kind for word, kind in kinds if word in said), said)
    name = (model or "").lower().replace("-", "")
    names = (*HEADS[::-1], "dflash", "ngram", "mtp")
    return next((word for word in names if word in name), "draft_model")


def _count(value: object) -> int:
    number = int(value) if isinstance(value, str) and value.isdecimal() and len(value) < 5 else value
    return number if isinstance(number, int) and not isinstance(number, bool) and 0 < number < 1024 else 0
