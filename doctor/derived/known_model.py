"""A model that is named and whose files are not here, as the data knows it: facts of lower confidence.

The data has the quantization, the architecture and what of config.json decides about memory. What it does not have (the
files, the model's own code, the tokenizer) is open to every rule that asks for it.
"""

from __future__ import annotations

from dataclasses import replace

from doctor.facts import Facts, Model, Unavailable, present
from doctor.findings import Confidence, Evidence, Finding
from doctor.launch.options import model_word
from doctor.matrix.files.data import DataError
from doctor.matrix.models.members import Member, member


def with_known_model(facts: Facts, named: str | None = None) -> Facts:
    """The facts, with what is known of the model's name where its files were not found.

    `named` is the model that the user names beside the command; the command's own is taken where there is none.
    """
    if not isinstance(facts.model, Unavailable) or facts.model.reason not in ("failed", "timed_out"):
        return facts
    found = known_member(named) if named is not None else launched_member(facts)
    return replace(facts, model=found.model) if found is not None else facts


def is_known_by_name(facts: Facts) -> bool:
    """Whether the model is known by its name alone."""
    return isinstance(facts.model, Model) and facts.model.source == "known"


def marked(facts: Facts, finding: Finding) -> Finding:
    """A finding that rests on what is known of the name: it says so, and its confidence is not high."""
    model = present(facts, "model", Model)
    said = f"`--model {model.path}` without `--offline` reads its own files"
    confidence: Confidence = "low" if finding.confidence == "low" else "medium"
    proof = Evidence("model", model.path, said, model.origin)
    return replace(finding, confidence=confidence, evidence=(*finding.evidence, proof))


def launched_member(facts: Facts) -> Member | None:
    """The checkpoint of the data that the launch command serves."""
    word = model_word(facts)
    return known_member(word) if word else None


def known_member(name: str) -> Member | None:
    """The checkpoint of this name; None for one that is not known, or where the data is damaged."""
    try:
        return member(name) if "/" in name else None
    except DataError:
        return None

