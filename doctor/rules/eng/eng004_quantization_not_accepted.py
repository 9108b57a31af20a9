"""This engine release does not support the quantization of the model's weights.

Weights are stored by one of many methods (`gptq`, `awq`, `fp8`, `compressed-tensors`, `gguf`), which `config.json`
names. The repository name proves nothing: one that ends in AWQ may hold compressed-tensors. Each engine release
supports a list of methods, and LMDeploy has one list for each of its two backends: its PyTorch engine has never
supported `gptq`, while TurboMind has since 0.6.0, so the advice to try `--backend pytorch` is what breaks it. Some
methods work only with certain settings (group size, symmetric, column order, packing), and methods are removed, too:
vLLM read GGUF files up to 0.23.0 and bitsandbytes up to 0.27.1. LMDeploy chooses its backend by the architecture and
does not fall back to the other one when the quantization is rejected.

What to do: use the backend that supports the method, an engine release that does, another engine, or the same model
quantized by another method. The fixes named in the message were checked against the same tables.
"""

from __future__ import annotations

from collections.abc import Iterator

from doctor.derived.case import Case
from doctor.derived.engine import SOURCE, Chosen
from doctor.derived.known_model import is_of_family_alone
from doctor.derived.quantization.exits import ways
from doctor.derived.quantization.loaders import lacking_beside
from doctor.derived.quantization.served import KINDS, refusal, to_serve, unread, used
from doctor.derived.units import shortened
from doctor.facts import Distributions, Facts, Model, Unavailable, present
from doctor.findings import Action, Evidence, Finding, Location, NotApplicable, Open, Remediation
from doctor.matrix import rows
from doctor.matrix.models.quantization import Need, spelled
from doctor.rules.rule import Rule, Verdict

NAMED = 6  # of the methods that a release supports, in a sentence


def check(rule: Rule, case: Case) -> Iterator[Verdict]:
    """One finding for each engine of which no backend that may be used takes the method."""
    facts = case.facts
    need = to_serve(facts)
    if need is None and isinstance(facts.model, Model) and is_of_family_alone(facts.model):
        yield Open(f"how the weights of `{facts.model.path}` are stored is not known")
        return
    if need is None:
        idle = isinstance(facts.model, Model) or facts.model.reason in ("not_requested", "not_supported")
        why = facts.model.detail if isinstance(facts.model, Unavailable) else "the weights are not quantized"
        yield NotApplicable(why or "no model is named") if idle else Open(why)
        return
    if not need.quantization.method:
        yield Open("the model's configuration does not name the quantization method of its weights")
        return
    for chosen in case.engine:
        known = tuple(b for b in used(facts, chosen, need) if f"quantization.{b}" in chosen.row(*KINDS))
        if not known:
            yield Open(f"the data does not say which quantization methods {chosen.shown} supports")
        elif not any(refusal(chosen, b, need) is None for b in known):
            yield _finding(rule, chosen, known, need)
        else:
            yield from _loader(rule, facts, chosen, need)
            if (untold := unread(chosen, known, need)) is not None:
                yield Open(untold)


def _loader(rule: Rule, facts: Facts, chosen: Chosen, need: Need) -> Iterator[Verdict]:
    """Packages that the engine imports for the method, and that its metadata does not require."""
    have: Distributions = present(facts, "distributions", Distributions)
    for lack in lacking_beside(have, chosen.name, need.quantization.method):
        name, needs = lack.packages[0], lack.needs or None
        if not have.complete and lack.here is None:
            yield Open(f"{chosen.shown} imports `{name}` for `{need.quantization.method}`, which is not pinned")
            continue
        method, here = need.quantization.method, f"`{name} {lack.here}` is" if lack.here else "it is not"
        step = Action("install", package=name, specifier=needs, direction="upgrade" if lack.here else "install")
        yield rule.finding(
            f"`{chosen.shown}` loads weights quantized with `{method}` through `{name}{lack.needs}`, but "
            f"{here} installed",
            key=f"{chosen.name}:{name}", location=Location("distribution", name),
            evidence=[Evidence(name, lack.here or "not installed", lack.needs or "installed", SOURCE)],
            remediations=[Remediation(f"install {name}{lack.needs}", (step,), "safe")],
        )  # fmt: skip


def _finding(rule: Rule, chosen: Chosen, backends: tuple[str, ...], need: Need) -> Finding:
    method = need.quantization.method
    why = refusal(chosen, backends[0], need) or ""
    engine = f"`{chosen.shown}`" + (f" with its {backends[0]} backend" if backends == ("pytorch",) else "")
    if backends == ("turbomind",):
        engine += " with its turbomind backend"
    left = _left(chosen, backends, method)
    return rule.finding(
        f"The weights are quantized with `{method}`, which {engine} does not support: {left or shortened(why, NAMED)}",
        key=f"{chosen.name}:{method}", location=Location("distribution", chosen.name),
        evidence=[Evidence(f"quantization in {chosen.name}", f"{method} ({need.quantization.source})", why,
                           f"{chosen.shown}; quantization methods {SOURCE}")],
        remediations=list(ways(chosen, backends, need)),
    )  # fmt: skip


def _left(chosen: Chosen, backends: tuple[str, ...], method: str) -> str:
    """For a method that the engine once took: the last release that did."""
    for backend in backends:
        name = spelled(dict.fromkeys(rows.keys(chosen.name, f"quantization.{backend}")), method)
        having = rows.releases_having(chosen.name, f"quantization.{backend}", name) if name else None
        place = having.releases.place(chosen.version) if having is not None else None
        last = having.newest if having is not None else None
        if having is not None and place is not None and last and (having.releases.place(last) or 0) < place:
            return f"the last release that did is {last}"
    return ""


RULE = Rule(code="ENG004", name="quantization-not-accepted", severity="error", check=check, needs=("distributions",))
