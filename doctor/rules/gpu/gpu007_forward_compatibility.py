"""A forward compatibility package takes precedence over the driver's own `libcuda`.

`cuda-compat` includes a newer `libcuda.so.1` that runs on an older kernel module, so that a data center GPU can use a
newer CUDA without a new driver. It does not work on GeForce cards: CUDA fails with error 804, `forward compatibility
was attempted on non supported HW`. If the kernel module is newer than the package, the old library fails with error
803, `unsupported display driver / cuda driver combination`. Container images put the package first on the loader's path
(`ldconfig /usr/local/cuda/compat`); with a driver that is new enough, it only does harm.

What to do: remove the package from the loader's path.
"""

from __future__ import annotations

from collections.abc import Iterator

from doctor.derived.case import Case
from doctor.derived.host import library_path_without
from doctor.facts import Facts, present
from doctor.facts.gpu import CudaLibrary, Gpu
from doctor.findings import Action, Confidence, Evidence, Finding, Location, NotApplicable, Remediation, Severity
from doctor.matrix.hardware import version
from doctor.rules.rule import Rule, Verdict

CONSUMER = ("GeForce", "TITAN", "GTX")
WORKSTATION = ("RTX", "Quadro")


def check(rule: Rule, case: Case) -> Iterator[Verdict]:
    """Judges only what the loader takes first."""
    facts = case.facts
    gpu = present(facts, "gpu", Gpu)
    first = gpu.libcuda[0] if gpu.libcuda else None
    if gpu.source == "declared" or first is None or first.origin != "compat":
        yield NotApplicable("no forward compatibility package is in the way")
        return
    module = gpu.kernel_module or ""
    if first.version and module and version(first.version) < version(module):
        yield _found(rule, facts, first, f"the kernel module {module} is newer", "803")
    elif first.version == module and module:
        return
    elif card := next((d.name for d in gpu.devices if any(w in d.name for w in CONSUMER)), None):
        yield _found(rule, facts, first, f"`{card}` does not support that", "804")
    elif card := next((d.name for d in gpu.devices if any(w in d.name for w in WORKSTATION)), None):
        against = f"`{card}` may not support that"
        yield _found(rule, facts, first, against, "804", ("warning", "low"))


def _found(
    rule: Rule,
    facts: Facts,
    first: CudaLibrary,
    against: str,
    error: str,
    grade: tuple[Severity, Confidence] = ("error", "high"),
) -> Finding:
    return rule.finding(
        f"`{first.path}` of a forward compatibility package is loaded instead of the driver's own library, but "
        f"{against} (CUDA error {error}).",
        key=error,
        severity=grade[0],
        confidence=grade[1],
        location=Location("file", first.path, first.path),
        evidence=[Evidence("libcuda.so.1", first.path, "the driver's own", first.found_by)],
        remediations=[_mend(facts, first)],
    )


def _mend(facts: Facts, first: CudaLibrary) -> Remediation:
    if first.found_by == "LD_LIBRARY_PATH":
        action = Action("set_env", name="LD_LIBRARY_PATH", value=library_path_without(facts, "/compat", "cuda-compat"))
        return Remediation("take the package's folder out of `LD_LIBRARY_PATH`", (action,), "safe")
    text = (
        "remove the `compat` line from `/etc/ld.so.conf.d` and run `ldconfig`, or put the driver's folder first: "
        "`LD_LIBRARY_PATH=/usr/lib/x86_64-linux-gnu`"
    )
    return Remediation("take the package off the loader's path", (Action("manual", text=text),))


RULE = Rule(code="GPU007", name="forward-compat-in-the-way", severity="error", check=check, needs=("gpu",))
