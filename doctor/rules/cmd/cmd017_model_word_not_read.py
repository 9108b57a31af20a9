"""The model is named by a word that this way of starting the server takes and never uses.

`vllm serve M` and `python -m vllm.entrypoints.openai.api_server` share a parser, so the module takes `M` without an
error. Only `vllm serve` makes it the model: the module loads the one that `--model` names, or a small model of its own.
`vllm serve` in turn loads the model that the first word names, and some releases ignore a `--model` that is given, too.

What to do: name the model with `--model`, or start the server with `vllm serve`, and name it once. The name that
clients use is given with `--served-model-name`.
"""

from __future__ import annotations

from collections.abc import Iterator

from doctor.derived.case import Case
from doctor.derived.option_findings import argument, shown
from doctor.findings import Evidence, Location, NotApplicable, Remediation
from doctor.launch.asked import Asked, asked_of
from doctor.rules.rule import Rule, Verdict


def check(rule: Rule, case: Case) -> Iterator[Verdict]:
    """One finding for each word that the start form does not read; the value of a misspelled option is none."""
    asked = asked_of(case.facts)
    if asked is None:
        yield NotApplicable("no command that starts an engine")
        return
    misread = {at + 1 for p in asked.reading.problems if p.kind in ("unknown", "ambiguous") for at in p.at}
    for given in asked.reading.given:
        if given.name in asked.unread and any(given.values) and not misread & set(given.at):
            yield _finding(rule, asked, given.values[-1], given.name)
    yield from _beside(rule, asked)


def _beside(rule: Rule, asked: Asked) -> Iterator[Verdict]:
    """`vllm serve A --model B` where the release serves A and says nothing."""
    names = asked.data.names("model")
    given = {bool(g.spelled): g for g in asked.reading.given if g.name in names and g.values}
    if len(given) < 2 or asked.unread or any(p.kind == "misplaced" for p in asked.reading.problems):
        return
    option, word = given[True], given[False]
    served, unused = word.values[-1], option.values[-1]
    if served == unused:
        return
    one, other = shown(served, 100), shown(unused, 100)
    name = (argument(option.name, None), argument(word.name, unused), argument("--served-model-name", served))
    yield rule.finding(
        f"{asked.shown} serves `{one}`, its first word, and not `{other}`, the value of `{option.spelled}`",
        key=unused, location=Location("argument", option.spelled, asked.launch.source),
        evidence=[Evidence("model", one, other, f"{asked.shown}: vllm/entrypoints/cli/serve.py or vllm/scripts.py")],
        remediations=[
            Remediation(f"serve `{other}` under the name `{one}`", name, "unsafe"),
            Remediation(f"remove `{option.spelled}`", (argument(option.name, None),), "unsafe"),
        ],
    )  # fmt: skip


def _finding(rule: Rule, asked: Asked, word: str, name: str) -> Verdict:
    module, model = asked.launch.module or "", shown(word, 100)
    loaded = _loaded(asked)
    serves = f"serves `{loaded}`" if loaded else "serves another model"
    change = (argument(name, None), argument("--model", word))
    ways = () if asked.model is not None else (Remediation(f"write `--model {model}`", change, "safe"),)
    return rule.finding(
        f"`{module}` accepts the word `{model}` but never uses it: the server {serves}", key=word,
        location=Location("argument", model, asked.launch.source),
        evidence=[Evidence("model", loaded or "not named", model, f"{asked.shown}: {module} reads `--model` alone")],
        remediations=ways,
    )  # fmt: skip


def _loaded(asked: Asked) -> str | None:
    """The model that is loaded: what `--model` names, else the default of the release."""
    option = asked.reading.table.option("--model")
    return asked.model or (str(option.default) if option is not None and option.default else None)


RULE = Rule(code="CMD017", name="model-word-not-read", severity="warning", check=check, needs=("launch",))
