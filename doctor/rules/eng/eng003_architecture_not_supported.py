"""This engine release does not implement the model's architecture.

`config.json` names an architecture such as `Qwen2_5_VLForConditionalGeneration`. Every engine release implements a list
of them, and architectures are removed as well as added (`QWenLMHeadModel` left LMDeploy's TurboMind after 0.13.0 and
vLLM after 0.23.0). LMDeploy has two backends with a list each: `--backend pytorch` selects the second; otherwise it
uses TurboMind if it can and falls back to PyTorch. The server fails when it loads the model, minutes after its start.
An engine may also support an architecture for text only: vLLM serves the first Qwen-VL with images in 0.6.1 to 0.7.2,
and later only under another architecture name. MiniCPM-V is one architecture in several versions (`version` in
config.json), and a release has those that existed when it was made. InternVL is one architecture around several
language models, of which older releases of LMDeploy's TurboMind read two.

What to do: use the other backend if it has the architecture, an engine release that has it, or another engine.
"""

from __future__ import annotations

from collections.abc import Iterator

from doctor.base.text import conjoined
from doctor.derived.architectures import unread
from doctor.derived.case import Case
from doctor.derived.engine import SOURCE, Chosen, backends
from doctor.derived.packages.other_releases import having, other_engines, other_release
from doctor.derived.quantization.exits import engines_serving
from doctor.derived.quantization.served import to_serve
from doctor.facts import Distributions, Facts, Launch, Model, Weights, present
from doctor.findings import Action, Evidence, Finding, Location, NotApplicable, Open, Remediation
from doctor.launch.options import option
from doctor.matrix import rows
from doctor.matrix.engines import serving_engines
from doctor.matrix.models.generations import serving
from doctor.matrix.models.inner import inner_architecture, refused_inner, taking_inner
from doctor.matrix.models.quantization import fitting, sees
from doctor.matrix.models.turbomind import served_by
from doctor.rules.rule import Rule, Verdict


def check(rule: Rule, case: Case) -> Iterator[Verdict]:
    """One finding for each engine that implements none of the architectures."""
    facts = case.facts
    model: Model = present(facts, "model", Model)
    chosen = case.engine
    if not chosen:
        started = facts.launch.engine if isinstance(facts.launch, Launch) else None
        open_ = started in serving_engines() and not present(facts, "distributions", Distributions).complete
        yield Open(f"the release of {started} is not known") if open_ else NotApplicable("no engine is known here")
        return
    if not model.architectures:
        own = isinstance(model.weights, Weights) and model.weights.format == "gguf"
        yield NotApplicable("a GGUF file names its architecture itself") if own else Open(
            "config.json does not name an architecture, so the engine has to guess it from the model's type"
        )
        return
    for one in chosen:
        known = backends(one, facts, "architectures")
        if not known:
            yield Open(f"the data does not say what {one.shown} implements")
        elif not any(a in found for found in known.values() for a in model.architectures):
            yield from _lacking(rule, facts, one, model, known)
        elif (other := _generation(rule, one, model)) is not None:
            yield other
        elif (inner := _inner(rule, facts, one, model, known)) is not None:
            yield inner
        elif (other := _falls_back(rule, facts, one, model)) is not None:
            yield other
        elif text := list(_text_only(rule, one, model)):
            yield from text
        elif (why := unread(one, model, known)) is not None:
            yield Open(why)


def _generation(rule: Rule, chosen: Chosen, model: Model) -> Finding | None:
    """An architecture of which the engine has other versions of the model only."""
    found = serving(chosen.name, model.architectures[0], model.config)
    if found is None or found.releases.contains(chosen.version) is not False:
        return None
    name, needs = model.architectures[0], f"{chosen.name}{found.releases.spec()}"
    kind = f"`{model.model_type}` {found.version}"
    return rule.finding(
        f"The model is version {found.version} of `{name}` ({kind}), which `{chosen.shown}` does not have: it needs "
        f"{needs}",
        key=f"{chosen.name}:{name}:{found.version}", location=Location("distribution", chosen.name),
        evidence=[Evidence("version in config.json", f"{found.version}, {chosen.shown}", needs, found.source)],
        remediations=other_release(chosen.name, found.releases, chosen.version),
    )  # fmt: skip


def _inner(
    rule: Rule, facts: Facts, chosen: Chosen, model: Model, known: dict[str, dict[str, object]]
) -> Finding | None:
    """A language model inside the architecture that the backend which takes the model has no reader for."""
    first, version = chosen.data.halves[0], chosen.version
    row = refused_inner(chosen.name, version, model.architectures, model.config, first)
    serves = row is not None and row.backend in known and row.architecture in known[row.backend]
    if row is None or not serves or option(facts, *chosen.data.names("backend")) in chosen.data.backends[1:]:
        return None
    name = inner_architecture(row, model.config)
    takes = conjoined([f"`{t}`" for t in row.takes], "or")
    better = taking_inner(chosen.name, row, model.config)
    needs = f": it needs {chosen.name}{better.spec()}" if better is not None and better.newest else ""
    return rule.finding(
        f"`{chosen.shown}` supports `{row.architecture}` only with {takes}, but this model has `{name}`{needs}",
        key=f"{chosen.name}:{row.architecture}:{name}", location=Location("distribution", chosen.name),
        evidence=[Evidence(f"architectures in {row.part}", name, ", ".join(row.takes), row.source)],
        remediations=other_release(chosen.name, better, chosen.version) if better is not None else [],
    )  # fmt: skip


def _falls_back(rule: Rule, facts: Facts, chosen: Chosen, model: Model) -> Finding | None:
    """A backend that is requested by name and does not take the model: the engine uses its other one silently."""
    asked = option(facts, *chosen.data.names("backend"))
    if asked is None or asked != next(iter(chosen.data.backends), None):
        return None
    row, name = chosen.row("decisions", f"architectures.{asked}"), model.architectures[0]
    method = model.quantization.method if model.quantization else None
    other = chosen.data.backends[1]
    if served_by(row, name, model.config, method) is not False or name not in chosen.table(f"architectures.{other}"):
        return None
    action = Action("set_argument", name="--backend", value=other)
    having = rows.releases_having(chosen.name, f"architectures.{asked}", name)
    return rule.finding(
        f"`{chosen.shown}` ignores `--backend {asked}` for `{name}`, which its {asked} backend does not support: it "
        f"starts with the {other} backend and only logs it",
        key=f"{chosen.name}:{name}:{asked}", severity="warning", location=Location("argument", "--backend"),
        evidence=[Evidence(f"architecture {name}", f"{chosen.shown}, {asked}", other, f"is_supported {SOURCE}")],
        remediations=[
            Remediation(f"use `--backend {other}`, which is what it does", (action,), "safe"),
            *(other_release(chosen.name, having, chosen.version) if having is not None else ()),
        ],
    )  # fmt: skip


def _lacking(
    rule: Rule, facts: Facts, chosen: Chosen, model: Model, known: dict[str, dict[str, object]]
) -> Iterator[Verdict]:
    name = model.architectures[0]
    found = having(chosen.name, "architectures", name)
    if not (found and found.newest) and any(a.startswith("Transformers") for v in known.values() for a in v):
        yield Open(f"{chosen.shown} does not implement `{name}` and may run it through transformers")
        return
    yield _finding(rule, facts, chosen, model, name)


def _finding(rule: Rule, facts: Facts, chosen: Chosen, model: Model, name: str) -> Finding:
    found = having(chosen.name, "architectures", name)
    chosen_backend = option(facts, *chosen.data.names("backend"))
    where = f" with `--backend {chosen_backend}`" if chosen_backend == "pytorch" else ""
    needs = f"{chosen.name}{found.spec()}" if found and found.newest else "another engine"
    need, ways = to_serve(facts), list[Remediation]()
    if where and name in chosen.table("architectures.turbomind"):
        action = Action("set_argument", name="--backend", value="turbomind")
        ways.append(Remediation("use `--backend turbomind`, which supports it", (action,), "unsafe"))
        needs = "`--backend turbomind`"
    elif serving := fitting(chosen.name, need) if need else found:
        ways += other_release(chosen.name, serving, chosen.version)
    elsewhere = engines_serving(chosen.name, need) if need else other_engines(chosen.name, ("architectures", (name,)))
    return rule.finding(
        f"The model's architecture is `{name}`, which `{chosen.shown}`{where} does not implement: it needs {needs}",
        key=f"{chosen.name}:{name}", location=Location("distribution", chosen.name),
        evidence=[Evidence(f"architecture {name}", f"{chosen.shown}{where.replace('`', '')}", needs.replace("`", ""),
                           f"architectures {SOURCE}; {model.path}/config.json")],
        remediations=[*ways, *elsewhere],
    )  # fmt: skip


def _text_only(rule: Rule, chosen: Chosen, model: Model) -> Iterator[Finding]:
    """An architecture that other releases have with pictures, and this one without."""
    if not chosen.has("architectures_for_text") or not sees(model.config):
        return
    name = model.architectures[0]
    known = rows.releases_having(chosen.name, "architectures.vision", name)
    here = chosen.table("architectures.vision")
    if not here or name in here or known is None or not known.newest:
        return
    yield rule.finding(
        f"`{chosen.shown}` supports `{name}` for text only: it rejects images",
        key=f"{chosen.name}:{name}:text",
        severity="warning",
        location=Location("distribution", chosen.name),
        evidence=[Evidence(f"architecture {name}", "for text", f"{chosen.name}{known.spec()}", f"registry {SOURCE}")],
        remediations=other_release(chosen.name, known, chosen.version),
    )


RULE = Rule(
    code="ENG003", name="architecture-not-supported", severity="error", check=check, needs=("model", "distributions")
)  # fmt: skip
