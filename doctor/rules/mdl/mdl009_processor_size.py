"""The image processor's file has a `size` that this transformers release rejects.

`preprocessor_config.json` sets how the image processor scales images. Fine-tuning tools have written `size` with
`min_pixels` and `max_pixels` in it. From 4.50 to 5.14, the processor of Qwen2-VL and Qwen2.5-VL requires
`shortest_edge` and `longest_edge` there and raises a ValueError (`size must contain 'shortest_edge' and 'longest_edge'
keys.`), so the server stops while it starts.

What to do: copy `preprocessor_config.json` from the original model, or rename the two keys in it. An older transformers
release accepts the file unchanged.
"""

from __future__ import annotations

from collections.abc import Iterator

from doctor.derived.case import Case
from doctor.derived.model_files import file
from doctor.derived.packages.other_releases import other_release
from doctor.facts import Distributions, Model, present
from doctor.findings import Action, Evidence, Finding, NotApplicable, Open, Remediation
from doctor.matrix.models.processors import rejecting, size_row
from doctor.matrix.models.quantization import sees
from doctor.matrix.refusals import SizeKeys, holds_for
from doctor.matrix.releases import ReleaseSet
from doctor.rules.rule import Rule, Verdict

FILE = "preprocessor_config.json"


def check(rule: Rule, case: Case) -> Iterator[Verdict]:
    """A finding where `size` does not have the keys that the processor requires."""
    model: Model = present(case.facts, "model", Model)
    have: Distributions = present(case.facts, "distributions", Distributions)
    if not model.preprocessor and (model.source == "known" or model.processor is None) and sees(model.config):
        yield Open(f"`{FILE}` of `{model.path}` was not read")
        return
    row, size = size_row(model.preprocessor), model.preprocessor.get("size")
    if row is None or not isinstance(size, dict):
        yield NotApplicable("the image processor's file has no `size` that a release rejects")
        return
    here = have.get("transformers")
    if here is None:
        yield Open("the release of `transformers` is not known")
    elif holds_for(row.releases, here.version):
        yield _finding(rule, model, here.version, row, tuple(size))


def _finding(rule: Rule, model: Model, version: str, row: SizeKeys, keys: tuple[str, ...]) -> Finding:
    needs = " and ".join(f"`{k}`" for k in row.keys)
    keys_of = ", ".join(f"`{k}`" for k in row.keys)
    text = f"copy `{FILE}` from the original model, or use the keys {keys_of} in `size`"
    return rule.finding(
        f"`size` in the model's `{FILE}` does not have {needs}, which `transformers {version}` requires: the server "
        "stops when it loads the image processor",
        key="size", location=file(model, FILE),
        evidence=[Evidence("keys of `size`", ", ".join(keys)[:200] or "none", ", ".join(row.keys), row.source)],
        remediations=[Remediation(text, (Action("manual", text=text),)), *_older(model, version)],
    )  # fmt: skip


def _older(model: Model, version: str) -> list[Remediation]:
    rejected = rejecting(model.preprocessor)
    if rejected is None:
        return []
    taking = ReleaseSet(rejected.releases, rejected.releases.everything().bits & ~rejected.bits)
    return other_release("transformers", taking, version)


RULE = Rule(code="MDL009", name="processor-size", severity="error", check=check, needs=("model", "distributions"))
