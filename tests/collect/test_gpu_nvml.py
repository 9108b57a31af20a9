"""The NVML collector, with the real `pynvml` on a library of ours that answers out of a scenario file."""

from __future__ import annotations

import mmap
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from doctor.collect.machine.gpu import GpuCollection
from doctor.facts import Facts, Target, Unavailable
from doctor.facts.codec import facts_from_json, to_json
from doctor.facts.gpu import Gpu, GpuProcess

GIB = 1024**3
STUB = Path(__file__).with_name("stub_nvml.c")
Ask = Callable[..., Gpu]

CARDS = {
    "ada": ("NVIDIA GeForce RTX 4090", "8.9", 25757220864),
    "l4": ("NVIDIA L4", "8.9", 24152899584),
    "hopper": ("NVIDIA H200", "9.0", 150754820096),
    "ampere": ("NVIDIA A100-SXM4-80GB", "8.0", 85899345920),
    "blackwell": ("NVIDIA GeForce RTX 5090", "12.0", 34190917632),
    "b200": ("NVIDIA B200", "10.0", 192265846784),
    "turing": ("Tesla T4", "7.5", 16106127360),
    "volta": ("Tesla V100-SXM2-16GB", "7.0", 16945512448),
    "pascal": ("NVIDIA GeForce GTX 1080 Ti", "6.1", 11811160064),
}
DRIVERS = {
    "450.80.02": (11000, (11, 0)), "470.256.02": (11040, (11, 4)), "525.147.05": (12000, (12, 0)),
    "535.183.01": (12020, (12, 2)), "550.54.15": (12040, (12, 4)), "570.124.06": (12080, (12, 8)),
    "580.95.05": (13000, (13, 0)), "595.71.05": (13020, (13, 2)), "610.43.02": (13030, (13, 3)),
}  # fmt: skip


def card(kind: str, index: int = 0, **more: object) -> list[str]:
    """The scenario lines of one device."""
    name, capability, total = CARDS[kind]
    uuid = f"GPU-{index:08d}-0000-4000-8000-000000000000"
    base = {"name": name, "capability": capability, "total": total, "free": total - GIB, "uuid": uuid}
    base["bus"] = f"00000000:{index + 1:02X}:00.0"
    return [f"{index}.{key}={value}" for key, value in {**base, **more}.items()]


@pytest.fixture(scope="session")
def libraries(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Folders of the stub as new drivers and as the 450 series export it."""
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None or not sys.platform.startswith("linux"):
        pytest.skip("needs Linux and a C compiler to build the stub of NVML")
    found = {}
    for name, flags in {"new": [], "old": ["-DOLD"]}.items():
        folder = tmp_path_factory.mktemp(f"nvml-{name}")
        command = [compiler, "-shared", "-fPIC", *flags, "-o", str(folder / "libnvidia-ml.so.1"), str(STUB)]
        subprocess.run(command, check=True, capture_output=True)
        found[name] = folder
    return found


@pytest.fixture
def ask(libraries: dict[str, Path], tmp_path: Path) -> Ask:
    """Collects with the given scenario lines; `series` picks the old or the new library."""

    def collect(*lines: str, series: str = "new", timeout: float = 10.0, **environ: str) -> Gpu:
        scenario = tmp_path / "scenario"
        scenario.write_text("\n".join(lines) + "\n", encoding="latin-1")
        variables = {k: v for k, v in os.environ.items() if k not in ("CUDA_VISIBLE_DEVICES", "NVIDIA_VISIBLE_DEVICES")}
        variables |= {"QVL_DOCTOR_NVML": str(libraries[series]), "NVML_STUB": str(scenario), **environ}
        gpu = GpuCollection(environ=variables, timeout=timeout).finish()
        assert isinstance(gpu, Gpu)
        facts = Facts(Target("paths", "test"), gpu=gpu)
        assert facts_from_json(to_json(facts)) == facts
        return gpu

    return collect


@pytest.mark.parametrize("driver", DRIVERS)
def test_driver_versions(ask: Ask, driver: str) -> None:
    raw, cuda = DRIVERS[driver]
    gpu = ask(f"driver={driver}", f"cuda={raw}", "count=1", *card("ampere"), series="old" if raw < 11030 else "new")
    assert (gpu.nvml, gpu.driver_version, gpu.driver_cuda) == ("ok", driver, cuda)
    assert [d.capability for d in gpu.devices] == [(8, 0)]


@pytest.mark.parametrize("kind", CARDS)
def test_cards(ask: Ask, kind: str) -> None:
    name, capability, total = CARDS[kind]
    (device,) = ask("driver=580.95.05", "cuda=13000", "count=1", *card(kind)).devices
    assert device.name == name
    assert f"{device.capability[0]}.{device.capability[1]}" == capability
    assert (device.memory_total, device.memory_free) == (total, total - GIB)
    assert device.mig_enabled is None and device.ecc_enabled is None and device.processes == ()


def test_two_cards_keep_their_order(ask: Ask) -> None:
    gpu = ask("driver=580.95.05", "cuda=13000", "count=2", *card("ada", 0), *card("turing", 1))
    assert [(d.index, d.capability, d.bus_id) for d in gpu.devices] == [
        (0, (8, 9), "00000000:01:00.0"), (1, (7, 5), "00000000:02:00.0"),
    ]  # fmt: skip


def test_mig_instances(ask: Ask) -> None:
    lines = card("hopper", mig=1, **{
        "mig0.uuid": "MIG-aaaa", "mig0.name": "NVIDIA H200 MIG 1g.18gb", "mig0.total": 18 * GIB, "mig0.free": 17 * GIB,
        "mig3.uuid": "MIG-bbbb", "mig3.name": "NVIDIA H200 MIG 3g.71gb", "mig3.total": 71 * GIB, "mig3.free": 70 * GIB,
    })  # fmt: skip
    (device,) = ask("driver=570.124.06", "cuda=12080", "count=1", *lines).devices
    assert device.mig_enabled is True
    assert [(m.uuid, m.memory_total) for m in device.mig] == [("MIG-aaaa", 18 * GIB), ("MIG-bbbb", 71 * GIB)]


def test_mig_mode_without_instances(ask: Ask) -> None:
    (device,) = ask("driver=570.124.06", "cuda=12080", "count=1", *card("ampere", mig=1)).devices
    assert device.mig_enabled is True and device.mig == ()


def test_ecc_and_compute_mode(ask: Ask) -> None:
    (device,) = ask("driver=570.124.06", "cuda=12080", "count=1", *card("ampere", ecc=1, ecc_errors=7, mode=3)).devices
    assert (device.ecc_enabled, device.ecc_errors, device.compute_mode) == (True, 7, "exclusive-process")


def test_processes_have_names_bytes_and_no_doubles(ask: Ask, tmp_path: Path) -> None:
    me, comm = os.getpid(), Path("/proc/self/comm").read_text().strip()
    library = tmp_path / "libcuda.so.1"
    library.write_bytes(bytes(4096))
    with library.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ):
        _named(ask, me, comm)
    _named(ask, me, None)  # the number is ours, the process that NVML means is another


def _named(ask: Ask, me: int, comm: str | None) -> None:
    lines = card("ada", compute=f"{me}:{3 * GIB},4194999:-", graphics=f"{me}:{3 * GIB}")
    (device,) = ask("driver=570.124.06", "cuda=12080", "count=1", *lines).devices
    assert device.processes == (GpuProcess(me, comm, 3 * GIB), GpuProcess(4194999, None, None))


def test_processes_of_an_old_driver(ask: Ask) -> None:
    (device,) = ask("driver=450.80.02", "cuda=11000", "count=1", *card("volta", compute="1:1024"), series="old").devices
    assert device.processes is not None and device.processes[0].memory_used == 1024


def test_wsl_supports_little(ask: Ask) -> None:
    silent = ["nvmlDeviceGetComputeRunningProcesses=3", "nvmlDeviceGetGraphicsRunningProcesses=3",
              "nvmlDeviceGetEccMode=3", "nvmlDeviceGetTotalEccErrors=3", "nvmlDeviceGetMigMode=3",
              "nvmlDeviceGetComputeMode=3"]  # fmt: skip
    gpu = ask("driver=581.80", "cuda=13000", "count=1", *card("ada"), *silent)
    (device,) = gpu.devices
    assert gpu.nvml == "ok" and device.memory_free == CARDS["ada"][2] - GIB
    assert (device.processes, device.ecc_enabled, device.mig_enabled, device.compute_mode) == (None, None, None, None)


def test_unified_memory_is_the_machines(ask: Ask) -> None:
    lines = [x for x in card("blackwell") if ".total" not in x and ".free" not in x]
    (device,) = ask("driver=580.95.05", "cuda=13000", "count=1", *lines).devices
    total = int(Path("/proc/meminfo").read_text().split()[1]) * 1024
    assert device.unified_memory and device.memory_total == total and 0 < (device.memory_free or 0) < total


@pytest.mark.parametrize(
    ("code", "status"), [(9, "no-driver"), (18, "mismatch"), (4, "no-permission"), (12, "no-library"), (999, "error")]
)
def test_init_fails(ask: Ask, code: int, status: str) -> None:
    gpu = ask(f"nvmlInitWithFlags={code}", "count=1", *card("ada"))
    assert gpu.nvml == status and gpu.devices == () and gpu.nvml_detail


def test_insufficient_permission_for_one_device(ask: Ask) -> None:
    denied = "nvmlDeviceGetHandleByIndex_v2@1=4"
    gpu = ask("driver=570.124.06", "cuda=12080", "count=2", *card("ada"), *card("ada", 1), denied)
    assert gpu.nvml == "ok" and [d.index for d in gpu.devices] == [0]
    assert [p.path for p in gpu.unreadable] == ["device 1"]


def test_insufficient_permission_for_processes(ask: Ask) -> None:
    denied = ["nvmlDeviceGetComputeRunningProcesses=4", "nvmlDeviceGetGraphicsRunningProcesses=4"]
    (device,) = ask("driver=570.124.06", "cuda=12080", "count=1", *card("ada"), *denied).devices
    assert device.processes is None and device.name == CARDS["ada"][0]


def test_lost_gpu_leaves_the_others(ask: Ask) -> None:
    lost = [f"nvmlDeviceGet{what}@0=15" for what in ("Name", "MemoryInfo", "CudaComputeCapability", "UUID")]
    gpu = ask("driver=570.124.06", "cuda=12080", "count=2", *card("ada"), *card("l4", 1), *lost)
    assert [d.index for d in gpu.devices] == [1]
    assert "GPU is lost" in gpu.unreadable[0].message


def test_no_device(ask: Ask) -> None:
    gpu = ask("driver=570.124.06", "cuda=12080", "count=0")
    assert (gpu.nvml, gpu.driver_version, gpu.driver_cuda) == ("no-devices", "570.124.06", (12, 8))


def test_cuda_version_unknown(ask: Ask) -> None:
    gpu = ask("driver=570.124.06", "count=1", *card("ada"), "nvmlSystemGetCudaDriverVersion_v2=12")
    assert gpu.nvml == "ok" and gpu.driver_cuda is None and len(gpu.devices) == 1


@pytest.mark.parametrize("step", ["nvmlInitWithFlags", "nvmlDeviceGetMemoryInfo@1", "nvmlDeviceGetMigMode@1"])
def test_a_call_that_hangs(ask: Ask, step: str) -> None:
    begin = time.monotonic()
    gpu = ask("driver=570.124.06", "cuda=12080", "count=2", *card("ada"), *card("l4", 1), f"{step}=hang", timeout=1.0)
    assert time.monotonic() - begin < 2.5
    assert gpu.nvml == "timed-out" and "no answer within 1 s" in gpu.nvml_detail
    assert [d.index for d in gpu.devices] == ([] if step == "nvmlInitWithFlags" else [0])
    assert (gpu.driver_version is None) == (step == "nvmlInitWithFlags")


@pytest.mark.parametrize("step", ["nvmlInitWithFlags", "nvmlDeviceGetMemoryInfo@0"])
def test_a_call_that_crashes(ask: Ask, step: str) -> None:
    gpu = ask("driver=570.124.06", "cuda=12080", "count=1", *card("ada"), f"{step}=crash")
    assert gpu.nvml == "error" and "exited with status -11" in gpu.nvml_detail


def test_text_that_is_not_utf8(ask: Ask) -> None:
    (device,) = ask("driver=570.124.06", "cuda=12080", "count=1", *card("ada", name="Caf\xe9 \x1b[31mGPU")).devices
    assert device.name == "device 0" and device.capability == (8, 9)


def test_control_characters_in_a_name(ask: Ask) -> None:
    (device,) = ask("driver=570.124.06", "cuda=12080", "count=1", *card("ada", name="GPU \x1b[31m red")).devices
    assert "\x1b" not in device.name and "\\x1b" in device.name


def test_absurd_count_is_bounded(ask: Ask) -> None:
    gpu = ask("driver=570.124.06", "cuda=12080", "count=4000000000", *card("ada"))
    assert gpu.nvml == "ok" and len(gpu.devices) == 1 and len(gpu.unreadable) == 63


@pytest.mark.parametrize(
    ("visible", "left"),
    [(None, [0, 1]), ("1", [1]), ("1,0", [1, 0]), ("", []), ("-1", []), ("0,7,1", [0]), ("NoDevFiles", []),
     ("GPU-00000001", [1]), ("GPU-0000", []), (" 0 , 1 ", [0, 1])],
)  # fmt: skip
def test_visible_devices(ask: Ask, visible: str | None, left: list[int]) -> None:
    environ = {} if visible is None else {"CUDA_VISIBLE_DEVICES": visible}
    gpu = ask("driver=570.124.06", "cuda=12080", "count=2", *card("ada"), *card("l4", 1), **environ)
    assert gpu.visible == visible and [d.index for d in gpu.usable] == left


@pytest.mark.parametrize("variable", ["LD_LIBRARY_PATH", "LD_PRELOAD"])
def test_a_library_of_the_target_is_not_loaded(variable: str, libraries: dict[str, Path], tmp_path: Path) -> None:
    scenario = tmp_path / "scenario"
    scenario.write_text("\n".join(["driver=570.124.06", "cuda=12080", "count=1", *card("ada")]) + "\n")
    value = libraries["new"] / ("libnvidia-ml.so.1" if variable == "LD_PRELOAD" else "")
    gpu = GpuCollection(environ={**os.environ, variable: str(value), "NVML_STUB": str(scenario)}).finish()
    assert isinstance(gpu, Gpu) and gpu.driver_version != "570.124.06"


def test_it_is_fast_enough(ask: Ask) -> None:
    lines = ["driver=570.124.06", "cuda=12080", "count=1", *card("ada")]
    best = 9.0
    for _ in range(5):
        begin = time.perf_counter()
        ask(*lines)
        best = min(best, time.perf_counter() - begin)
    assert best < 0.2  # measured: 0.045 s


def test_without_pynvml(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pynvml", None)
    gpu = ask("driver=570.124.06", "count=1", *card("ada"))
    assert gpu.nvml == "error" and "nvidia-ml-py" in gpu.nvml_detail


def test_lines_that_are_not_ours() -> None:
    noise = '{"device": 1}\n{"driver": []}\n[1]\n{"error": 3}\nnot json\n{"unreadable": "x"}\n{"step": 7}\n'
    from doctor.collect.machine.nvml_child import _answer

    answer = _answer(noise.encode() + b'\xff\xfe{"done": true', "it ended")
    assert (answer.status, answer.devices, answer.unreadable) == ("error", (), ())


@pytest.mark.parametrize(("system", "reason"), [("darwin", "not_supported"), ("freebsd14", "not_supported")])
def test_systems_without_a_driver(system: str, reason: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from doctor.collect.machine.host import collect_host

    monkeypatch.setattr(sys, "platform", system)
    for facts in (GpuCollection().finish(), collect_host()):
        assert isinstance(facts, Unavailable) and facts.reason == reason


@pytest.mark.registry
@pytest.mark.parametrize("binding", ["11.495.46", "12.535.161", "12.575.51"])
def test_other_bindings(ask: Ask, binding: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two from before those that we allow, the first of which answers in bytes, and a newer one."""
    pip = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target", str(tmp_path / "site")]
    done = subprocess.run([*pip, f"nvidia-ml-py=={binding}"], capture_output=True, text=True, timeout=120)
    if done.returncode:
        pytest.skip(f"the package index does not give nvidia-ml-py {binding}: {done.stderr.strip()[-200:]}")
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    lines = card("ampere", mig=0, ecc=1, ecc_errors=0, compute=f"1:{GIB}")
    gpu = ask("driver=570.124.06", "cuda=12080", "count=1", *lines)
    (device,) = gpu.devices
    assert (gpu.nvml, gpu.driver_version, gpu.driver_cuda) == ("ok", "570.124.06", (12, 8))
    assert (device.name, device.capability, device.mig_enabled) == (CARDS["ampere"][0], (8, 0), False)
    assert (device.uuid or "").startswith("GPU-") and device.bus_id == "00000000:01:00.0"
    assert device.processes is not None and device.processes[0].memory_used == GIB
