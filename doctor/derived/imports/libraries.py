"""Extension modules that would not load, by what they fail on; how grave that is follows from what is reached."""

from __future__ import annotations

from collections.abc import Iterator

from doctor.base.record import dataclass
from doctor.facts import Facts, Gpu, Host, Launch, Modules, NativeLibrary, Natives
from doctor.findings import Open, Severity

DRIVER = ("libcuda.so.1", "libnvidia-ml.so.1", "libnvcuvid.so.1", "libnvidia-encode.so.1")


def driver_is_declared(facts: Facts) -> bool:
    """Whether the question is about another machine, whose driver has its own libraries (`--gpu`, `--driver`)."""
    return isinstance(facts.gpu, Gpu) and facts.gpu.source == "declared"


def has_no_gpu(facts: Facts) -> bool:
    """Whether this machine shows no sign of an NVIDIA GPU and no other one was named: what a build machine looks like.

    What follows from the missing driver there says nothing about the machine that will serve.
    """
    gpu = facts.gpu
    if not isinstance(gpu, Gpu) or gpu.source == "declared" or gpu.nvml != "no-library":
        return False
    wsl = isinstance(facts.host, Host) and facts.host.wsl is not None
    return not (gpu.devices or gpu.pci or gpu.kernel_module or wsl)


@dataclass(frozen=True, slots=True)
class Failure:
    """What the loader would stop at (`name`), and the extension modules that it stops."""

    name: str
    libraries: tuple[NativeLibrary, ...]


def failures(natives: Natives, *kinds: str) -> Iterator[Failure]:
    """The failing extension modules whose verdict is of one of `kinds`, one Failure for each thing that is missing."""
    groups: dict[str, list[NativeLibrary]] = {}
    for library in natives.libraries:
        verdict = library.verdict
        if verdict is not None and verdict.status == "fail" and verdict.kind in kinds:
            groups.setdefault(verdict.name or library.path, []).append(library)
    for name, libraries in groups.items():
        yield Failure(name, tuple(libraries))


def unsure(natives: Natives) -> Iterator[Open]:
    """`Open` where the link check could not judge some extension module: never silently fine."""
    unknown = [lib for lib in natives.libraries if lib.verdict is not None and lib.verdict.status == "unknown"]
    if unknown and unknown[0].verdict is not None:
        more = f" and {len(unknown) - 1} more" if len(unknown) > 1 else ""
        yield Open(f"`{unknown[0].path}`{more} could not be checked: {unknown[0].verdict.reason}")


def severity_of(failure: Failure, facts: Facts) -> Severity:
    """`error` where the start of the server comes to it, else `warning`: many packages carry parts that nobody loads.

    It comes to it where the import check says so. Without an import check: where the engine or torch is hit.
    """
    if failure.name in DRIVER and has_no_gpu(facts):
        return "warning"
    if isinstance(facts.modules, Modules):
        reached = set(facts.modules.eager) | set(facts.modules.entries)
        stems = {m.rpartition(".")[2] for m in reached}
        causes = {v.cause.name for v in facts.modules.verdicts.values() if v.cause is not None}
        hit = any((lib.module or "").rpartition(".")[2] in stems for lib in failure.libraries)
        return "error" if hit or failure.name in causes else "warning"
    engine = facts.launch.engine if isinstance(facts.launch, Launch) else None
    core = {"torch", *([engine] if engine else [])}
    known = {lib.distribution for lib in failure.libraries}
    return "error" if engine is None or known & core else "warning"
