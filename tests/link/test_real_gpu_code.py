"""GPU code in real libraries: equal to NVIDIA's own reader, and to what torch's build records of itself."""

from __future__ import annotations

import os
import platform
import re
import subprocess
from pathlib import Path

import pytest

from doctor.collect.native.elf import read_elf
from doctor.collect.native.fatbin import gpu_code, recorded_archs
from tests.link.real_loader import libraries_below
from tests.link.real_packages import laid_out


@pytest.mark.registry
@pytest.mark.skipif(platform.system() != "Linux" or platform.machine() != "x86_64", reason="the wheel is for Linux")
def test_equal_to_cuobjdump_on_real_wheels() -> None:
    """NVIDIA's own reader, from its wheel, on TurboMind and auto-gptq; what it cannot read itself is left out."""
    tool = laid_out("cuobjdump", ("nvidia-cuda-cuobjdump",)) / "nvidia/cu13/bin/cuobjdump"
    if not tool.is_file():
        pytest.skip("this release of the wheel has the tool elsewhere")
    tool.chmod(0o755)
    folders = [laid_out("auto-gptq", ("auto-gptq==0.7.1",)), laid_out("lmdeploy-0.11.1", ("lmdeploy==0.11.1",))]
    compared = 0
    for file in (f for folder in folders for f in libraries_below(folder)):
        lists = [subprocess.run([tool, w, file], capture_output=True, text=True) for w in ("--list-elf", "--list-ptx")]
        if any("fatal" in done.stderr for done in lists):
            continue
        sass, ptx = (set(re.findall(r"\.sm_(\d+[af]?)\.(?:cubin|ptx)", done.stdout)) for done in lists)
        ours = {a for code in gpu_code(read_elf(file)) for a in code.archs}
        assert ours == {f"sm_{a}" for a in sass} | {f"compute_{a}" for a in ptx}, file
        compared += bool(ours)
    assert compared >= 1


@pytest.mark.skipif("QVL_CUDA_ENV" not in os.environ, reason="QVL_CUDA_ENV names no site-packages with a CUDA torch")
def test_equal_to_what_torch_records() -> None:
    """The architectures in libtorch_cuda's modules are those that torch's build wrote down for itself."""
    lib = Path(os.environ["QVL_CUDA_ENV"]) / "torch/lib"
    recorded = recorded_archs(read_elf(lib / "libtorch_python.so"))
    found = gpu_code(read_elf(lib / "libtorch_cuda.so"))
    assert recorded and set(recorded) == {a for a in found[0].archs if not a.endswith(("a", "f"))}
    assert all(set(recorded) <= set(code.archs) for code in found if code.count > 1)
