"""The link check against the real loader on real packages: the same answer, word for word, for every library."""

from __future__ import annotations

import platform
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from doctor.collect.native.elf_dynamic import Dynamic
from doctor.collect.native.libraries import LibraryReader
from doctor.facts.natives import NativeVerdict
from doctor.link.loader.natives import NativeLinker
from tests.link.real_loader import libraries_below, real_verdicts
from tests.link.real_packages import interpreter, laid_out

pytestmark = [
    pytest.mark.registry,
    pytest.mark.skipif(
        sys.platform != "linux" or platform.machine() != "x86_64" or platform.libc_ver()[0] != "glibc",
        reason="the wheels are for Linux on x86-64, and the real loader is glibc's",
    ),
]
# torch of the index is a CUDA build or a CPU build, as the index is; the tests hold for either
TORCH = ("torch==2.13.0", "filelock", "typing_extensions", "sympy", "mpmath", "networkx", "jinja2", "markupsafe",
         "fsspec", "numpy==2.4.6")  # fmt: skip
PLAIN = ("numpy==2.4.6", "pillow==13.0.0", "ray==2.60.0", "sentencepiece==0.2.3", "triton==3.9.0", "xgrammar==0.2.8",
         "tokenizers==0.23.3", "pyzmq==27.3.0")  # fmt: skip


def compare(folders: Sequence[Path], files: Sequence[str], torch: bool = False) -> dict[str, NativeVerdict]:
    """Our verdicts by file, after checking that each is the real loader's."""
    python = interpreter()
    path = [str(f) for f in folders]
    linker = NativeLinker(LibraryReader(), path, python)
    package = next((f"{p}/torch" for p in path if Path(p, "torch").is_dir()), "")
    before = linker.preload_of(package) if torch else ()
    verdicts = {file: linker.load(file, before) for file in files}
    real = real_verdicts([((), f) for f in files], python=python, path=path, torch=torch)
    different = {
        file: (verdict, said)
        for (file, verdict), said in zip(verdicts.items(), real, strict=True)
        if (verdict.text if verdict.status == "fail" else verdict.status) != said
    }
    assert not different
    return verdicts


def test_all_libraries_of_plain_packages() -> None:
    folder = laid_out("plain", PLAIN)
    verdicts = compare([folder], libraries_below(folder))
    assert len(verdicts) > 60 and {v.status for v in verdicts.values()} == {"ok", "fail"}


@pytest.mark.parametrize("imported", [False, True])
def test_all_libraries_of_torch(imported: bool) -> None:
    folder = laid_out("torch", TORCH)
    verdicts = compare([folder], libraries_below(folder), torch=imported)
    assert any(v.status == "ok" and f.endswith("libtorch_cpu.so") for f, v in verdicts.items())


def test_auto_gptq_on_another_torch() -> None:
    """Built for torch 2.2: the real loader rejects its extensions, each at a symbol or library that we name."""
    torch, package = laid_out("torch", TORCH), laid_out("auto-gptq", ("auto-gptq==0.7.1",))
    files = libraries_below(package)
    verdicts = compare([package, torch], files, torch=True)
    assert len(files) >= 5 and all(v.status == "fail" and v.name and v.name in v.text for v in verdicts.values())


@pytest.mark.parametrize("version", ["0.6.5", "0.11.1"])
def test_turbomind_without_its_cuda(version: str) -> None:
    folder = laid_out(f"lmdeploy-{version}", (f"lmdeploy=={version}",))
    verdicts = compare([folder], libraries_below(folder))
    turbomind = next(v for f, v in verdicts.items() if "_turbomind" in f)
    assert turbomind.kind == "missing-library" and turbomind.file and "_turbomind" in turbomind.file


def test_a_c_library_that_is_too_old(tmp_path: Path) -> None:
    """A real module below a root whose C library lacks the newest version that the module needs."""
    reader = LibraryReader()
    basic = {"libc.so.6", "libm.so.6", "libpthread.so.0", "ld-linux-x86-64.so.2"}
    images = {f: reader.image(f) for f in libraries_below(laid_out("plain", PLAIN)) if "/numpy/" in f}
    module, image = next((f, i) for f, i in images.items() if isinstance(i, Dynamic) and basic.issuperset(i.needed))
    wanted = max((n.name for n in image.version_needs if n.file == b"libc.so.6"), key=lambda n: (len(n), n))
    lib = tmp_path / "usr/lib"
    lib.mkdir(parents=True)
    for name in basic:
        data = Path(reader.cached(name)[0]).read_bytes()
        changed = data.replace(wanted + b"\0", b"X" * len(wanted) + b"\0") if name == "libc.so.6" else data
        (lib / name).write_bytes(changed)
    copy = tmp_path / "app.so"
    copy.write_bytes(Path(module).read_bytes())
    verdict = NativeLinker(LibraryReader(str(tmp_path))).load(str(copy))
    assert (verdict.status, verdict.kind, verdict.provider) == ("fail", "missing-version", str(lib / "libc.so.6"))
    assert "too old" in verdict.meaning


@pytest.mark.parametrize("build", ["cpu", "cuda"])
def test_the_other_cpp_abi_is_told_from_another_version(build: str) -> None:
    """One package that carries a build for torch 2.4 (old C++ ABI) beside those for later ones."""
    torch, package = laid_out("torch", TORCH), laid_out("dlpack", ("torch-c-dlpack-ext==0.1.4",))
    files = [f for f in libraries_below(package) if f.endswith(f"torch24-{build}.so")]
    if not files:
        pytest.skip("this release of the package has no build for torch 2.4")
    verdicts = compare([torch], files, torch=True)
    texts = [v.meaning for v in verdicts.values() if v.kind == "missing-symbol"]
    assert build == "cuda" or texts
    assert all("C++ ABI" in t for t in texts)
