"""Files of the model's weights are missing, cut short, or not weights at all.

Weights come in several files, listed in an index. An interrupted download leaves some of them out or cuts one short;
`git clone` without git-lfs leaves small text files ("pointers") in their place. The server then fails while loading,
often after minutes, with `SafetensorError: header too large`, `MetadataIncompleteBuffer` or a `FileNotFoundError`. The
header of each file says how long the file must be; the weights themselves are not read here.

What to do: download the files again. In a git clone, `git lfs install` and `git lfs pull` replace the pointers.
"""

from __future__ import annotations

from collections.abc import Iterator

from doctor.derived.case import Case
from doctor.derived.model_files import bare, fetch_again, file
from doctor.derived.units import listed
from doctor.facts import Facts, Launch, Model, Unavailable, WeightFile, Weights, present
from doctor.findings import Action, Evidence, Finding, NotApplicable, Open, Remediation
from doctor.rules.rule import Rule, Verdict

INDEX = "model.safetensors.index.json"


def check(rule: Rule, case: Case) -> Iterator[Verdict]:
    """One finding for each kind of fault; what was not read stays open."""
    model: Model = present(case.facts, "model", Model)
    weights = model.weights
    if model.source != "folder" and bare(model):
        yield NotApplicable("the weights are not on this disk yet")
    elif isinstance(weights, Unavailable):
        yield _none(rule, model) if _launched(case.facts, model) else Open("there are no weights to check")
    else:
        for kind in ("pointer", "truncated", "damaged"):
            if files := tuple(f for f in weights.files if f.fault == kind):
                yield _faulty(rule, model, weights, files)
        if weights.missing:
            yield _missing(rule, model, weights)
        elif not weights.files and weights.problems:
            yield _index(rule, model, weights)
        if unread := [f for f in weights.files if f.fault == "unread"]:
            why = next((p.message for p in weights.problems if p.path == unread[0].name), "could not be read")
            yield Open(f"`{unread[0].name}` {why}")


def _launched(facts: Facts, model: Model) -> bool:
    """Whether the launch command itself names this model."""
    return isinstance(facts.launch, Launch) and model.named is not None and model.named in facts.launch.argv


def _faulty(rule: Rule, model: Model, weights: Weights, files: tuple[WeightFile, ...]) -> Finding:
    names = tuple(f.name for f in files)
    said = next((p.message for p in weights.problems if p.path == names[0]), "is damaged")
    message = f"`{names[0]}` {said}"
    if len(files) > 1:
        message = f"{len(files)} weight files ({listed(names)}) cannot be used; the first {said}"
    way = fetch_again(model)
    if files[0].fault == "pointer":
        text = "run `git lfs install` and `git lfs pull` in the model's folder"
        way = Remediation(text, (Action("manual", text="git lfs install && git lfs pull"),), "manual")
    return rule.finding(
        message, key=f"{files[0].fault}", location=file(model, names[0]),
        evidence=[Evidence(f.name, f"{f.size} bytes", f"{f.expected} bytes" if f.expected else None, "its header")
                  for f in files[:8]],
        remediations=[way],
    )  # fmt: skip


def _missing(rule: Rule, model: Model, weights: Weights) -> Finding:
    """Some of the files are not there: an error, unless none is, or the engine will fetch them from the hub."""
    count = len(weights.missing) + len(weights.files)
    are = "is" if len(weights.missing) == 1 else "are"
    every, later = not weights.files, model.source == "cache"
    return rule.finding(
        f"The index lists {count} weight files, and {'none' if every else len(weights.missing)} of them "
        f"{'exists' if every else f'{are} missing: {listed(weights.missing)}'}"
        f"{'; the server fetches them from the hub when it starts' if later else ''}",
        key="missing", severity="warning" if every or later else "error", location=file(model, weights.missing[0]),
        evidence=[Evidence("files of weights", str(len(weights.files)), str(count), "the index of the weights")],
        remediations=[fetch_again(model)],
    )  # fmt: skip


def _index(rule: Rule, model: Model, weights: Weights) -> Finding:
    problem = weights.problems[0]
    return rule.finding(
        f"The index of the weights, `{problem.path}`, {problem.message}",
        key="index", location=file(model, problem.path),
        evidence=[Evidence(problem.path, problem.message, "a table of tensors and files", model.path)],
        remediations=[fetch_again(model)],
    )  # fmt: skip


def _none(rule: Rule, model: Model) -> Finding:
    return rule.finding(
        f"`{model.named}` has a configuration but no weights, which the server needs",
        key="none", severity="warning", location=file(model, INDEX),
        evidence=[Evidence("files of weights", "none", "at least one", model.path)],
        remediations=[fetch_again(model)],
    )  # fmt: skip


RULE = Rule(code="MDL002", name="weights-incomplete", severity="error", check=check, needs=("model",))
