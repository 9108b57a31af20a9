"""Lines that leave the release open: what an installer would choose, from the data alone and as uv says it."""

from __future__ import annotations

from pathlib import Path

import pytest

from doctor.collect.declared.request import DeclaredRequest
from doctor.collect.python.target import TargetRequest
from doctor.findings import Report
from doctor.pipeline import Request, diagnose
from tests.declared.conftest import Write, facts_of, judge, messages, problems, versions


def test_an_engine_without_a_version_beside_an_old_transformers(write: Write) -> None:
    facts = facts_of(write(requirements__txt="lmdeploy\ntransformers==4.38.2\n"), python="3.11")
    assert versions(facts)["lmdeploy"] == "0.12.1", "0.12.2 and newer want a newer transformers"
    assert any("`lmdeploy==0.12.1` is assumed" in p for p in problems(facts))
    assert any("ImagesKwargs" in m for m in messages(judge(facts), "ENG001"))


@pytest.mark.parametrize(
    ("lines", "python", "engine", "wanted"),
    [("vllm<0.12", "3.11", "vllm", "0.11.2"), ("vllm>=0.10,<0.11\ntorch==2.7.1", "3.11", "vllm", "0.10.1.1"),
     ("lmdeploy[all]~=0.9.0", None, "lmdeploy", "0.9.2.post1"), ("vllm; python_version < '3.9'", "3.11", "vllm", None),
     ("vllm @ git+https://git.example/vllm", "3.11", "vllm", None), ("transformers>=4.50", "3.11", "transformers", None),
     ("vllm\ntorch==1.0", "3.11", "vllm", None)],
)  # fmt: skip
def test_the_newest_that_goes_with_the_rest(write: Write, lines: str, python: str | None, engine: str, wanted: str | None) -> None:
    assert versions(facts_of(write(requirements__txt=lines), python=python)).get(engine) == wanted


@pytest.mark.parametrize("reference", ["vllm/vllm-openai", "vllm/vllm-openai:latest", "mirror.example:5000/vllm/vllm-openai:latest"])
def test_an_image_without_a_release_is_the_newest_known(reference: str) -> None:
    from doctor.matrix import rows

    known = rows.releases("vllm")
    facts = facts_of(image=reference)
    assert known is not None and versions(facts)["vllm"] == known.everything().newest
    assert any("newest known release" in p for p in problems(facts)) and facts.launch.engine == "vllm"  # type: ignore[union-attr]


@pytest.mark.parametrize("reference", ["vllm/vllm-openai@sha256:00", "vllm/vllm-openai:nightly", "someone/vllm:latest"])
def test_what_no_name_tells_stays_open(reference: str) -> None:
    assert "vllm" not in versions(facts_of(image=reference))


def online(path: Path, python: str | None = "3.11") -> Report:
    target = TargetRequest(python_version=python)
    return diagnose(Request(target, declared=DeclaredRequest((str(path),)), online=True))


def test_an_index_of_ones_own_is_not_asked(write: Write) -> None:
    report = online(write(requirements__txt="--extra-index-url https://u:p@packages.example/simple\nlmdeploy==0.11.1\n"))
    said = problems(report.facts)
    assert any("nothing was resolved" in p for p in said) and "u:p@" not in repr(report.facts)


@pytest.mark.registry
def test_the_story_as_uv_resolves_it(write: Write) -> None:
    report = online(write(requirements__txt="lmdeploy\ntransformers==4.38.2\n"))
    found = versions(report.facts)
    assert found["lmdeploy"] == "0.12.1" and "torch" in found and not any("assumed" in p for p in problems(report.facts))
    assert messages(report, "ENG001")


@pytest.mark.registry
def test_lines_that_exclude_each_other_are_an_error_as_uv_says_it(write: Write) -> None:
    path = write(requirements__txt="huggingface-hub==0.13.4\ntransformers==4.44.2\n")
    said = [m for m in messages(online(path), "ENG006") if "uv: Because" in m]
    assert said and "huggingface-hub" in said[0] and "\n" not in said[0]
    bounded = write(other__txt="transformers\n-c bounds.txt\n", bounds__txt="transformers<4.45\ntorch<2\n")
    assert versions(online(bounded).facts)["transformers"] == "4.44.2"
