"""The GPU is too old for what the launch command requests.

Data types need a compute capability: bfloat16 needs 8.0 (Ampere), while a Tesla T4 has 7.5 and a V100 has 7.0. Some
engines exit (vLLM: `Bfloat16 is only supported on GPUs with compute capability of at least 8.0`); others fall back to
float16, which is reported as a warning because answers can differ or overflow. This rule checks only what the command
line says, or leaves to the checkpoint where the release does not fall back to float16 (vLLM before 0.9); ENG007 checks
what a quantization needs.

What to do: request a data type that the GPU supports, such as float16, or use a newer GPU.
"""

from __future__ import annotations

from collections.abc import Iterator

from doctor.derived.case import Case
from doctor.derived.model_files import stated_dtype
from doctor.derived.units import dotted
from doctor.facts import Facts, Model, present
from doctor.facts.gpu import Device, Gpu
from doctor.findings import Action, Evidence, Finding, Location, NotApplicable, Remediation
from doctor.launch.options import engine, option, setting
from doctor.matrix.hardware import CapabilityRow, capabilities
from doctor.rules.rule import Rule, Verdict


def check(rule: Rule, case: Case) -> Iterator[Verdict]:
    """Every row of the table that the launch command matches, against the weakest device it would use."""
    facts = case.facts
    gpu = present(facts, "gpu", Gpu)
    name = engine(facts)
    if not gpu.usable or name is None:
        yield NotApplicable("no GPU or no launch command to check")
        return
    weakest = min(gpu.usable, key=lambda d: d.capability)
    for row in capabilities().rows:
        lacks = weakest.capability < tuple(int(part) for part in row.minimum.split("."))
        if lacks and row.engine == name and _asked(facts, row) and _covers(facts, row, row.versions):
            yield _lacks(rule, facts, row, weakest)
        elif lacks and row.engine == name and _stated(facts, row):
            yield _lacks(rule, facts, row, weakest, f"`{row.values[0]}`, the data type of the checkpoint,")


def _asked(facts: Facts, row: CapabilityRow) -> bool:
    if row.backend and (option(facts, "--backend") or "turbomind") != row.backend:
        return False
    return not row.option or (setting(facts, row.option) or "").lower() in row.values


def _stated(facts: Facts, row: CapabilityRow) -> bool:
    """Whether the option leaves to the checkpoint what this one states, in a release that takes it as it is."""
    left = (option(facts, row.option) or "auto").lower() == "auto"
    if not row.stated or not left or not isinstance(facts.model, Model) or facts.version(row.engine) is None:
        return False
    return stated_dtype(facts.model.config) in row.values and _covers(facts, row, row.stated)


def _covers(facts: Facts, row: CapabilityRow, versions: str) -> bool:
    """Whether the row was read from such a version; where the version is not known, the newest rows count."""
    from packaging.specifiers import SpecifierSet
    from packaging.version import InvalidVersion, Version

    found = facts.version(row.engine)
    if found is None:
        return "<" not in versions
    try:
        return SpecifierSet(versions).contains(Version(found), prereleases=True)
    except InvalidVersion:
        return "<" not in versions


def _lacks(rule: Rule, facts: Facts, row: CapabilityRow, device: Device, said: str = "") -> Finding:
    value = setting(facts, row.option) if row.option else None
    between = " " if row.option.startswith("-") else "="
    what = said or (f"`{row.option}{between}{value}`" if row.option else f"`{row.engine}`")
    then = "stops" if row.outcome == "error" else "continues with another data type"
    return rule.finding(
        f"GPU {device.index} (`{device.name}`) has compute capability {dotted(device.capability)}, but {what} needs "
        f"{row.minimum}: {row.engine} {then}.",
        key=row.option or row.engine, severity="error" if row.outcome == "error" else "warning",
        location=Location("argument", row.option) if row.option else Location("host", f"GPU {device.index}"),
        evidence=[Evidence("compute capability", dotted(device.capability), f"{row.minimum} or newer", row.source)],
        remediations=[_mend(row)],
    )  # fmt: skip


def _mend(row: CapabilityRow) -> Remediation:
    if row.option and not row.option.startswith("-"):
        unset = Action("set_env", name=row.option, value=None)
        return Remediation(f"remove `{row.option}`: {row.fix}", (unset,), "safe")
    name, _, value = row.fix.partition(" ")
    if name == row.option and value and " " not in value:
        return Remediation(f"use `{row.fix}`", (Action("set_argument", name=name, value=value),), "unsafe")
    return Remediation(f"use {row.fix}", (Action("manual", text=f"use {row.fix}"),))


RULE = Rule(code="GPU008", name="capability-lacks", severity="error", check=check, needs=("gpu", "launch"))
