"""The first `libcuda.so.1` that a process finds is a stub, made for linking only.

The CUDA toolkit includes a `libcuda` in `lib64/stubs` so that programs can be built on machines without a GPU. It has
the names of the driver's functions and nothing behind them: CUDA fails with `CUDA_ERROR_STUB_LIBRARY` (error 34) or
finds no device, although `nvidia-smi` works. The stub is found through `LD_LIBRARY_PATH` or a line in
`/etc/ld.so.conf.d`.

What to do: remove the stubs folder from both. It belongs on `LIBRARY_PATH`, which only compilers read.
"""

from __future__ import annotations

from collections.abc import Iterator

from doctor.derived.case import Case
from doctor.derived.host import library_path_without
from doctor.facts import Facts, present
from doctor.facts.gpu import Gpu
from doctor.findings import Action, Evidence, Location, NotApplicable, Remediation
from doctor.rules.rule import Rule, Verdict


def check(rule: Rule, case: Case) -> Iterator[Verdict]:
    """Looks at what the loader takes first."""
    gpu = present(case.facts, "gpu", Gpu)
    if not gpu.libcuda:
        yield NotApplicable("no `libcuda.so.1` is found at all")
        return
    first = gpu.libcuda[0]
    if first.origin != "stub":
        return
    real = next((c for c in gpu.libcuda if c.origin != "stub"), None)
    yield rule.finding(
        f"The first `libcuda.so.1` on `{first.found_by}` is the stub `{first.path}`, not the driver's own"
        + (f" (`{real.path}`)." if real else "."),
        key="stub",
        location=Location("file", first.path, first.path),
        evidence=[Evidence("libcuda.so.1", first.path, real.path if real else "the driver's", first.found_by)],
        remediations=[_mend(case.facts, first.path, first.found_by)],
    )


def _mend(facts: Facts, path: str, found_by: str) -> Remediation:
    folder = path.rpartition("/")[0]
    if found_by == "LD_LIBRARY_PATH":
        action = Action("set_env", name="LD_LIBRARY_PATH", value=library_path_without(facts, "/stubs"))
        return Remediation(f"take `{folder}` out of `LD_LIBRARY_PATH`", (action,), "safe")
    text = f"remove `{folder}` from `/etc/ld.so.conf.d`, then run `sudo ldconfig`"
    return Remediation("take the stubs folder out of the loader's path", (Action("manual", text=text),))


RULE = Rule(code="GPU003", name="stub-libcuda", severity="error", check=check, needs=("gpu",))
