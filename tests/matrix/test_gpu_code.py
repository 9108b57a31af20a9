"""GPU code of releases: read from wheels, kept small, and asked for by release and build."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest
from click.testing import CliRunner

from doctor.cli import main
from doctor.collect.native.elf import Elf
from doctor.derived.reach.covering import covering, has_code
from doctor.facts import GpuCode
from doctor.matrix.files.data import DataError
from doctor.matrix.gpu_code import covered, gpu_libraries, read, release_code, written
from doctor.pipeline.gpu_code import WheelOffer, add_gpu_code, release_gpu_code
from doctor.remote.errors import WheelError
from doctor.remote.source import local_wheel
from tests.collect.test_fatbin import fatbin, library


def bytes_of(elf: Elf) -> bytes:
    assert isinstance(elf.data, bytes)
    return elf.data


def wheel(folder: Path, name: str, members: dict[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> Path:
    path = folder / name
    with zipfile.ZipFile(path, "w", compression) as made:
        for member, data in members.items():
            made.writestr(member, data)
    return path


@pytest.mark.parametrize("compression", [zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED])
def test_the_libraries_that_decide_are_read_from_a_wheel(tmp_path: Path, compression: int) -> None:
    code = bytes_of(library(fatbin((2, 80, 0), (2, 90, 0x100000)) * 3 + fatbin((1, 120, 0))))
    members = {
        "vllm/_C.abi3.so": code,
        "vllm/_qutlass_C.abi3.so": code,
        "vllm/version.py": b"__version__ = '9.9.1+cu129'",
    }
    path = wheel(tmp_path, "vllm-9.9.1-cp38-abi3-manylinux1_x86_64.whl", members, compression)
    with local_wheel(path) as source:
        found = release_gpu_code("vllm", source)
    assert found.libraries == {
        "vllm/_C.abi3.so": (GpuCode(3, ("sm_80", "sm_90a")), GpuCode(1, ("compute_120",), (8, 4)))
    }
    assert (found.wheel, found.build) == (path.name, "9.9.1+cu129")


def test_what_was_read_stays_and_is_not_read_twice(tmp_path: Path) -> None:
    code = bytes_of(library(fatbin((2, 80, 0))))
    path = wheel(tmp_path, "vllm-9.9.1-cp38-abi3-manylinux1_x86_64.whl", {"vllm/_C.abi3.so": code})
    opened: list[str] = []

    def offer(version: str) -> WheelOffer:
        return WheelOffer(version, "same", lambda: opened.append(version) or local_wheel(path))  # type: ignore[func-returns-value]

    for version in ("9.9.1", "9.9.2", "9.9.1"):
        assert add_gpu_code("vllm", [offer(version)], tmp_path / "data", tmp_path / "cache") == 1
    assert opened == ["9.9.1", "9.9.2"]
    assert list(read(tmp_path / "data/vllm.json.gz")) == ["9.9.1", "9.9.2"]


@pytest.mark.parametrize("data", [b"not a library", b"", b"\x7fELF\2\1\1" + bytes(57)])
def test_a_member_that_is_no_library_is_one_named_error(tmp_path: Path, data: bytes) -> None:
    path = wheel(tmp_path, "vllm-9.9.1-cp38-abi3-manylinux1_x86_64.whl", {"vllm/_C.abi3.so": data})
    with local_wheel(path) as source, pytest.raises(WheelError, match=r"_C\.abi3\.so"):
        release_gpu_code("vllm", source)


def test_damaged_bytes_are_seen(tmp_path: Path) -> None:
    path = wheel(
        tmp_path, "vllm-9.9.1-cp38-abi3-manylinux1_x86_64.whl", {"vllm/_C.abi3.so": bytes(4096)}, zipfile.ZIP_STORED
    )
    path.write_bytes(path.read_bytes().replace(bytes(4096), bytes(2000) + b"x" + bytes(2095)))
    with local_wheel(path) as source, pytest.raises(WheelError):
        list(source.blocks("vllm/_C.abi3.so", 1 << 20))


def test_the_command_adds_a_wheel_from_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QVL_DOCTOR_CACHE", str(tmp_path / "cache"))
    code = bytes_of(library(fatbin((2, 80, 0))))
    wheel(tmp_path, "vllm-9.9.1-cp38-abi3-manylinux1_x86_64.whl", {"vllm/_C.abi3.so": code})
    words = ["matrix", "add", "--gpu-code", "vllm==9.9.1", "--find-links", str(tmp_path), "--to", str(tmp_path / "out")]
    done = CliRunner().invoke(main, words)
    assert done.exit_code == 0, done.output
    assert read(tmp_path / "out/vllm.json.gz")["9.9.1"].libraries["vllm/_C.abi3.so"] == (GpuCode(1, ("sm_80",)),)
    assert CliRunner().invoke(main, ["matrix", "add", "--gpu-code", "tensorflow==1.0"]).exit_code == 2


def test_equal_code_is_written_once(tmp_path: Path) -> None:
    releases = covered("torch")
    path = tmp_path / "torch.json.gz"
    path.write_bytes(written("torch", releases))
    assert read(path) == releases
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(DataError):
        read(path)


def test_what_published_releases_have_code_for() -> None:
    """Real wheels: torch 2.6.0 of the index ends at Hopper, 2.8.0 has Blackwell, 2.14.0 no longer has Volta."""
    codes = {
        v: next(iter(c.libraries.values())) for v in ("2.6.0", "2.8.0", "2.14.0") if (c := release_code("torch", v))
    }
    assert [has_code(codes[v], (12, 0)) for v in ("2.6.0", "2.8.0", "2.14.0")] == [False, True, True]
    assert [has_code(codes[v], (7, 0)) for v in ("2.6.0", "2.8.0", "2.14.0")] == [True, True, False]
    assert release_code("torch", "2.6.0+cu124") is not None and release_code("torch", "2.6.0+cu111") is None
    assert release_code("torch", "not a version") is None and release_code("nothing", "1.0") is None


def test_releases_that_cover_a_gpu() -> None:
    blackwell, volta = covering("vllm", (12, 0)), covering("vllm", (7, 0))
    assert blackwell is not None and volta is not None
    assert blackwell.contains("0.33.0") and not blackwell.contains("0.8.5")
    assert volta.contains("0.8.5") is True or volta.newest is not None
    assert not volta.contains("0.33.0") and covering("transformers", (9, 0)) is not None


def test_every_row_names_a_distribution_of_the_data() -> None:
    for row in gpu_libraries():
        assert row.distributions and row.why and row.source
        assert all(covered(name) for name in row.distributions)
