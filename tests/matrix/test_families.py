"""Names of models lead to their family without the files of all the others."""

from __future__ import annotations

from pathlib import Path

import pytest

from doctor.matrix.files.data import data_dir
from doctor.matrix.models.families import families, ids_of, model

FILES = sorted((data_dir() / "models").glob("*.yaml"))


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.stem)
def test_the_patterns_are_those_of_the_whole_file(path: Path) -> None:
    whole = next(f for f in families() if ids_of(path) == f.ids)
    found = model(f"somebody/{ids_of(path)[0].replace('*', 'x')}")
    assert found is not None and found.name == whole.name


def test_a_name_of_no_family() -> None:
    assert model("somebody/unheard-of") is None
    assert model("/models/unheard-of/") is None


def test_patterns_over_several_lines(tmp_path: Path) -> None:
    file = tmp_path / "owl.yaml"
    file.write_text("name: owl\nids:\n  - Owl-VL\n  - 'Owl-VL-*'\nids_of: [x]\n")
    assert ids_of(file) == ("Owl-VL", "Owl-VL-*")
