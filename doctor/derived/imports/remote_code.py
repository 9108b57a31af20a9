"""Which of a model's Python files the engine would load and what these demand; it follows from engine and launch."""

from __future__ import annotations

from typing import Literal

from packaging.version import InvalidVersion, Version

from doctor.base.record import dataclass
from doctor.derived.case import Case, memoized
from doctor.derived.engine import Chosen
from doctor.facts import CodeImport, Distributions, Facts, Model, RemoteCode
from doctor.facts.model import Era
from doctor.launch.options import option
from doctor.matrix import rows

Use = Literal["yes", "maybe"]
FLAG = "--trust-remote-code"
# the first release of transformers for each way of looking for imports, read out of its releases
_ERAS: tuple[tuple[str, Era], ...] = (("4.52", "tree"), ("4.51", "tree-flash"), ("4.45", "text-flash"), ("0", "text"))


@dataclass(frozen=True, slots=True)
class Loader:
    """The engine that would load the code, whether it may, and whether transformers knows the model without it.

    `trusts`: by its flag or by itself; None where nobody can say. `knows` is None for a release nobody knows.
    """

    engine: Chosen
    trusts: bool | None
    has_flag: bool | None
    given: bool
    knows: bool | None


def era(facts: Facts) -> Era:
    """How the transformers that is here looks for imports; as today's where its release is not known."""
    found = facts.distributions.get("transformers") if isinstance(facts.distributions, Distributions) else None
    try:
        version = Version(found.version) if found else None
    except InvalidVersion:
        version = None
    return next(e for first, e in _ERAS if version is None or version.release >= Version(first).release)


@memoized
def loader(case: Case) -> Loader | None:
    """Who loads the code: the engine of the launch, else the one engine that is here. None without a model."""
    chosen, model = case.engine, case.facts.model
    if len(chosen) != 1 or not isinstance(model, Model):
        return None
    flags = chosen[0].table("flags")
    has = None if not flags else FLAG in flags
    given = option(case.facts, FLAG) is not None
    unasked = has is False and chosen[0].has("trusts_without_option")
    trusts = True if given or unasked else None if has is None else False
    return Loader(chosen[0], trusts, has, given, _known(case.facts, model))


def _known(facts: Facts, model: Model) -> bool | None:
    """Whether the transformers that is here, or any where none is pinned, knows the model's type by itself."""
    found = facts.distributions.get("transformers") if isinstance(facts.distributions, Distributions) else None
    row = rows.row("transformers", found.version, "model_types") if found else None
    types = (row or {}).get("model_types")
    if found is None and model.model_type is not None:
        return None if rows.releases_having("transformers", "model_types", model.model_type) else False
    return None if not types or model.model_type is None else model.model_type in types


@memoized
def used_files(case: Case) -> dict[str, Use]:
    """The files that would be loaded, each with how sure that is; those that nothing leads to are left out.

    Configurations, tokenizers and processors are loaded by every engine; the model's own classes by LMDeploy's
    TurboMind half for pictures, and by vLLM and SGLang only where they do not have the architecture themselves.
    """
    model = case.facts.model
    if not isinstance(model, Model) or model.code is None:
        return {}
    found = loader(case)
    out: dict[str, Use] = {}
    for key, reference in model.code.classes.items():
        use = _use(case.facts, model, found, key)
        if use is None:
            continue
        for file in _closure(model.code, _file_of(reference)):
            out[file] = "yes" if "yes" in (use, out.get(file)) else "maybe"
    return out


def _use(facts: Facts, model: Model, found: Loader | None, key: str) -> Use | None:
    if found is None:
        return "maybe"
    if found.trusts is False and found.knows:
        return None
    if not key.startswith("AutoModel"):
        return "yes"
    if option(facts, "--backend") == "pytorch" and found.engine.has("loads_model_code_in_pytorch"):
        return "yes"
    if found.engine.has("runs_model_code"):
        own = option(facts, "--backend") != "pytorch"
        vision = any(a in found.engine.table("architectures.vision") for a in model.architectures)
        return "yes" if own and vision else "maybe"
    own = any(a in found.engine.table("architectures.default") for a in model.architectures)
    return None if own else "maybe"


def _file_of(reference: str) -> str:
    lead, dashes, rest = reference.rpartition("--")
    return f"{lead}{dashes}{rest.rpartition('.')[0]}.py"


def _closure(code: RemoteCode, first: str) -> list[str]:
    """A file and those beside it that it leads to. The model's own name may stand before the first."""
    start = first if first in code.files else first.rpartition("--")[2]
    out, todo = dict.fromkeys((start,)), [start]
    while todo:
        for file in code.beside.get(todo.pop(), ()):
            if file not in out:
                out[file] = None
                todo.append(file)
    return [file for file in out if file in code.files]


@memoized
def demanded(case: Case) -> dict[str, CodeImport]:
    """Top-level package -> the import for which transformers demands it before it runs the files that are used."""
    model = case.facts.model
    code = model.code if isinstance(model, Model) else None
    files, way = used_files(case), era(case.facts)
    out: dict[str, CodeImport] = {}
    for one in code.imports if code else ():
        if one.file in files and way in one.checked:
            out.setdefault(one.module.partition(".")[0], one)
    return out
