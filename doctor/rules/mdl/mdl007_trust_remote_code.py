"""The model needs to run its own code, and the launch command does not allow it.

A model that is not part of transformers includes Python files, named by `auto_map` in config.json. vLLM, SGLang, and
LMDeploy since 0.13.0 run them only with `--trust-remote-code`; without it, transformers asks a question on the terminal
or exits with `contains custom code which must be executed`. LMDeploy before 0.13.0 always runs such code and does not
have the option.

What to do: read the files first, since they run with all rights of the server, and then add the option. A model that
transformers itself supports does not need it. Some models need it for their tokenizer alone: vLLM has a configuration
of its own for InternVL2, whose tokenizer is a file of the model.
"""

from __future__ import annotations

from collections.abc import Iterator

from doctor.derived.case import Case
from doctor.derived.imports.remote_code import FLAG, Loader, loader
from doctor.derived.option_findings import shown
from doctor.facts import Distributions, Launch, Model, present
from doctor.findings import Action, Evidence, Location, NotApplicable, Open, Remediation
from doctor.launch.options import option
from doctor.matrix import rows
from doctor.matrix.models.own_types import brings
from doctor.matrix.providers import releases_with
from doctor.matrix.refusals import holds_for
from doctor.rules.rule import Rule, Verdict

TRUST = Remediation(
    f"read the model's Python files, then add `{FLAG}`", (Action("set_argument", name=FLAG, value=""),), "unsafe"
)
OTHER_TOKENIZER = ("--tokenizer", "--tokenizer-path", "--skip-tokenizer-init")


def check(rule: Rule, case: Case) -> Iterator[Verdict]:
    """A finding where the flag is missing and needed."""
    facts = case.facts
    model: Model = present(facts, "model", Model)
    launch: Launch = present(facts, "launch", Launch)
    if launch.engine is None or (found := loader(case)) is None:
        yield NotApplicable("the launch command does not start an installed engine")
        return
    if found.has_flag is None:
        yield Open(f"the data does not list the options of {found.engine.shown}")
    elif found.given and not found.has_flag:
        yield NotApplicable(f"{found.engine.shown} has no such option")  # which CMD001 says
    else:
        yield from _by_code(rule, case, model, found)


def _by_code(rule: Rule, case: Case, model: Model, found: Loader) -> Iterator[Verdict]:
    """What the configuration's own code needs, else what the tokenizer's does."""
    configured = "AutoConfig" in model.remote_code
    tokenizer = _own_tokenizer(case, model, found)
    if not configured and not tokenizer:
        yield NotApplicable("the model needs no code of its own to be recognized")
    elif found.trusts:
        return
    elif configured and found.knows is None:
        yield Open("it is not known whether this transformers has the model's type itself")
    elif configured and not found.knows and (needed := _configuration(rule, model, found)):
        yield needed
    elif tokenizer:
        yield _tokenizer(rule, case, model, found, tokenizer)


def _configuration(rule: Rule, model: Model, found: Loader) -> Verdict | None:
    """vLLM and SGLang have configurations of their own for some models; old releases do not tell for which of them."""
    known = found.engine.table("architectures.default")
    brought = brings(found.engine.name, found.engine.version, model.model_type or "")
    if brought:
        return None
    ever = (model.model_type or "") in rows.keys(found.engine.name, "model_types")
    own = brought is None and ever and any(a in known for a in model.architectures)
    code = model.code
    where = code.classes.get("AutoConfig", "") if code else ""
    said = "may not be recognized" if own else "is not recognized"
    return rule.finding(
        f"The model type `{model.model_type}` {said} without the model's own code, and `{found.engine.shown}` runs "
        f"that only with `{FLAG}`",
        key="missing", severity="warning" if own else "error", confidence="medium" if own else "high",
        location=Location("argument", FLAG),
        evidence=[Evidence("auto_map", where or "AutoConfig", FLAG, f"{model.path}/config.json")],
        remediations=[TRUST],
    )  # fmt: skip


def _own_tokenizer(case: Case, model: Model, found: Loader) -> str:
    """The class of a tokenizer that transformers reads from the model's own code alone; empty where it has its own.

    transformers looks for the model's type and for the class before it asks for that code (`has_local_code` in
    models/auto/tokenization_auto.py). The engine's own configuration classes do not count there.
    """
    place = model.code.classes.get("AutoTokenizer", "") if model.code else ""
    name = place.rpartition(".")[2]
    known = found.knows is not False or any(_has_class(name + end) for end in ("", "Fast")) if name else True
    elsewhere = any(option(case.facts, word) is not None for word in OTHER_TOKENIZER)
    return "" if known or elsewhere else place


def _has_class(name: str) -> bool:
    """Whether some release of transformers has the tokenizer class."""
    found = releases_with("transformers", "transformers", name)
    return found is not None and found.newest is not None


def _tokenizer(rule: Rule, case: Case, model: Model, found: Loader, place: str) -> Verdict:
    distributions: Distributions = present(case.facts, "distributions", Distributions)
    version = distributions.version("transformers")
    sure = version is not None and holds_for("<5", version)
    return rule.finding(
        f"The model's tokenizer `{shown(place.rpartition('.')[2], 60)}` is in its own code, and `{found.engine.shown}` "
        f"runs that only with `{FLAG}`",
        key="tokenizer", severity="error" if sure else "warning", confidence="high" if sure else "medium",
        location=Location("argument", FLAG),
        evidence=[Evidence("auto_map", shown(place, 100), FLAG, f"{model.path}/tokenizer_config.json")],
        remediations=[TRUST],
    )  # fmt: skip


RULE = Rule(
    code="MDL007", name="trust-remote-code", severity="error", check=check,
    needs=("model", "launch", "distributions"),
)  # fmt: skip
