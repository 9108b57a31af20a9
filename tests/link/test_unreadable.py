"""What may not be read is never called importable: who may read it imports it, who may not gets an error."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from doctor.collect.python import sources
from doctor.link.python.environment import LinkRequest, link_environment
from tests.link.test_semantics import lay_out, reader

_FILES = {
    "pkg/__init__.py": "",
    "pkg/user.py": "import pkg.secret\n",
    "pkg/secret.py": "x = 1\n",
    "pkg/careful.py": "try:\n    import pkg.secret\nexcept ImportError:\n    pass\n",
    "pkg/inner/__init__.py": "",
    "pkg/inner/part.py": "",
    "pkg/innermost.py": "from pkg.inner import part\n",
    "pkg/fine.py": "",
}


def verdicts(folder: Path) -> dict[str, str]:
    modules = lay_out(folder, _FILES)
    found = link_environment(reader(folder), LinkRequest((), tuple(modules))).verdicts
    return {name: status.status for name, status in found.items()}


def test_a_file_that_may_not_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = sources.open_regular

    def refuse(path: Any) -> Any:
        if str(path).endswith("secret.py"):
            raise PermissionError(13, "Permission denied")
        return real(path)

    monkeypatch.setattr(sources, "open_regular", refuse)
    said = verdicts(tmp_path)
    assert [said[f"pkg.{n}"] for n in ("secret", "user", "careful", "fine")] == ["unknown", "unknown", "unknown", "ok"]


def test_a_package_whose_folder_may_not_be_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.scandir

    def refuse(path: Any) -> Any:
        if str(path).endswith("inner"):
            raise PermissionError(13, "Permission denied")
        return real(path)

    monkeypatch.setattr(os, "scandir", refuse)
    said = verdicts(tmp_path)
    assert [said[f"pkg.{n}"] for n in ("inner", "inner.part", "innermost", "fine")] == ["unknown"] * 3 + ["ok"]


def test_a_standard_library_that_may_not_be_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lay_out(tmp_path, {"pkg/__init__.py": "import json\n"})
    python = reader(tmp_path)
    standard = python._own_stdlib()
    real = os.scandir

    def refuse(path: Any) -> Any:
        if str(path) in standard:
            raise PermissionError(13, "Permission denied")
        return real(path)

    monkeypatch.setattr(os, "scandir", refuse)
    assert link_environment(python, LinkRequest((), ("pkg",))).verdicts["pkg"].status == "unknown"
