"""The CUDA generation that a distribution is for, by its name, and torch's, by what it needs or by its build."""

from __future__ import annotations

from doctor.base.late import late_pattern
from doctor.facts import Facts, Natives

_NAME = late_pattern(r"-cu(1[1-9])$")
_BUILD = late_pattern(r"\+cu(1[1-9])\d$")


def major_in_name(distribution: str) -> int | None:
    """12 for `nvidia-nccl-cu12`; None for a name that does not say it."""
    found = _NAME.search(distribution)
    return int(found[1]) if found else None


def torch_major(facts: Facts) -> int | None:
    """The CUDA generation that the installed torch was built for; None where it is unknown."""
    if isinstance(facts.natives, Natives):
        needs = [n for n in facts.natives.cuda if n.distribution == "torch"]
        found = next((n.major for n in needs if n.soname.startswith("libcudart")), None)
        if found is not None:
            return found
    version = facts.version("torch")
    build = _BUILD.search(version or "")
    return int(build[1]) if build else None
