"""The kernels for this quantization need a newer GPU than this one.

Every method is served by kernels with a minimum compute capability: vLLM's AWQ kernels need 7.5 (Turing), and those for
4-bit compressed-tensors need 8.0 (Ampere) up to release 0.11.2 and 7.5 from 0.12.0. FP8 arithmetic starts at 8.9 (Ada);
below that, vLLM unpacks the weights with its Marlin kernels, which is slower but still saves memory. The engine exits
while it loads the model: `The quantization method ... is not supported for the current GPU. Minimum capability: 80.
Current capability: 75.` The minimums are read from the wheels, release by release.

What to do: use an engine release, an engine, or a method with a lower minimum. Those named in the message were checked
for this GPU against the same tables. If no GPU is known, only the minimum is shown; pass `--gpu 'RTX 4090:24GB:8.9'` to
check for another machine.
"""

from __future__ import annotations

from collections.abc import Iterator

from doctor.derived.case import Case
from doctor.derived.engine import SOURCE, Chosen
from doctor.derived.known_model import is_of_family_alone
from doctor.derived.quantization.exits import ways
from doctor.derived.quantization.served import KINDS, NOT_ONE, refusal, to_serve, used, weakest_device
from doctor.derived.reach.libraries import has_experts
from doctor.derived.units import dotted
from doctor.facts import Facts, Model
from doctor.facts.gpu import Device
from doctor.findings import Evidence, Finding, Location, NotApplicable, Open
from doctor.launch.options import engine, option
from doctor.matrix.models.expert_floors import expert_floor
from doctor.matrix.models.quantization import Floor, Need, floor
from doctor.rules.rule import Rule, Verdict


def check(rule: Rule, case: Case) -> Iterator[Verdict]:
    """One finding for each engine whose floor for the method is above the weakest GPU."""
    facts = case.facts
    need = to_serve(facts, online=True)
    if need is None and isinstance(facts.model, Model) and is_of_family_alone(facts.model):
        yield Open(f"how the weights of `{facts.model.path}` are stored is not known")
        return
    if need is None or (engine(facts) is None and not isinstance(facts.model, Model)):
        yield NotApplicable("no quantized weights will be served")
        return
    device = weakest_device(facts)
    for chosen in case.engine:
        backends = tuple(b for b in used(facts, chosen, need) if refusal(chosen, b, need) is None)
        floors = [_floor(facts, chosen, b, need) for b in backends]
        lowest = min((f for f in floors if f), key=lambda f: f.capability, default=None)
        if not floors or lowest is None or not all(floors):
            continue
        if device is None:
            least = dotted(lowest.capability)
            yield Open(f"{chosen.shown} needs a GPU of compute capability {least} or newer for {lowest.what}")
        elif device.capability < lowest.capability:
            yield _finding(rule, chosen, backends, need, lowest, device)


def _floor(facts: Facts, chosen: Chosen, backend: str, need: Need) -> Floor | None:
    """With `--quantization` (LMDeploy: `--model-format`), the floor of the method named there."""
    told = option(facts, *chosen.data.names("quantization"))
    told = told if told and told.lower() not in NOT_ONE else None
    found = floor(chosen.row(*KINDS), backend, need.quantization, told)
    more = expert_floor(chosen.name, chosen.version, need.quantization.method) if has_experts(need.config) else None
    return more if more and (found is None or more.capability > found.capability) else found


def _finding(
    rule: Rule, chosen: Chosen, backends: tuple[str, ...], need: Need, least: Floor, device: Device
) -> Finding:
    here, wanted = dotted(device.capability), dotted(least.capability)
    source = f"{chosen.shown}; {least.what}, {SOURCE}"
    return rule.finding(
        f"GPU {device.index} (`{device.name}`) has compute capability {here}, but `{chosen.shown}` needs {wanted} for "
        f"weights quantized with {least.what}",
        key=f"{chosen.name}:{need.quantization.method}", location=Location("host", f"GPU {device.index}"),
        evidence=[Evidence("compute capability", here, f"{wanted} or newer", source)],
        remediations=list(ways(chosen, backends, need)),
    )  # fmt: skip


RULE = Rule(
    code="ENG007", name="quantization-needs-newer-gpu", severity="error", check=check, needs=("distributions",),
)  # fmt: skip
