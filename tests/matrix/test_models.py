"""The documented families: shape, invariants, agreement with what was extracted, and how a model is found."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
import yaml

from doctor.matrix import rows
from doctor.matrix.engines import names_of_engines
from doctor.matrix.files.data import DataError, data_dir
from doctor.matrix.hardware import version
from doctor.matrix.models.families import Family, families, model

FILES = sorted((data_dir() / "models").glob("*.yaml"))
KINDS = ("architectures.turbomind", "architectures.pytorch", "architectures.vision", "architectures.default")


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.stem)
def test_files_hold_what_the_schema_promises(path: Path) -> None:
    schema = json.loads((data_dir() / "schema" / "models.schema.json").read_text())
    data = yaml.safe_load(path.read_text())
    jsonschema.validate(data, schema)
    assert data["name"] == path.stem


@pytest.mark.parametrize("family", families(), ids=lambda f: f.name)
def test_every_architecture_and_model_type_is_declared_by_some_release(family: Family) -> None:
    for architecture in family.every_architecture:
        assert any(rows.releases_having(e, k, architecture) for e in names_of_engines() for k in KINDS), architecture
    if family.remote_code is None:
        assert any(rows.releases_having("transformers", "model_types", t) for t in family.model_types)
    else:
        assert not any(rows.releases_having("transformers", "model_types", t) for t in family.model_types)


@pytest.mark.parametrize("family", families(), ids=lambda f: f.name)
def test_images_hold_a_release_that_declares_the_family(family: Family) -> None:
    for image in family.images:
        assert image.version in image.reference
        having = [rows.releases_having(image.engine, k, a) for k in KINDS for a in family.every_architecture]
        assert any(h and h.contains(image.version) for h in having), image.reference
        assert version(image.driver or "") >= (450,)


def test_vllm_images_have_the_cuda_of_their_torch() -> None:
    """The image's CUDA is the one that the torch of the same release was built for, or a newer minor of it."""
    for image in (i for f in families() for i in f.images if i.engine == "vllm"):
        row = rows.row("vllm", image.version, "requires")
        assert row is not None
        torch = next(r.partition("==")[2] for r in row["requires"]["torch"] if "==" in r)
        build = rows.row("torch", torch.partition(";")[0].strip(), "build")
        assert build is not None
        cuda = build["build"]["cuda"]
        assert version(image.cuda)[0] == version(str(cuda))[0] and version(image.cuda) >= version(str(cuda))


def test_the_generations_lead_to_the_newest() -> None:
    names, at = [], model("qwen_vl")
    while at is not None:
        names.append(at.name)
        at = model(at.successor) if at.successor else None
    assert names == ["qwen_vl", "qwen2_vl", "qwen2_5_vl", "qwen3_vl", "qwen3_5"]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("qwen_vl", "qwen_vl"),
        ("Qwen-VL", "qwen_vl"),
        ("Qwen/Qwen-VL-Chat-Int4", "qwen_vl"),
        ("/models/Qwen2-VL-7B-Instruct/", "qwen2_vl"),
        ("Qwen/Qwen2.5-VL-72B-Instruct-AWQ", "qwen2_5_vl"),
        ("Qwen/Qwen3-VL-235B-A22B-Instruct-FP8", "qwen3_vl"),
        ("qwen3_vl_moe", "qwen3_vl"),
        ("Qwen/Qwen3.5-397B-A17B", "qwen3_5"),
        ("Qwen/Qwen3.6-27B", "qwen3_5"),
        ("openbmb/MiniCPM-V-2_6", "minicpm_v"),
        ("openbmb/MiniCPM-V-4_6", "minicpm_v4_6"),
        ("OpenGVLab/InternVL3-8B", "internvl_chat"),
        ("OpenGVLab/InternVL3-8B-hf", "internvl"),
        ("OpenGVLab/InternVL3_5-8B-HF", "internvl"),
        ("OpenGVLab/InternVL2-26B", "internvl_chat"),
        ("llava-hf/llava-1.5-7b-hf", "llava"),
        ("liuhaotian/llava-v1.5-13b", "llava_original"),
        ("QWenLMHeadModel", "qwen_vl"),
        ("MiniCPMV", "minicpm_v"),
    ],
)
def test_a_model_is_found(text: str, name: str) -> None:
    found = model(text)
    assert found is not None
    assert found.name == name


def test_what_no_document_names_is_covered_by_extraction() -> None:
    architecture, kind = model("Gemma3ForConditionalGeneration"), model("gemma3")
    assert architecture is not None and kind is not None
    assert architecture.model_types == ("gemma3",)
    assert "Gemma3ForConditionalGeneration" in kind.architectures
    assert model("NoSuchArchitecture") is None and model("") is None and model("\x1b[31m") is None


@pytest.mark.parametrize("engine", ["lmdeploy", "vllm", "sglang"])
def test_every_architecture_of_the_newest_release_is_covered(engine: str) -> None:
    covered = rows.releases(engine)
    assert covered is not None
    row = rows.row(engine, covered.versions[-1], *KINDS)
    assert row is not None
    for architecture in {a for kind in row.values() for a in kind}:
        found = model(architecture)
        assert found is not None and architecture in found.every_architecture


def test_one_architecture_of_a_family_stands_alone() -> None:
    found = model("LlavaNextForConditionalGeneration")
    assert found is not None
    assert (found.architectures, found.model_types) == (("LlavaNextForConditionalGeneration",), ("llava_next",))


def test_what_one_model_asks_is_not_asked_of_the_others() -> None:
    newer, older = model("OpenGVLab/InternVL3_5-8B"), model("OpenGVLab/InternVL2-8B")
    assert newer is not None and older is not None
    assert {"transformers": ">=4.52.1", "lmdeploy": ">=0.9.1"} in [a.packages for a in newer.asked]
    assert [a.packages for a in older.asked] == [{"transformers": ">=4.37.2"}]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("verified: yesterday", "no day of verification"),
        ("successor: no_such_family", "is not a family"),
        ("asked: [{packages: {transformers: 'about 4'}, source: a card, verified: '2026-11-21'}]", "is not a specifier"),
        ("images: [{reference: a/b:1, engine: ollama, version: '1', cuda: '12.4', source: s, verified: '2026-11-21'}]",
         "is not an engine"),
        ("architectures: QWenLMHeadModel", "expected a list"),
        ("[", "llava.yaml"),
    ],
)  # fmt: skip
def test_a_damaged_file_is_named(change: str, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "models"
    folder.mkdir()
    text = (data_dir() / "models" / "llava.yaml").read_text()
    key = change.partition(":")[0]
    kept = [line for line in text.splitlines() if not line.startswith(key)]
    if key == "architectures":
        kept = [line for line in kept if not line.startswith("  - ")]
    (folder / "llava.yaml").write_text("\n".join([*kept, change]))
    monkeypatch.setattr("doctor.matrix.models.families.data_dir", lambda: tmp_path)
    with pytest.raises(DataError, match=words) as error:
        families()
    assert "llava" in str(error.value)
