"""This vLLM release exits on WSL with `UVA is not available`.

vLLM turns pinned memory off under WSL. From 0.25.0 on, its new model runner is the default for models without experts
(so for most vision-language models) and needs pinned memory for unified addressing:
`RuntimeError: UVA is not available`. 0.30.0 works around it.

What to do: use vLLM 0.30 or newer. Until then, set `VLLM_WSL2_ENABLE_PIN_MEMORY=1` (WSL kernels from 4.19.121 on pin
memory well enough), or select the old runner with `VLLM_USE_V2_MODEL_RUNNER=0`.
"""

from __future__ import annotations

from collections.abc import Iterator

from doctor.derived.case import Case
from doctor.derived.host import host_of, no_wsl, wsl_of
from doctor.facts import Distributions, present
from doctor.findings import Action, NotApplicable, Remediation
from doctor.launch.options import engine
from doctor.matrix.engines import engine_row
from doctor.rules.rule import Rule, Verdict

NAME = "vllm"  # the variables and the sentences are its own; the releases stand in its row


def check(rule: Rule, case: Case) -> Iterator[Verdict]:
    """The installed vLLM, where the launch command starts it or none is given."""
    facts = case.facts
    if wsl_of(facts) is None:
        yield from no_wsl()
        return
    installed = present(facts, "distributions", Distributions).version(NAME)
    if installed is None or engine(facts) not in (None, NAME):
        yield NotApplicable("vLLM is not what is started")
        return
    told = host_of(facts).environment
    mended = told.get("VLLM_WSL2_ENABLE_PIN_MEMORY") == "1" or told.get("VLLM_USE_V2_MODEL_RUNNER") == "0"
    if mended or not engine_row(NAME).has("needs_pinned_memory", installed, unknown=False):
        return
    yield rule.about(
        f"`vllm` {installed} turns pinned memory off on WSL and then stops with `UVA is not available`, unless "
        "`VLLM_WSL2_ENABLE_PIN_MEMORY` is 1.",
        Remediation("let vLLM pin memory", (Action("set_env", name="VLLM_WSL2_ENABLE_PIN_MEMORY", value="1"),), "safe"),
        Remediation(
            "use a vLLM release that works without it",
            (Action("install", package=NAME, specifier=">=0.30", direction="upgrade"),),
            "unsafe",
        ),
        observed=installed,
        expected=">=0.30, or VLLM_WSL2_ENABLE_PIN_MEMORY=1",
        source="vllm/v1/worker/gpu/buffer_utils.py and vllm/platforms/cuda.py of the wheels",
        where=NAME,
        confidence="medium",
    )


RULE = Rule(code="SYS025", name="wsl-uva", severity="error", check=check, needs=("host", "distributions"))
