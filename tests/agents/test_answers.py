"""What agents are answered, before any protocol: short, bounded, without secrets; nothing is changed unasked."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from doctor.mcp import answers
from doctor.mcp.question import Refused
from tests.cli.running import distribution, lay_out

MOST = 2000
COMMAND = "lmdeploy serve api_server Qwen/Qwen2-VL-7B-Instruct --tpp 2 --api-keys sk-verysecret1234567890"


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    for name, value in {"HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / "cache"), "HF_HUB_OFFLINE": "1", "UV_OFFLINE": "1"}.items():
        monkeypatch.setenv(name, value)
    yield


@pytest.fixture
def venv(tmp_path: Path) -> Path:
    """An environment whose lmdeploy lacks fifty packages."""
    root = tmp_path / "venv"
    (root / "bin").mkdir(parents=True)
    (root / "pyvenv.cfg").write_text("home = /usr/bin\nversion = 3.11.7\n")
    requires = tuple(f"package-with-a-long-name-{n}>={n}.0" for n in range(50))
    lay_out(root / "lib" / "python3.11" / "site-packages", distribution("lmdeploy", "0.11.1", {"lmdeploy/__init__.py": ""}, requires))
    return root


def test_check(venv: Path) -> None:
    said = answers.check(COMMAND, python=str(venv), gpu="RTX 4090", driver="580")
    assert len(said.encode()) <= MOST and "verysecret" not in said
    assert said.startswith("✗") and "CMD001" in said and "PKG001" in said


def test_what_a_file_declares(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("vllm==0.11.0\ntransformers==4.40.0\n")
    assert "transformers" in answers.check("vllm serve Qwen/Qwen2-VL-7B-Instruct", file=str(tmp_path / "requirements.txt"), gpu="H100", driver="580")
    compose = tmp_path / "compose.yaml"
    compose.write_text("services:\n  a:\n    image: vllm/vllm-openai:v0.11.0\n    command: --model Qwen/Qwen2-VL-7B-Instruct --nonsense 3\n")
    assert "nonsense" in answers.check(file=str(compose), gpu="H100", driver="580")


def test_plan_and_apply_agree_on_a_digest(venv: Path, tmp_path: Path) -> None:
    asked = {"command": COMMAND, "python": str(venv), "gpu": "RTX 4090", "driver": "580"}
    said = answers.plan(**asked)
    assert said.startswith("digest: ") and len(said.encode()) <= MOST and "verysecret" not in said
    before = sorted(tmp_path.iterdir())
    for confirm in ("", "0" * 16):
        assert answers.apply(**asked, confirm=confirm).startswith(("nothing was applied", "the plan is another one")), confirm
    assert sorted(tmp_path.iterdir()) == before


def test_apply_needs_the_digest_and_takes_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What would be built is built once the digest is repeated, and only then."""
    from types import SimpleNamespace

    from doctor import api
    from doctor.facts import Facts, Target
    from doctor.findings import Plan, Report
    from doctor.findings.proposal import Proposal

    built: list[str] = []
    found = Proposal(Report(Facts(Target("installed", "named", "3.11.7", str(tmp_path))), (), {}), Plan(pins={"torch": "2.9.1"}, changes={"torch": "2.8.0"}))
    monkeypatch.setattr(api, "plan", lambda asked: found)
    monkeypatch.setattr(api, "apply", lambda asked, plan, source, say: built.append(plan) or SimpleNamespace(prefix="/new", remains=()))
    assert answers.digest(found) in answers.apply("vllm serve M") and not built
    assert "another one" in answers.apply("vllm serve M", confirm="f" * 16) and not built
    assert answers.apply("vllm serve M", confirm=answers.digest(found)).startswith("new environment: /new") and built == [found.plan]


def test_explain() -> None:
    log = "Traceback (most recent call last):\n  File \"a.py\", line 1, in <module>\n    import flash_attn\nModuleNotFoundError: No module named 'flash_attn'\n"
    assert "flash_attn" in answers.explain(log=log * 300) and len(answers.explain(log=log * 300).encode()) <= MOST
    assert answers.explain(source="imp001").startswith("IMP001 ")


def test_matrix() -> None:
    wide = answers.matrix("lmdeploy", model="Qwen/Qwen2-VL-7B-Instruct")
    one = answers.matrix("lmdeploy==0.11.1", "transformers", "qwen2_vl")
    assert "works" in wide and "0.11.1" in one and max(len(wide.encode()), len(one.encode())) <= MOST


@pytest.mark.parametrize(("answer", "asked", "why"), [
    (answers.check, {"command": "x" * 20000}, "longer than"),
    (answers.check, {"python": "/a\0b"}, "NUL"),
    (answers.check, {"command": "vllm serve 'x"}, "quotation"),
    (answers.check, {"file": "/nowhere/compose.yaml"}, "not a file"),
    (answers.check, {"file": "/etc/hosts", "python": "/usr"}, "not both"),
    (answers.check, {"python": "/nowhere"}, "nowhere"),
    (answers.check, {"command": "vllm serve M", "gpu": "RTX 9999"}, "9999"),
    (answers.explain, {}, "either"),
    (answers.explain, {"source": "a", "log": "b"}, "either"),
    (answers.explain, {"source": "XYZ999"}, "XYZ999"),
    (answers.explain, {"source": os.devnull}, "neither"),
    (answers.explain, {"source": "no-such-run"}, "no-such-run"),
    (answers.explain, {"log": "x" * (1 << 21)}, "longer"),
    (answers.matrix, {"engine": "nothing-known"}, "does not cover"),
    (answers.matrix, {"engine": "vllm", "model": "no/such"}, "no/such"),
])  # fmt: skip
def test_what_is_wrong_is_one_sentence(answer: Callable[..., str], asked: dict[str, str], why: str) -> None:
    with pytest.raises(ValueError, match=why) as caught:
        answer(**asked)
    assert "\n" not in str(caught.value) and isinstance(caught.value, (Refused, ValueError))
