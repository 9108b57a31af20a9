"""The machine under the environment: its C library, memory, disks, compiler, and WSL."""

from __future__ import annotations

from doctor.rules.rule import Rule
from doctor.rules.sys import (
    sys001_old_libc,
    sys002_low_memory,
    sys003_small_shm,
    sys004_low_disk,
    sys005_open_files,
    sys006_cpu_lacks_avx,
    sys007_no_compiler,
    sys008_container,
    sys020_wsl_unsupported,
    sys021_wsl_linux_driver,
    sys022_wsl_nvidia_smi,
    sys023_wsl_memory,
    sys024_wslconfig_ignored,
    sys025_wsl_uva,
    sys026_wsl_pinned_memory,
    sys027_wsl_windows_drive,
    sys028_wsl_kernel,
    sys029_wsl_network,
    sys030_wsl_idle,
    sys031_wsl_crash_dumps,
    sys032_wsl_output,
    sys033_wsl_docker_gpu,
)

SYS_RULES: tuple[Rule, ...] = (
    sys001_old_libc.RULE,
    sys002_low_memory.RULE,
    sys003_small_shm.RULE,
    sys004_low_disk.RULE,
    sys005_open_files.RULE,
    sys006_cpu_lacks_avx.RULE,
    sys007_no_compiler.RULE,
    sys008_container.RULE,
    sys020_wsl_unsupported.RULE,
    sys021_wsl_linux_driver.RULE,
    sys022_wsl_nvidia_smi.RULE,
    sys023_wsl_memory.RULE,
    sys024_wslconfig_ignored.RULE,
    sys025_wsl_uva.RULE,
    sys026_wsl_pinned_memory.RULE,
    sys027_wsl_windows_drive.RULE,
    sys028_wsl_kernel.RULE,
    sys029_wsl_network.RULE,
    sys030_wsl_idle.RULE,
    sys031_wsl_crash_dumps.RULE,
    sys032_wsl_output.RULE,
    sys033_wsl_docker_gpu.RULE,
)
