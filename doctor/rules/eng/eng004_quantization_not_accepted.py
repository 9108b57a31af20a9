"""This release of the engine does not take the quantisation of the model's weights.

Weights are stored by one of many methods (`gptq`, `awq`, `fp8`, `compressed-tensors`); `config.json` names it, and each
engine release has a list of those it reads, LMDeploy one for each of its two backends. LMDeploy's PyTorch engine has
never taken `gptq`, its TurboMind takes it since 0.6.0: the advice to try `--backend pytorch` is then what breaks it.
Some methods are taken only with certain settings (group size, symmetric, order of columns).

What to do: take the backend that reads it, an engine release that does, another engine, or the same model quantised by
another method.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from doctor.facts import Facts, Model, Quantization, Unavailable
from doctor.findings import Action, Evidence, Finding, Location, Remediation
from doctor.matrix import rows
from doctor.rules.arguments import option
from doctor.rules.eng.common import SOURCE, Chosen, engines, having, other_engines, other_release
from doctor.rules.eng.conditions import holds
from doctor.rules.rule import NotApplicable, Open, Rule, Verdict

KINDS = tuple(f"{kind}.{b}" for kind in ("quantization", "architectures") for b in ("turbomind", "pytorch", "default"))


def check(rule: Rule, facts: Facts) -> Iterator[Verdict]:
    """One finding for each engine of which no backend that may be used takes the method."""
    asked = _asked(facts)
    if asked is None:
        idle = isinstance(facts.model, Model) or facts.model.reason in ("not_requested", "not_supported")
        why = facts.model.detail if isinstance(facts.model, Unavailable) else "the weights are not quantised"
        yield NotApplicable(why or "no model is named") if idle else Open(why)
        return
    if not asked.method:
        yield Open("the model's configuration does not say by which method its weights are quantised")
        return
    for chosen in engines(facts, *KINDS):
        row = chosen.row or {}
        known = [b for b in _used(facts, chosen) if f"quantization.{b}" in row]
        if not known:
            yield Open(f"the data does not tell which quantisations {chosen.shown} takes")
        elif not any(refusal(row, b, asked) is None for b in known):
            yield _finding(rule, facts, chosen, known, asked)


def _asked(facts: Facts) -> Quantization | None:
    """That of the model; where the model is not known, what the launch says of it."""
    if isinstance(facts.model, Model):
        return facts.model.quantization
    told = option(facts, "--quantization", "-q", "--model-format")
    return Quantization(told) if told and told not in ("hf", "none", "None") else None


def _used(facts: Facts, chosen: Chosen) -> tuple[str, ...]:
    """The backends that the launch leaves: LMDeploy takes TurboMind where that has the architecture."""
    if chosen.name != "lmdeploy":
        return ("default",)
    if option(facts, "--backend") == "pytorch":
        return ("pytorch",)
    architectures = facts.model.architectures if isinstance(facts.model, Model) else ()
    for backend in ("turbomind", "pytorch"):
        if any(a in (chosen.row or {}).get(f"architectures.{backend}", {}) for a in architectures):
            return (backend,)
    return ("turbomind", "pytorch")


def refusal(row: dict[str, Any], backend: str, asked: Quantization) -> str | None:
    """Why this backend does not take the method with these settings; None where it does, as far as can be told."""
    taken = row.get(f"quantization.{backend}", {})
    name = spelled(taken, asked.method)
    if name is None:
        return f"it takes {', '.join(f'`{m}`' for m in sorted(taken)) or 'none'}"
    detail = taken[name] if isinstance(taken[name], dict) else {}
    sizes, size = detail.get("group_sizes"), asked.settings.get("group_size")
    if sizes and isinstance(size, int) and size not in sizes:
        return f"it takes group size {', '.join(map(str, sizes))} and this is {size}"
    for condition in detail.get("conditions", ()):
        if asked.settings and holds(condition, asked.settings) is False:
            return f"it wants `{condition}`"
    return None


def spelled(taken: dict[str, Any], method: str) -> str | None:
    """The method as this list writes it (`smooth-quant`, `smooth_quant`), or None."""
    plain = method.lower().replace("_", "-")
    return next((m for m in taken if m.lower().replace("_", "-") == plain), None)


def _finding(rule: Rule, facts: Facts, chosen: Chosen, used: list[str], asked: Quantization) -> Finding:
    row = chosen.row or {}
    why = refusal(row, used[0], asked)
    engine = f"`{chosen.shown}`" + (f" with its {used[0]} backend" if used[0] != "default" and len(used) == 1 else "")
    explicit = option(facts, "--backend") is not None or len(used) > 1 or chosen.name != "lmdeploy"
    ways = list(_ways(facts, chosen, used, asked))
    # without `--backend`, LMDeploy may turn to its other half by itself
    sure = explicit or not any(w.actions[0].kind == "set_argument" for w in ways)
    return rule.finding(
        f"The weights are quantised by `{asked.method}`, which {engine} does not take: {why}",
        key=f"{chosen.name}:{asked.method}", severity="error" if sure else "warning",
        confidence="high" if sure else "medium", location=Location("distribution", chosen.name),
        evidence=[Evidence(f"quantisation by {chosen.name}", asked.method, why, f"quantisations {SOURCE}")],
        remediations=ways,
    )  # fmt: skip


def _ways(facts: Facts, chosen: Chosen, used: list[str], asked: Quantization) -> Iterator[Remediation]:
    row = chosen.row or {}
    architectures = facts.model.architectures if isinstance(facts.model, Model) else ()
    for backend in ("turbomind", "pytorch"):
        has = not architectures or any(a in row.get(f"architectures.{backend}", {}) for a in architectures)
        if backend not in used and chosen.name == "lmdeploy" and has and refusal(row, backend, asked) is None:
            action = Action("set_argument", name="--backend", value=backend)
            yield Remediation(f"Use `--backend {backend}`, which takes it", (action,), "unsafe")
    found = rows.releases_having(chosen.name, f"quantization.{used[0]}", asked.method)
    if len(used) > 1:
        found = having(chosen.name, "quantization", asked.method)
    if found and not found.contains(chosen.version):
        yield from other_release(chosen.name, found, chosen.version)
    both = (("quantization", (asked.method,)), ("architectures", architectures))
    yield from other_engines(chosen.name, *(pair for pair in both if pair[1]))
    taken = ", ".join(sorted(row.get(f"quantization.{used[0]}", {})))
    step = Action("use_model", text=f"take the same model quantised by one of: {taken}")
    yield Remediation(f"take the same model quantised by one of: {taken}", (step,))


RULE = Rule(code="ENG004", name="quantization-not-accepted", severity="error", check=check, needs=("distributions",))
