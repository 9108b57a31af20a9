"""A model that is named and whose files are not here, as the data knows it: facts of lower confidence.

The data has the quantization, the architecture and what of config.json decides about memory. What it does not have (the
files, the model's own code, the tokenizer) is open to every rule that asks for it.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from doctor.base.late import late_pattern
from doctor.facts import Facts, Model, Unavailable, present
from doctor.findings import Confidence, Evidence, Finding
from doctor.launch.options import model_word
from doctor.matrix.files.data import DataError

if TYPE_CHECKING:
    from doctor.matrix.models.members import Member

_REPOSITORY = late_pattern(r"[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95}")
_OTHERS = late_pattern(r"gguf|mlx|onnx|openvino|litert|coreml", re.IGNORECASE)
_EXPERTS = late_pattern(r"-A\d+(?:\.\d+)?B\b", re.IGNORECASE)


def with_known_model(facts: Facts, named: str | None = None) -> Facts:
    """The facts, with what is known of the model's name where its files were not found.

    `named` is the model that the user names beside the command; the command's own is taken where there is none.
    """
    if not isinstance(facts.model, Unavailable) or facts.model.reason not in ("failed", "timed_out"):
        return facts
    found = known_member(named) if named is not None else launched_member(facts)
    model = found.model if found is not None else family_model(named or model_word(facts))
    return replace(facts, model=model) if model is not None else facts


def is_known_by_name(facts: Facts) -> bool:
    """Whether the model is known by its name alone."""
    return isinstance(facts.model, Model) and facts.model.source == "known"


def is_of_family_alone(model: Model) -> bool:
    """Whether nothing but the family of the name is known: its architecture, and not how the weights are stored."""
    return model.source == "known" and not model.config


def family_model(name: str | None) -> Model | None:
    """What the name of a repository says of its family: architecture, type and whether it has code of its own.

    None where the family has several architectures that the name does not tell apart, and for files of other programs.
    """
    if name is None or not _REPOSITORY.fullmatch(name) or _OTHERS.search(name):
        return None
    try:
        from doctor.matrix.models.families import model as family

        found = family(name)
    except DataError:
        return None
    architectures = _told_apart(found.architectures, name) if found is not None and found.ids else ()
    types = _told_apart(found.model_types, name) if found is not None else ()
    if found is None or len(architectures) != 1 or len(types) != 1:
        return None
    return Model(
        name, architectures, types[0], remote_code=("AutoConfig",) if found.remote_code else (), named=name,
        source="known", origin=f"matrices/models/{found.name}.yaml, {found.verified}: {found.source}",
    )  # fmt: skip


def _told_apart(names: tuple[str, ...], repository: str) -> tuple[str, ...]:
    """Those of a mixture of experts, which its name shows (`30B-A3B`), or the others."""
    experts = _EXPERTS.search(repository) is not None
    return tuple(n for n in names if ("moe" in n.lower()) == experts) if len(names) > 1 else names


def marked(facts: Facts, finding: Finding) -> Finding:
    """A finding that rests on what is known of the name: it says so, and its confidence is not high."""
    model = present(facts, "model", Model)
    said = f"`--model {model.path}` without `--offline` reads its own files"
    low = finding.confidence == "low" or is_of_family_alone(model)
    confidence: Confidence = "low" if low else "medium"
    proof = Evidence("model", model.path, said, model.origin)
    return replace(finding, confidence=confidence, evidence=(*finding.evidence, proof))


def launched_member(facts: Facts) -> Member | None:
    """The checkpoint of the data that the launch command serves."""
    word = model_word(facts)
    return known_member(word) if word else None


def known_member(name: str) -> Member | None:
    """The checkpoint of this name; None for one that is not known, or where the data is damaged."""
    from doctor.matrix.models.members import member

    try:
        return member(name) if "/" in name else None
    except DataError:
        return None
