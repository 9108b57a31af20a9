"""The GPU facts of a machine that has a GPU, against what its own tools say."""

from __future__ import annotations

import csv
import importlib.util
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from doctor.collect.machine.gpu import GpuCollection
from doctor.facts.gpu import Gpu

pytestmark = pytest.mark.gpu
MIB = 1024**2
FIELDS = "index,name,uuid,compute_cap,memory.total,memory.free,driver_version,pci.bus_id,mig.mode.current"


@pytest.fixture(scope="module")
def gpu() -> Gpu:
    """The facts; skips where there is no NVIDIA GPU."""
    found = GpuCollection().finish()
    if not isinstance(found, Gpu) or found.nvml != "ok":
        pytest.skip(f"no NVIDIA GPU here: {found.nvml_detail if isinstance(found, Gpu) else found.detail}")
    return found


def smi() -> list[dict[str, str]]:
    """`nvidia-smi`'s own table, one row a device."""
    tool = shutil.which("nvidia-smi") or "/usr/lib/wsl/lib/nvidia-smi"
    if not Path(tool).exists():
        pytest.skip("no nvidia-smi here")
    command = [tool, f"--query-gpu={FIELDS}", "--format=csv,noheader,nounits"]
    lines = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout.splitlines()
    return [dict(zip(FIELDS.split(","), (cell.strip() for cell in row), strict=True)) for row in csv.reader(lines)]


def test_devices_against_nvidia_smi(gpu: Gpu) -> None:
    rows = smi()
    assert len(rows) == len(gpu.devices)
    for row, device in zip(rows, gpu.devices, strict=True):
        assert (int(row["index"]), row["name"], row["uuid"]) == (device.index, device.name, device.uuid)
        assert row["compute_cap"] == f"{device.capability[0]}.{device.capability[1]}"
        assert row["driver_version"] == gpu.driver_version
        assert device.mig_enabled == {"Enabled": True, "Disabled": False}.get(row["mig.mode.current"])
        if row["memory.total"].isdigit():
            assert abs(int(row["memory.total"]) - device.memory_total / MIB) < 1
            assert abs(int(row["memory.free"]) - (device.memory_free or 0) / MIB) < 2048


def test_the_driver_has_a_cuda_version_and_libraries(gpu: Gpu) -> None:
    assert gpu.driver_cuda is not None and gpu.driver_cuda >= (11, 0)
    assert gpu.libcuda, "libcuda.so.1 is not found on the loader's path"
    if gpu.driver_platform == "linux":
        assert gpu.kernel_module == gpu.driver_version == gpu.user_library
        assert {"/dev/nvidiactl", "/dev/nvidia-uvm"} <= {node.path for node in gpu.nodes}


def test_libcuda_is_the_one_that_the_loader_takes(gpu: Gpu) -> None:
    code = "import ctypes; ctypes.CDLL('libcuda.so.1'); print(open('/proc/self/maps').read())"
    maps = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60).stdout
    loaded = {line.split()[-1] for line in maps.splitlines() if "libcuda.so" in line}
    assert loaded == {gpu.libcuda[0].path}


def test_cuda_version_against_the_driver_itself(gpu: Gpu) -> None:
    code = (
        "import ctypes; v = ctypes.c_int();"
        "ctypes.CDLL('libcuda.so.1').cuDriverGetVersion(ctypes.byref(v)); print(v.value)"
    )
    value = int(subprocess.check_output([sys.executable, "-c", code], text=True, timeout=60))
    assert gpu.driver_cuda == (value // 1000, value % 1000 // 10)


def test_capability_against_torch(gpu: Gpu) -> None:
    if importlib.util.find_spec("torch") is None:
        pytest.skip("torch is not importable here")
    code = (
        "import json, torch; n = torch.cuda.device_count() if torch.cuda.is_available() else 0;"
        "a = [float((torch.ones(256, 256, device=i) @ torch.ones(256, 256, device=i)).sum()) for i in range(n)];"
        "print(json.dumps([[torch.cuda.get_device_name(i), *torch.cuda.get_device_capability(i), a[i]]"
        " for i in range(n)]))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300)
    if done.returncode:
        pytest.skip(f"torch does not work here: {done.stderr.strip()[-200:]}")
    seen = json.loads(done.stdout.splitlines()[-1])
    if not seen:
        pytest.skip("torch sees no CUDA device")
    ours = sorted([d.name, *d.capability, float(256**3)] for d in gpu.usable)
    assert sorted(seen) == ours
