"""The values that bug forms ask for, each as the projects' own reporters write it; None for what is not known."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cached_property

from doctor.base.record import dataclass
from doctor.derived.packages.torch_build import torch_build
from doctor.facts import Distributions, Gpu, Host, Launch
from doctor.facts.gpu import Device
from doctor.facts.toolchain import Toolchain
from doctor.findings import Report
from doctor.matrix.engines import engine_row

Row = tuple[str, str]  # a label and its value
VARIABLES = ("CUDA_", "NVIDIA_", "NCCL_", "TORCH_", "PYTORCH_", "TRANSFORMERS_", "LD_LIBRARY_PATH")


@dataclass(frozen=True)
class Known:
    """What a report and the machine's tools tell."""

    report: Report
    tools: Toolchain

    @cached_property
    def host(self) -> Host:
        """The machine; one that tells nothing where it was not looked at."""
        found = self.report.facts.host
        return found if isinstance(found, Host) else Host("linux")

    @property
    def os(self) -> str | None:
        """`Debian GNU/Linux 12 (bookworm) (x86_64)`."""
        return f"{self.host.os_name} ({self.host.machine})" if self.host.os_name and self.host.machine else None

    @property
    def libc(self) -> str | None:
        """`glibc-2.36`."""
        libc = self.host.libc
        return f"{libc.kind}-{libc.version}" if libc and libc.version else None

    @property
    def platform(self) -> str | None:
        """As Python's `platform.platform()`: `Linux-6.1.0-x86_64-with-glibc2.36`."""
        host = self.host
        if not (host.kernel and host.machine):
            return None
        libc = f"-with-{host.libc.kind}{host.libc.version}" if host.libc and host.libc.version else ""
        return f"Linux-{host.kernel}-{host.machine}{libc}".replace(" ", "_")

    @property
    def python(self) -> str | None:
        """`3.11.7`, or what of it is known."""
        return self.report.facts.target.python

    @property
    def have(self) -> Distributions:
        """What is installed."""
        found = self.report.facts.distributions
        return found if isinstance(found, Distributions) else Distributions(())

    def version(self, name: str) -> str | None:
        """What METADATA says, which is what `importlib.metadata` gives."""
        found = self.have.get(name)
        return found.version if found else None

    @property
    def torch_cuda(self) -> str | None:
        """The CUDA that torch is built for: `13.0`."""
        if self.tools.torch_cuda:
            return self.tools.torch_cuda
        build = torch_build(self.have)
        return ".".join(map(str, build.cuda)) if build and build.cuda else None

    @property
    def gpus(self) -> tuple[Device, ...]:
        """All GPUs of the machine, in the driver's order."""
        gpu = self.report.facts.gpu
        return gpu.devices if isinstance(gpu, Gpu) else ()

    @property
    def visible(self) -> tuple[Device, ...]:
        """Those that torch would see; none where something keeps CUDA from working."""
        gpu = self.report.facts.gpu
        stopped = any(f.rule.startswith(("GPU", "LIB")) and f.severity == "error" for f in self.report.findings)
        return gpu.usable if isinstance(gpu, Gpu) and self.torch_cuda and not stopped else ()

    @property
    def driver(self) -> str | None:
        """`570.124.06`."""
        gpu = self.report.facts.gpu
        return gpu.driver_version if isinstance(gpu, Gpu) else None

    @property
    def nvcc(self) -> str | None:
        """`Cuda compilation tools, release 13.0, V13.0.88`."""
        full = self.tools.nvcc
        return f"Cuda compilation tools, release {full.rpartition('.')[0]}, V{full}" if full else None

    @property
    def environment(self) -> dict[str, str]:
        """The variables of the shell and of the command, secrets left out."""
        launch = self.report.facts.launch
        return {**self.host.environment, **(launch.environ if isinstance(launch, Launch) else {})}

    def environment_of(self, project: str) -> Iterator[Row]:
        """Those that the project itself reads, and those that decide what it sees of the machine."""
        row = engine_row(project)
        prefixes = (*VARIABLES, *row.environment, *row.native_environment)
        return ((name, value) for name, value in self.environment.items() if name.startswith(prefixes))

    def packages(self, patterns: Iterable[str]) -> list[str]:
        """`name==version` of those whose line holds one of the texts, as `pip list --format=freeze` sorts them."""
        texts = tuple(patterns)
        lines = {f"{d.name}=={d.version}": d.name.lower() for d in self.have.installed}
        return sorted((line for line in lines if any(t in line for t in texts)), key=lambda line: lines[line])


def devices_by_name(devices: Iterable[Device]) -> list[Row]:
    """`GPU 0,1`: their name, as lmdeploy and sglang write them."""
    named: dict[str, list[str]] = {}
    for place, device in enumerate(devices):
        named.setdefault(device.name, []).append(str(place))
    return [(f"GPU {','.join(places)}", name) for name, places in named.items()]
