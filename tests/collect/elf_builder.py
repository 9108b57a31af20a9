"""Real ELF files to damage: the libraries of the Python that runs the tests, and small ones that gcc builds."""

from __future__ import annotations

import shutil
import subprocess
import sysconfig
from pathlib import Path


def extension_modules(limit: int = 6) -> list[Path]:
    """A few compiled modules of this Python, the smallest first."""
    folder = Path(sysconfig.get_path("stdlib")) / "lib-dynload"
    return sorted((f for f in folder.glob("*.so")), key=lambda f: f.stat().st_size)[:limit]


def built_library(folder: Path) -> Path | None:
    """A library with versions, both hash tables, thread-local data and relocations; None without gcc."""
    if shutil.which("gcc") is None:
        return None
    source, script, out = folder / "rich.c", folder / "rich.map", folder / "librich.so"
    source.write_text(
        "#include <stdio.h>\n__thread int t; int data[64] = {1}; int *p = &data[3];\n"
        'void one(void) { printf("%d", t); }\nvoid two(void) {}\n'
        "extern void absent(void);\nvoid three(void) { absent(); }\n"
    )
    script.write_text("V1 { global: one; }; V2 { global: two; three; local: *; } V1;\n")
    subprocess.run(
        ["gcc", "-shared", "-fPIC", "-o", str(out), str(source), "-Wl,--hash-style=both",
         f"-Wl,--version-script,{script}"],
        check=True, capture_output=True,
    )  # fmt: skip
    return out
