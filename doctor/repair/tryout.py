"""The last proof of a new environment: its own interpreter imports what a server would, in a child process."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess

from doctor.base.record import dataclass
from doctor.base.text import clean, one_line

SECONDS = 600.0
_MARK = "qvl-doctor:"
_CHILD = """
import importlib, json, sys
for name in sys.argv[1:]:
    try:
        importlib.import_module(name)
        answer = None
    except BaseException as error:
        answer = f"{type(error).__name__}: {error}"
    print("\\nqvl-doctor:" + json.dumps([name, answer]), flush=True)
    if answer is not None:
        break
"""
# what an import says on a machine without a GPU or its driver; on one with both, none of this is said
_GPU = re.compile(
    r"libcuda\.so|libnvidia|nvidia-smi|no CUDA-capable device|No CUDA GPUs|Found no NVIDIA driver|CUDA driver|"
    r"Torch not compiled with CUDA|Failed to infer device type|no kernel image|cuInit|CUDA_ERROR_|0 active drivers"
)


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


def try_imports(python: str, modules: tuple[str, ...], cwd: str, seconds: float = SECONDS) -> Tried:
    """Imports the modules one after another in one child; it and its children are ended when time is up."""
    if not modules:
        return Tried(())
    hidden = ("VIRTUAL_ENV", "CONDA_PREFIX")
    environ = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON") and k not in hidden}
    process = subprocess.Popen(
        [python, "-B", "-c", _CHILD, *modules], cwd=cwd, env=environ,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, encoding="utf-8",
        errors="replace", start_new_session=True,
    )  # fmt: skip
    try:
        said, _ = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        _end(process)
        return Tried((), modules[0], f"the import did not end within {seconds:.0f} s")
    except BaseException:
        _end(process)
        raise
    return _read(said or "", process.returncode, modules)


def _read(said: str, status: int, modules: tuple[str, ...]) -> Tried:
    answers = [json.loads(x[len(_MARK) :]) for x in said.splitlines() if x.startswith(_MARK)]
    done = tuple(name for name, error in answers if error is None)
    failed = next(((name, error) for name, error in answers if error is not None), None)
    if failed:
        return Tried(done, failed[0], one_line(clean(str(failed[1])), 1000))
    if len(done) < len(modules):
        tail = one_line(clean(said[-600:]))
        return Tried(done, modules[len(done)], f"the interpreter ended with {status} during the import: {tail}")
    return Tried(done)


def _end(process: subprocess.Popen[str]) -> None:
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except (OSError, AttributeError):
        process.kill()
    process.communicate()
