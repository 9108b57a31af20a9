"""The hardware tables against their schema, their own order, and the real rules of compatibility."""

from __future__ import annotations

import json
import re
from itertools import pairwise

import jsonschema
import pytest
import yaml
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from doctor.facts.gpu import Device, Gpu
from doctor.matrix.declared import DeclarationError, declared_gpu
from doctor.matrix.files.data import data_dir, data_version
from doctor.matrix.gpus import card, gpus, other
from doctor.matrix.hardware import capabilities, drivers, version

GIB = 1024**3


@pytest.mark.parametrize("name", ["driver_cuda", "capability"])
def test_schema(name: str) -> None:
    schema = json.loads((data_dir() / "schema" / f"{name}.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(yaml.safe_load((data_dir() / "hardware" / f"{name}.yaml").read_text()), schema)


def test_the_data_has_a_version() -> None:
    assert len(data_version().split(".")) == 3


def test_newer_cuda_needs_a_newer_driver() -> None:
    for platform in ("linux", "windows"):
        for newer, older in pairwise(r for r in drivers().drivers if getattr(r, platform)):
            assert version(newer.cuda) > version(older.cuda)
            assert version(getattr(newer, platform)) > version(getattr(older, platform))


def test_floors_belong_to_the_first_release_of_a_major() -> None:
    table = drivers()
    for floor in table.floors:
        assert floor.linux is not None
        first = table.cuda_of(floor.linux)
        assert first is not None and first[0] == floor.major


@pytest.mark.parametrize(
    ("driver", "cuda"),
    [("450.80.02", (11, 0)), ("470.256.02", (11, 4)), ("525.60.13", (12, 0)), ("535.183.01", (12, 2)),
     ("570.86", (12, 8)), ("580.95.05", (13, 0)), ("595.71.05", (13, 2)), ("610.43.02", (13, 2)), ("390.157", None),
     ("", None), ("x", None)],
)  # fmt: skip
def test_cuda_of_a_driver(driver: str, cuda: tuple[int, int] | None) -> None:
    assert drivers().cuda_of(driver) == cuda


def test_torch_ranges_do_not_overlap() -> None:
    ranges = {major: drivers().torch_for(major) for major in (11, 12, 13)}
    assert drivers().torch_for(10) is None
    for release, major in (("2.0.1", 11), ("2.1.0", 12), ("2.10.0", 12), ("2.11.0", 13), ("2.15.0", 13)):
        assert [m for m, r in ranges.items() if r and Version(release) in SpecifierSet(r)] == [major]


def test_capability_rows_are_specifiers_that_do_not_contradict() -> None:
    rows = capabilities().rows
    for row in rows:
        SpecifierSet(row.versions)
        assert 5.0 <= float(row.minimum) <= 13.0
    for row in rows:
        same = [r for r in rows if (r.engine, r.option, r.backend) == (row.engine, row.option, row.backend)]
        for release in (r.versions.rpartition(",")[2].lstrip("<>=") for r in same):
            now = [r for r in same if release in SpecifierSet(r.versions)]
            assert len({v for r in now for v in r.values}) == sum(len(r.values) for r in now), row


@pytest.mark.parametrize(
    ("release", "share", "checked"),
    [("0.8.5.post1", 0.9, False), ("0.9.1", 0.9, True), ("0.20.0", 0.92, True), (None, 0.92, True)],
)
def test_shares(release: str | None, share: float, checked: bool) -> None:
    row = capabilities().share("vllm", release)
    assert row is not None and (row.share, row.checked) == (share, checked)
    assert capabilities().share("lmdeploy", None) is None


def test_declared_machine() -> None:
    gpu = declared_gpu("RTX 4090:24GB:8.9x2", "570.86")
    assert [(d.index, d.name, d.capability, d.memory_total) for d in gpu.devices] == [
        (0, "RTX 4090", (8, 9), 24 * GIB), (1, "RTX 4090", (8, 9), 24 * GIB),
    ]  # fmt: skip
    assert (gpu.source, gpu.driver_version, gpu.driver_cuda) == ("declared", "570.86", (12, 8))


@pytest.mark.parametrize(
    ("spec", "total"),
    [("A:24GiB:8.9", 24 * GIB), ("A:24576MiB:8.9", 24 * GIB), ("A: 24 gb : 8.9 x 1", 24 * GIB),
     ("A:1.5TB:9.0", 1536 * GIB), ("odd: name:141G:9.0", 141 * GIB)],
)  # fmt: skip
def test_memory_spellings(spec: str, total: int) -> None:
    assert declared_gpu(spec, None).devices[0].memory_total == total


@pytest.mark.parametrize(
    "spec",
    ["", "RTX 4099", "foo", "foo:24GB", ":24GB:8.9", "A:24:8.9", "A:GB:8.9", "A:0GB:8.9", "A:24GB:sm_89", "A:24GB:8.9x0",
     "A:24GB:8.9x999", "A:-1GB:8.9", "A:24GB:8.9x", "A:nanGB:8.9"],
)  # fmt: skip
def test_what_is_no_gpu_is_said_in_one_sentence(spec: str) -> None:
    with pytest.raises(DeclarationError) as caught:
        declared_gpu(spec, None)
    assert "--gpu" in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("spec", "capability", "mib", "count"),
    [("RTX 3090x2", (8, 6), 24576, 2), ("H100", (9, 0), 81559, 1), ("NVIDIA GeForce RTX 4090", (8, 9), 24564, 1),
     ("rtx4090", (8, 9), 24564, 1), ("4090", (8, 9), 24564, 1), ("2x RTX 4090", (8, 9), 24564, 2),
     ("A100-SXM4-40GB", (8, 0), 40960, 1), ("A100:40GB", (8, 0), 40960, 1), ("L40S x 4", (8, 9), 46068, 4),
     ("RTX 4070 Ti Superx2", (8, 9), 16376, 2), ("GTX 1080", (6, 1), 8192, 1), ("RTX 4090 Laptop GPU", (8, 9), 16376, 1),
     ("Tesla V100-SXM2-16GB", (7, 0), 16384, 1), ("RTX PRO 6000 Blackwell", (12, 0), 97887, 1)],
)  # fmt: skip
def test_a_card_by_its_name(spec: str, capability: tuple[int, int], mib: int, count: int) -> None:
    devices = declared_gpu(spec, None).devices
    assert (len(devices), devices[0].capability, devices[0].memory_total >> 20) == (count, capability, mib)


def test_a_name_of_cards_of_several_sizes_says_which_was_taken() -> None:
    assert declared_gpu("A100", None).devices[0].name == "A100 80GB"
    assert declared_gpu("A100 40GB", None).devices[0].name == "A100 40GB"


def test_an_unknown_name_is_an_error_with_near_ones() -> None:
    with pytest.raises(DeclarationError, match="`RTX 4090`"):
        declared_gpu("RTX 4099", None)


@pytest.mark.parametrize(
    ("spec", "vendor"),
    [("MI300X", "AMD"), ("MI300Xx8", "AMD"), ("MI300X:192GB:9.4", "AMD"), ("gfx942", "AMD"), ("7900 XTX", "AMD"),
     ("Ascend 910B", "Huawei"), ("Arc A770", "Intel"), ("Gaudi2", "Intel"), ("Apple M3 Max", "Apple"), ("M2", "Apple"),
     ("cpu", "CPU"), ("TPU v5e", "Google")],
)  # fmt: skip
def test_accelerators_that_do_not_run_cuda(spec: str, vendor: str) -> None:
    gpu = declared_gpu(spec, "580")
    assert not gpu.devices and gpu.others[0].vendor == vendor and gpu.driver_version is None


def test_no_name_of_a_card_is_one_of_another_vendors() -> None:
    names = [name.lower() for one in gpus().cards for name in (one.name, *one.also)]
    patterns = [re.compile(p) for o in gpus().others for p in o.patterns]
    assert [n for n in names for p in patterns if p.fullmatch(n)] == []


def test_every_card_is_found_by_all_of_its_names() -> None:
    for one in gpus().cards:
        for name in (one.name, *one.also):
            found = card(name, one.bytes)
            assert found is not None and found.capability == one.capability and other(name) is None
            assert abs(found.memory - one.memory) * 20 < one.memory


@pytest.mark.parametrize(
    ("driver", "cuda"), [("580", (13, 0)), ("580.65", (13, 0)), ("570", (12, 8)), ("575", (12, 9))]
)
def test_a_driver_family_is_not_a_patch_release(driver: str, cuda: tuple[int, int]) -> None:
    assert declared_gpu("H100", driver).driver_cuda == cuda


@pytest.mark.parametrize("driver", ["", "newest", "570.86;rm", "57"])
def test_what_is_no_driver(driver: str) -> None:
    with pytest.raises(DeclarationError, match="--driver"):
        declared_gpu("A:24GB:8.9", driver)


def test_a_driver_alone_keeps_the_devices_that_are_here() -> None:
    seen = Gpu(devices=(Device(0, "NVIDIA L4", (8, 9), 24 * GIB),), driver_version="535.1", driver_cuda=(12, 2))
    gpu = declared_gpu(None, "580.95.05", seen)
    assert gpu.devices == seen.devices and gpu.driver_cuda == (13, 0)
