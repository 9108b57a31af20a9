"""Tests of `run` with real processes; they need Linux."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from doctor_run import Doctor

collect_ignore_glob = [] if sys.platform == "linux" else ["test_*.py"]


@pytest.fixture(autouse=True, scope="session")
def plain_signals() -> None:
    """Under nohup a hang-up is ignored, and children would inherit that; these tests are about signals that arrive."""
    import signal

    for name in ("SIGHUP", "SIGINT", "SIGQUIT"):
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, signal.default_int_handler if name == "SIGINT" else signal.SIG_DFL)


@pytest.fixture
def doctor(tmp_path: Path) -> Doctor:
    """A fresh log folder."""
    return Doctor(tmp_path / "logs")


@pytest.fixture
def compiled(tmp_path: Path) -> Callable[[str, str, list[str]], Path]:
    """Compiles a helper in C or C++; skips, saying so, where there is no compiler."""
    import shutil

    def build(name: str, source: str, options: list[str]) -> Path:
        compiler = shutil.which("g++" if name.endswith(".cc") else "gcc")
        if compiler is None:
            pytest.skip("no C compiler on this machine")
        path = tmp_path / name
        path.write_text(source)
        subprocess.run([compiler, "-o", str(path.with_suffix(".out")), str(path), *options], check=True)
        return path.with_suffix(".out")

    return build


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Callable[[int], Path]]:
    """Mounts a file system of so many MiB; skips, saying so, without the right to mount."""
    mounted: list[Path] = []

    def mount(size: int) -> Path:
        place = tmp_path / f"disk{len(mounted)}"
        place.mkdir()
        made = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}m", "tmpfs", str(place)], capture_output=True)
        if made.returncode:
            pytest.skip("mounting a small file system is not allowed here")
        mounted.append(place)
        return place

    yield mount
    for place in mounted:
        subprocess.run(["umount", "-l", str(place)], check=False)
