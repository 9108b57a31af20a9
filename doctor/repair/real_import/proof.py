"""The last proof of a new environment: its own interpreter imports what a server would; the first failure ends it."""

from __future__ import annotations

import os
import time

from doctor.base.late import late_pattern
from doctor.base.record import dataclass
from doctor.base.secrets.hide import redact_text
from doctor.base.text import clean, one_line
from doctor.repair.real_import.child import Interpreter, Round, import_in_child

SECONDS = 600.0
# what an import says on a machine without a GPU or its driver; on one with both, none of this is said
_GPU = late_pattern(
    r"libcuda\.so|libnvidia|nvidia-smi|no CUDA-capable device|No CUDA GPUs|Found no NVIDIA driver|CUDA driver|"
    r"Torch not compiled with CUDA|Failed to infer device type|no kernel image|cuInit|CUDA_ERROR_|0 active drivers"
)
_OTHER_ENVIRONMENTS = ("VIRTUAL_ENV", "CONDA_PREFIX")


@dataclass(frozen=True, slots=True)
class Tried:
    """What was imported, in order; `error` is what the last one said, None where all went well."""

    modules: tuple[str, ...]
    failed: str | None = None
    error: str | None = None

    @property
    def only_gpu(self) -> bool:
        """Whether it is only the missing GPU or its driver that stopped the import."""
        return self.error is not None and bool(_GPU.search(self.error))


def try_until_failure(python: str, modules: tuple[str, ...], cwd: str, seconds: float = SECONDS) -> Tried:
    """Imports the modules one after another in one child, which is ended when time is up. Raises OSError."""
    if not modules:
        return Tried(())
    environ = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON") and k not in _OTHER_ENVIRONMENTS}
    who = Interpreter(python, environ, cwd, front=cwd, first_failure_ends=True)
    return _tried(import_in_child(who, modules, time.monotonic() + seconds), modules, seconds)


def _tried(found: Round, modules: tuple[str, ...], seconds: float) -> Tried:
    done = tuple(one.module for one in found.imports if one.error is None)
    failed = next((one for one in found.imports if one.error is not None), None)
    if failed is not None:
        return Tried(done, failed.module, one_line(clean(redact_text(f"{failed.error}: {failed.text}")), 1000))
    if len(done) >= len(modules):
        return Tried(done)
    if found.late:
        return Tried(done, modules[len(done)], f"the import did not finish within {seconds:.0f} s")
    tail = one_line(clean(found.noise[-600:]))
    return Tried(done, modules[len(done)], f"the interpreter ended with {found.status} during the import: {tail}")
