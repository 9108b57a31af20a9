"""Every file below `files`, in the shapes that are public: what it says of itself is what is found.

A comment at its top tells the truth: `expect: KEY=VALUE ...`, once for each line, with the keys `engine`, `holds` (a
word of the command), `code` (a finding at or above a warning), `no` (a code that must not be there), `found=no`,
`servers` (how many), `service`, `requirements` (one line of a requirement file).
"""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from unittest.mock import Mock

import pytest

from doctor.base import yaml_text
from doctor.collect.declared.compose import project
from doctor.collect.declared.request import DeclaredRequest
from doctor.collect.python.target import TargetRequest
from doctor.facts import Neighbors
from doctor.pipeline.declared import collect_declared
from doctor.pipeline.neighbors import with_neighbors
from doctor.pipeline.request import Request
from doctor.report.services import serving
from tests.deployment.conftest import FILES, judged

ALL = sorted(p for p in FILES.rglob("*") if p.is_file() and not p.name.startswith("_"))


def expected(path: Path) -> dict[str, list[str]]:
    out: dict[str, list[str]] = {}
    for line in re.findall(r"expect: (.*)", path.read_text(encoding="utf-8")):
        for word in shlex.split(line):
            key, _, value = word.partition("=")
            out.setdefault(key, []).append(value)
    return out


@pytest.mark.parametrize("path", ALL, ids=[str(p.relative_to(FILES)) for p in ALL])
def test_a_file_says_what_it_says(path: Path, tmp_path: Path) -> None:
    truth = expected(path)
    assert truth, "a file tells what is true of it"
    pins = tmp_path / "requirements.txt"
    pins.write_text("\n".join(truth.get("requirements", [])), encoding="utf-8")
    named = (str(pins),) if "requirements" in truth else ()
    report = judged(path, service=truth.get("service", [None])[0], requirements=named)
    launches = [launch for s in report.services if (launch := serving(s)) is not None]
    codes = {f.rule for f in report.findings if f.severity != "note"}
    if truth.get("found") == ["no"]:
        assert not launches
        return
    assert launches and launches[0].engine == truth["engine"][0]
    assert len(launches) == int(truth.get("servers", ["1"])[0])
    words = [w for one in launches for w in one.argv]
    held = {part for word in words for part in (word, *word.split("=", 1))}
    assert not [w for w in truth.get("holds", []) if w not in held], words
    assert set(truth.get("code", [])) <= codes, codes
    assert not set(truth.get("no", [])) & codes, [f.message for f in report.findings]


def test_a_compose_file_is_parsed_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    load = Mock(wraps=yaml_text.load_all)
    monkeypatch.setattr(project, "load_all", load)
    services = "".join(f"  s{n}: {{image: 'vllm/vllm-openai:v0.11.0', ports: ['{8000 + n}:8000']}}\n" for n in range(9))
    file = tmp_path / "compose.yaml"
    file.write_text(f"# {tmp_path}\nservices:\n{services}", encoding="utf-8")
    assert len(judged(file).services) == 9
    request = Request(TargetRequest(), declared=DeclaredRequest(compose=str(file), service="s3"))
    around = with_neighbors(collect_declared(request), request).neighbors
    assert isinstance(around, Neighbors) and len(around.services) == 9
    assert load.call_count == 1
