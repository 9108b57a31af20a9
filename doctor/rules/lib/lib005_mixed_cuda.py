"""Two CUDA versions would be loaded into one process.

torch and the engine both contain code compiled for one major version of CUDA, which shows in the libraries they need:
`libcudart.so.12` or `libcudart.so.13`. With one of each, both CUDA runtimes and both sets of libraries are loaded side
by side. Both load, and engines are published this way: LMDeploy 0.18.0's wheel for CUDA 12 installs torch for CUDA 13
and starts. It takes more memory, the driver must be new enough for the newer one, and libraries that exist only once
(NCCL, cuDNN) match only one of the two. So it is a warning: nothing shows that this start fails, and if the server
crashes inside a CUDA library, this is the first thing to change.

What to do: nothing, as long as it works. To avoid it, install a torch built for the same CUDA as the engine, from
torch's index for that CUDA, or a build of the engine for torch's CUDA.
"""

from __future__ import annotations

from collections.abc import Iterator

from doctor.derived.case import Case
from doctor.facts import CudaNeed, Facts, Natives, present
from doctor.findings import Action, Evidence, Location, NotApplicable, Remediation
from doctor.rules.rule import Rule, Verdict


def check(rule: Rule, case: Case) -> Iterator[Verdict]:
    """One finding for each distribution that needs another CUDA than torch."""
    natives = present(case.facts, "natives", Natives)
    torch = _first(natives.cuda, "torch")
    if torch is None:
        yield NotApplicable("no torch for CUDA is installed")
        return
    for name in dict.fromkeys(n.distribution for n in natives.cuda):
        own = _first(natives.cuda, name)
        if own is None or name == "torch" or own.major == torch.major:
            continue
        yield rule.finding(
            f"`{own.path}` needs CUDA {own.major} (`{own.soname}`) but torch was built for CUDA "
            f"{torch.major}: one process loads both, which usually works",
            key=name,
            location=Location("file", name, own.path),
            evidence=[
                Evidence("natives", f"needs {own.soname}", f"libraries of CUDA {torch.major}", own.path),
                Evidence("natives", f"needs {torch.soname}", f"libraries of CUDA {own.major}", torch.path),
                *_build(case.facts),
            ],
            remediations=_remediations(own, torch),
        )


def _first(needs: tuple[CudaNeed, ...], name: str) -> CudaNeed | None:
    own = [n for n in needs if n.distribution == name]
    return next((n for n in own if n.soname.startswith("libcudart")), own[0] if own else None)


def _build(facts: Facts) -> list[Evidence]:
    version = facts.version("torch")
    return [Evidence("distributions", f"torch {version}")] if version else []


def _remediations(own: CudaNeed, torch: CudaNeed) -> list[Remediation]:
    first = f"install a torch that was built for CUDA {own.major}, from torch's own index for it (`cu{own.major}x`)"
    second = f"install a build of `{own.distribution}` for CUDA {torch.major}, if there is one"
    return [Remediation(t, (Action("manual", text=t),)) for t in (first, second)]


RULE = Rule(code="LIB005", name="mixed-cuda", severity="warning", check=check, needs=("natives",))
