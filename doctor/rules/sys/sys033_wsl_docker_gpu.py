"""Docker in WSL cannot select one of several GPUs.

NVIDIA's guide to CUDA on WSL supports only `--gpus all`; `--gpus device=1` has no effect there.

What to do: give the container all GPUs and select some inside with `CUDA_VISIBLE_DEVICES`.
"""

from __future__ import annotations

from collections.abc import Iterator

from doctor.derived.case import Case
from doctor.derived.host import no_wsl, wsl_of
from doctor.findings import Action, Remediation
from doctor.launch.options import option
from doctor.rules.rule import Rule, Verdict


def check(rule: Rule, case: Case) -> Iterator[Verdict]:
    """Only a launch command of docker has this option."""
    if wsl_of(case.facts) is None:
        yield from no_wsl()
        return
    asked = (option(case.facts, "--gpus") or "").strip("\"'")
    if "device=" in asked:
        index = asked.partition("device=")[2].strip("\"'")
        yield rule.about(
            f"`--gpus {asked}` chooses GPUs by index, which Docker in WSL cannot do; use `--gpus all`.",
            Remediation(
                "give the container all GPUs and choose inside",
                (
                    Action("set_argument", name="--gpus", value="all"),
                    Action("set_env", name="CUDA_VISIBLE_DEVICES", value=index),
                ),
                "unsafe",
            ),
            observed=asked,
            expected="all",
            where="--gpus",
            confidence="medium",
        )


RULE = Rule(code="SYS033", name="wsl-docker-gpu", severity="warning", check=check, needs=("host", "launch"))
