"""What only a bug form asks for: compilers, CUDA's toolkit, the processor, and what a project's own reporter lists."""

from __future__ import annotations

from dataclasses import field

from doctor.base.record import dataclass


@dataclass(frozen=True, slots=True)
class Toolchain:
    """None for what is not there or does not tell.

    `gcc` is what `gcc --version` says behind the name (`(Debian 12.2.0-14) 12.2.0`), `nvcc` a full version (`13.0.88`),
    `cuda_home` what torch takes for it. `cudnn` are the libraries in the loader's cache. `cpus` counts the processors
    that are present, whatever this process may use; `cpu_vendor` is as /proc/cpuinfo has it. `torch_cuda` and
    `torch_debug` stand in torch/version.py. `listed` are the names that the reporter of the installed release looks up,
    by the variable that holds them.
    """

    gcc: str | None = None
    nvcc: str | None = None
    cuda_home: str | None = None
    cudnn: tuple[str, ...] = ()
    cpus: int | None = None
    cpu_vendor: str | None = None
    torch_cuda: str | None = None
    torch_debug: bool | None = None
    listed: dict[str, tuple[str, ...]] = field(default_factory=dict)
