"""The link check against the real loader on what this machine has: Python's own modules and the system's libraries."""

from __future__ import annotations

import os
import platform
import sys
import sysconfig
from pathlib import Path

import pytest

from doctor.collect.native.libraries import LibraryReader
from doctor.link.loader.natives import NativeLinker
from tests.link.real_loader import libraries_below, real_verdicts

pytestmark = [
    pytest.mark.skipif(
        sys.platform != "linux" or platform.libc_ver()[0] != "glibc" or platform.machine() != "x86_64",
        reason="needs glibc on x86-64",
    ),
    pytest.mark.alone,
]
# their start code ends a process that they were not the first to be loaded into
ENDS_THE_PROCESS = ("libasan", "libtsan", "liblsan", "libubsan", "libhwasan", "libc_malloc_debug")
MOST = 400


@pytest.mark.parametrize("folder", [
    Path(sysconfig.get_path("stdlib")) / "lib-dynload", Path("/usr/lib/x86_64-linux-gnu"), Path("/usr/lib64"),
], ids=["stdlib", "multiarch", "lib64"])  # fmt: skip
def test_the_same_answer_for_every_library(folder: Path) -> None:
    files = [f for f in libraries_below(folder) if not Path(f).name.startswith(ENDS_THE_PROCESS)]
    files = files[:: max(1, len(files) // MOST)]
    if not files:
        pytest.skip(f"no libraries in {folder}")
    linker = NativeLinker(LibraryReader(), (), os.path.realpath(sys.executable))
    verdicts = [linker.load(f) for f in files]
    real = real_verdicts([((), f) for f in files])
    said = [v.text if v.status == "fail" else v.status for v in verdicts]
    assert [(f, s, r) for f, s, r in zip(files, said, real, strict=True) if s != r] == []
