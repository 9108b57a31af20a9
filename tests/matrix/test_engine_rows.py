"""The engines' own files: what they hold is what the releases have."""

from __future__ import annotations

import json

import jsonschema
import pytest
import yaml

from doctor.launch.synonyms import equals
from doctor.matrix import rows
from doctor.matrix.engines import engine_row, engines, option_names, serving_engines
from doctor.matrix.files.data import data_dir

SCHEMA = json.loads((data_dir() / "schema" / "engines.schema.json").read_text(encoding="utf-8"))


def _names(engine: str) -> set[str]:
    """Every option, alias and positional word that some release's parser has."""
    out: set[str] = set()
    for kind in ("flags", "flags.serve"):
        for key in rows.keys(engine, kind):
            out.add(key)
            out.update(a for _, flag in rows.history(engine, kind, key) for a in flag.get("aliases", ()))
    return out


@pytest.mark.parametrize("path", sorted((data_dir() / "engines").glob("*.yaml")), ids=lambda p: p.stem)
def test_every_file_holds_what_the_schema_says(path) -> None:  # type: ignore[no-untyped-def]
    data = yaml.safe_load(path.read_text(encoding="utf-8"))
    data["verified"] = str(data["verified"])
    jsonschema.validate(data, SCHEMA)


@pytest.mark.parametrize("engine", serving_engines())
def test_every_option_is_one_of_some_release(engine: str) -> None:
    known = _names(engine)
    for meaning, names in engine_row(engine).options.items():
        for name in names:
            as_word = name.lstrip("-").replace("-", "_")  # the positional word, by its name
            completed = any(k.startswith(name) for k in known)
            assert name in known or as_word in known or completed, f"{engine}: {meaning}: {name}"


def test_what_is_advised_across_engines_has_a_meaning_that_two_of_them_know() -> None:
    for same in equals().same:
        having = [e for e in serving_engines() if same.at(e)]
        assert len(having) > 1, same.meaning


def test_order_and_questions() -> None:
    assert serving_engines() == ("lmdeploy", "vllm", "sglang")
    assert [e.name for e in engines()] == ["lmdeploy", "vllm", "sglang", "transformers"]
    assert engine_row("vllm").option("context") == "--max-model-len"
    assert engine_row("sglang").brief("tensor_parallel") == "--tp-size"
    assert engine_row("lmdeploy").option("model") == "--model-path"
    assert engine_row("nobody").option("context") is None and engine_row(None).halves == ("default",)
    assert set(option_names("tensor_parallel")) == {"--tp", "--tensor-parallel-size", "-tp", "--tp-size"}


def test_habits_by_release() -> None:
    old, new = engine_row("lmdeploy"), engine_row("vllm")
    assert old.has("named_by_path", "0.6.5") and not old.has("named_by_path", "0.6.4")
    assert not old.has("named_by_path", None, unknown=False) and not old.has("named_by_path", "?", unknown=False)
    assert new.has("named_by_path") and not new.has("runs_model_code")
