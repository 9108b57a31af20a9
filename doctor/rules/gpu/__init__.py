"""The GPU, its driver, and the way between a process and a device."""

from __future__ import annotations

from doctor.rules.gpu import (
    gpu001_no_driver,
    gpu002_driver_too_old,
    gpu003_stub_libcuda,
    gpu004_gpu_invisible,
    gpu005_memory_held,
    gpu006_kernel_module_mismatch,
    gpu007_forward_compatibility,
    gpu008_capability_lacks,
    gpu009_torch_without_cuda,
    gpu010_device_fault,
    gpu011_other_accelerator,
)
from doctor.rules.rule import Rule

GPU_RULES: tuple[Rule, ...] = (
    gpu001_no_driver.RULE,
    gpu002_driver_too_old.RULE,
    gpu003_stub_libcuda.RULE,
    gpu004_gpu_invisible.RULE,
    gpu006_kernel_module_mismatch.RULE,
    gpu007_forward_compatibility.RULE,
    gpu008_capability_lacks.RULE,
    gpu009_torch_without_cuda.RULE,
    gpu010_device_fault.RULE,
    gpu011_other_accelerator.RULE,
    gpu005_memory_held.RULE,  # last: it passes by itself, the others do not
)
