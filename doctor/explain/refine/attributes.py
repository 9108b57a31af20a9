"""An attribute that an object of transformers or of a model's own code does not have: whose release, or whose class."""

from __future__ import annotations

from doctor.base.late import late_pattern
from doctor.explain.context import USUAL, Digest
from doctor.explain.matching import Candidate
from doctor.explain.refine.history import releases_with, window_having
from doctor.explain.refine.refined import Refined, install, manual
from doctor.matrix.engines import serving_engines

_MODELING = late_pattern(r"transformers/models/(?P<family>\w{1,60})/modeling_\w{1,60}\.py$")
_SEES = late_pattern(r"vl|vision|llava|omni|vit|glm4v|minicpm")


def config_attribute(candidate: Candidate, digest: Digest) -> Refined:
    """For the groups `config` and `name`: a configuration in the hands of a class that belongs to another family."""
    groups = candidate.match.groupdict()
    config, trace = groups.get("config") or "", candidate.line.trace
    last = trace.frames[-1].file.replace("\\", "/") if trace and trace.frames else ""
    found = _MODELING.search(last)
    family = _flat(found["family"]) if found else ""
    if not _SEES.search(family) or _flat(config).startswith(family):
        return _engine_first(config, groups.get("name") or "", digest)
    return Refined(
        f"a checkpoint of another family is loaded with the model class of `{found['family'] if found else family}`: "
        f"its configuration is a `{config}`, which has no `{groups.get('name') or ''}`",
        (
            manual("load it with the class that its config.json names under `architectures`, or with an Auto class "
                   "such as AutoModelForImageTextToText"),
            install("transformers", "upgrade", title="or, if it has no such class, upgrade transformers"),
        ),
    )  # fmt: skip


def _engine_first(config: str, attribute: str, digest: Digest) -> Refined:
    """Where an engine does not implement the family of this configuration yet, that is why it reads it wrongly."""
    engine = digest.engine if digest.engine in serving_engines() else ""
    found = window_having(digest, engine, "architectures", f"{config.removesuffix('Config')}ForConditionalGeneration")
    have = digest.version(engine) if engine else None
    if not engine or found is None or (found.direction != "upgrade" if have else engine == USUAL):
        return Refined()
    seen = f"{engine} {have}" if have else f"the installed {engine}"
    return Refined(
        f"`{config}` has no `{attribute}`: {seen} does not implement this model family, which came with {engine} "
        f"{found.having.oldest}",
        (install(engine, "upgrade", f">={found.having.oldest}"),),
        evidence=(found.evidence(config),),
    )


def model_attribute(candidate: Candidate, digest: Digest) -> Refined:
    """For the groups `object` and `name`: a processor of the model's own code lacks what the engine's backend for
    transformers models calls, so that no release of transformers helps."""
    groups = candidate.match.groupdict()
    name, attribute = groups.get("object") or "", groups.get("name") or ""
    known = releases_with("transformers", "transformers", name)
    of_backend = "model_executor/models/transformers" in _paths(candidate)
    if not name.endswith("Processor") or known is None or known.oldest or not of_backend:
        return Refined()
    engine = digest.engine if digest.engine in serving_engines() else USUAL
    have = digest.version(engine)
    return Refined(
        f"{engine}{f' {have}' if have else ''} has no implementation of this model and runs it through transformers, "
        f"whose interface the model's own code (`{name}`) does not have: `{attribute}`",
        (
            install(engine, "upgrade", title=f"upgrade {engine} to a release that implements the model"),
            manual("or serve it with another engine that lists the model as supported"),
        ),
    )


def _flat(name: str) -> str:
    return name.replace("_", "").lower()


def _paths(candidate: Candidate) -> str:
    return candidate.line.trace.paths if candidate.line.trace else ""
