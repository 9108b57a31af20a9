"""The installed transformers release does not support the model's type.

`config.json` names a `model_type`. transformers looks it up before anything else and exits with `The checkpoint you are
trying to load has model type ... but Transformers does not recognize this architecture`, or with a `KeyError`. Each
release supports the types that existed when it was made: `qwen2_vl` came with 4.45.0, `qwen3_vl` with 4.57.0. A model
whose configuration has code of its own passes, since transformers then does not need to know its type. So does a type
for which the engine has its own configuration class, as vLLM and SGLang have for some.

What to do: install a transformers release that supports the type, and an engine release that supports that
transformers.
"""

from __future__ import annotations

from collections.abc import Iterator

from doctor.derived.case import Case
from doctor.derived.engine import SOURCE
from doctor.derived.packages.other_releases import having, other_release
from doctor.facts import Distributions, Model, present
from doctor.findings import Evidence, Location, NotApplicable, Open
from doctor.matrix import rows
from doctor.matrix.compat import compatibility
from doctor.matrix.models.own_types import brings
from doctor.matrix.releases import ReleaseSet
from doctor.rules.rule import Rule, Verdict


def check(rule: Rule, case: Case) -> Iterator[Verdict]:
    """Only where some release of transformers knows the type, and this one does not."""
    facts = case.facts
    distributions: Distributions = present(facts, "distributions", Distributions)
    model: Model = present(facts, "model", Model)
    kind = model.model_type
    if kind is None or "AutoConfig" in model.remote_code:
        why = "the model has its own configuration class" if kind else "config.json does not name a model type"
        yield NotApplicable(why)
        return
    here, knowing = distributions.get("transformers"), rows.releases_having("transformers", "model_types", kind)
    if here is None:
        yield Open("the release of `transformers` is not known")
    elif known := _knows(here.version, kind, knowing):
        return
    elif known is None or not knowing:
        yield Open(f"no release of transformers in the data knows the model type `{kind}`" if not knowing
                   else f"the data does not cover transformers {here.version}")  # fmt: skip
    elif (own := _own_class(case, model, here.version, kind)) is not False:
        yield NotApplicable("the engine has a configuration class for this type itself") if own else Open(
            f"transformers {here.version} does not know the model type `{kind}`, but the engine may support it itself"
        )
    else:
        yield rule.finding(
            f"`transformers {here.version}` does not know the model type `{kind}`: it needs "
            f"`transformers{knowing.spec()}`",
            key=kind, location=Location("distribution", "transformers"),
            evidence=[Evidence(f"model type {kind}", f"transformers {here.version}", f"transformers{knowing.spec()}",
                               f"model types {SOURCE}; {model.path}/config.json")],
            remediations=other_release("transformers", _linking(case, knowing), here.version),
        )  # fmt: skip


def _knows(version: str, kind: str, knowing: ReleaseSet | None) -> bool | None:
    """Whether this release of transformers knows the type: by the data, else by its installed files."""
    if knowing and (known := knowing.contains(version)) is not None:
        return known
    own = (rows.row("transformers", version, "model_types") or {}).get("model_types")
    return kind in own if own else None


def _own_class(case: Case, model: Model, version: str, kind: str) -> bool | None:
    """Whether the engine configures the type itself; None where the data does not tell and it may do so.

    It may where it lists the architecture and takes this transformers.
    """
    unsure: bool | None = False
    for chosen in case.engine:
        own = brings(chosen.name, chosen.version, kind)
        if own:
            return True
        if own is None:
            found = compatibility(chosen.name, chosen.version)
            lists = [having(chosen.name, "architectures", a) for a in model.architectures]
            takes = any(s.contains(chosen.version) for s in lists if s is not None)
            unsure = None if takes and found is not None and found.declared.contains(version) else unsure
    return unsure


def _linking(case: Case, knowing: ReleaseSet) -> ReleaseSet:
    """The releases with which the engine links, where some of them know the type."""
    out = knowing
    for chosen in case.engine:
        found = compatibility(chosen.name, chosen.version)
        if found is not None and (found.fitting & out).newest:
            out = out & found.fitting
    return out


RULE = Rule(
    code="ENG002", name="unknown-model-type", severity="error", check=check, needs=("model", "distributions")
)  # fmt: skip
