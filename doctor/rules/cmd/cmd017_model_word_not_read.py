"""The model is named by a word that this way of starting the server takes and never uses.

`vllm serve M` and `python -m vllm.entrypoints.openai.api_server` share a parser, so the module takes `M` without an
error. Only `vllm serve` makes it the model: the module loads the one that `--model` names, or a small model of its own.

What to do: name the model with `--model`, or start the server with `vllm serve`.
"""

from __future__ import annotations

from collections.abc import Iterator

from doctor.derived.case import Case
from doctor.derived.option_findings import argument, shown
from doctor.findings import Evidence, Location, NotApplicable, Remediation
from doctor.launch.asked import Asked, asked_of
from doctor.rules.rule import Rule, Verdict


def check(rule: Rule, case: Case) -> Iterator[Verdict]:
    """One finding for each word that the start form does not read."""
    asked = asked_of(case.facts)
    if asked is None:
        yield NotApplicable("no command that starts an engine")
        return
    for given in asked.reading.given:
        if given.name in asked.unread and given.values:
            yield _finding(rule, asked, given.values[-1], given.name)


def _finding(rule: Rule, asked: Asked, word: str, name: str) -> Verdict:
    module, model = asked.launch.module or "", shown(word, 100)
    loaded = _loaded(asked)
    serves = f"serves `{loaded}`" if loaded else "serves another model"
    change = (argument(name, None), argument("--model", word))
    ways = () if asked.model is not None else (Remediation(f"write `--model {model}`", change, "safe"),)
    return rule.finding(
        f"`{module}` takes the word `{model}` and never uses it: the server {serves}", key=word,
        location=Location("argument", model, asked.launch.source),
        evidence=[Evidence("model", loaded or "not named", model, f"{asked.shown}: {module} reads `--model` alone")],
        remediations=ways,
    )  # fmt: skip


def _loaded(asked: Asked) -> str | None:
    """The model that is loaded: what `--model` names, else the default of the release."""
    option = asked.reading.table.option("--model")
    return asked.model or (str(option.default) if option is not None and option.default else None)


RULE = Rule(code="CMD017", name="model-word-not-read", severity="warning", check=check, needs=("launch",))
