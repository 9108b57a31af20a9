"""Known checkpoints: the files hold what their schema says, and our own arithmetic comes to the same sizes."""

from __future__ import annotations

import json
from dataclasses import replace

import jsonschema
import pytest
import yaml

from doctor.facts import NOT_REQUESTED
from doctor.matrix.files.data import data_dir
from doctor.matrix.models.families import families
from doctor.matrix.models.members import Member, member, members, of_family
from doctor.memory.footprint import footprint

FILES = sorted((data_dir() / "members").glob("*.yaml"))


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.stem)
def test_a_file_holds_what_its_schema_says(path) -> None:  # type: ignore[no-untyped-def]
    schema = json.loads((data_dir() / "schema" / "members.schema.json").read_text(encoding="utf-8"))
    data = yaml.safe_load(path.read_text(encoding="utf-8"))
    jsonschema.validate(data, schema)
    assert data["family"] == path.stem
    assert path.stem in {f.name for f in families()}


@pytest.mark.parametrize("one", members(), ids=lambda m: m.id)
def test_a_size_is_what_its_configuration_comes_to(one: Member) -> None:
    computed = footprint(replace(one.model, weights=NOT_REQUESTED))
    assert computed is not None and computed.tower
    assert computed.total == pytest.approx(one.bytes, rel=0.005 if one.exact else 1e-9)


def test_names_are_found_whatever_their_spelling() -> None:
    found = member("qwen/QWEN2-VL-2B-instruct")
    assert found is not None and found.id == "Qwen/Qwen2-VL-2B-Instruct" and found.exact
    assert found.model.config["hidden_size"] == 1536
    assert member("Qwen/Qwen2-VL-2B-Instruct/") == found
    for name in ("Qwen2-VL-2B-Instruct", "nobody/nothing", "../..", "", ".*/.*", "Qwen/Qwen2-VL-2B-Instruct/../x"):
        assert member(name) is None


def test_a_family_begins_with_its_smallest() -> None:
    found = of_family("qwen2_vl")
    assert [m.bytes for m in found] == sorted(m.bytes for m in found)
    assert "Qwen/Qwen2-VL-2B-Instruct" in {m.id for m in found}
    assert of_family("no_such") == () == of_family("../models")
