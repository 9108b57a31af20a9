"""The functions that programs call give what the command line prints."""

from __future__ import annotations

import ast
import json
from pathlib import Path
from typing import Any

import pytest

from doctor import api
from doctor.report.json import report_to_json
from doctor.report.plan.data import plan_to_json
from tests.cli.running import answer, distribution, doctor, lay_out
from tests.sources import PACKAGE, nodes_of

LAUNCH = ("lmdeploy", "serve", "api_server", "Qwen/Qwen2-VL-7B-Instruct", "--tpp", "2")


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A folder in which lmdeploy lies, without what it requires."""
    return lay_out(tmp_path / "site", distribution("lmdeploy", "0.11.1", {"lmdeploy/__init__.py": ""}, ("fire", "numpy")))


def asked(site: Path, home: Path) -> api.Request:
    target = api.TargetRequest(paths=(str(site),), python_version="3.11", environ={}, cwd=str(home))
    return api.Request(target, LAUNCH, environ={"HOME": str(home)}, gpu="RTX 4090", driver="580", use_cache=False)


def options(site: Path) -> list[str]:
    return ["--path", str(site), "--python-version", "3.11", "--gpu", "RTX 4090", "--driver", "580"]


def judged(data: dict[str, Any]) -> list[tuple[str, str]]:
    return sorted((f["code"], f["message"]) for f in data["findings"] if not f["code"].startswith("SYS"))


def test_check_gives_what_the_command_prints(site: Path, tmp_path: Path) -> None:
    said = answer(doctor("check", *options(site), "--offline", "--format", "json", "--", *LAUNCH, home=tmp_path))
    found = report_to_json(api.check(asked(site, tmp_path)))
    assert judged(found) == judged(said) and {"PKG001", "CMD001"} <= {code for code, _ in judged(found)}


def test_select_and_ignore(site: Path, tmp_path: Path) -> None:
    assert {r.code[:3] for r in api.check(asked(site, tmp_path), select=("PKG",)).results} == {"PKG"}
    assert "CMD001" not in {r.code for r in api.check(asked(site, tmp_path), ignore=("CMD001",)).results}


def test_saved_facts_are_a_question(site: Path, tmp_path: Path) -> None:
    facts = api.collect(asked(site, tmp_path))
    assert api.collect(facts) is facts
    assert judged(report_to_json(api.check(facts))) == judged(report_to_json(api.check(asked(site, tmp_path))))
    with pytest.raises(api.TargetError, match="saved facts"):
        api.link(["lmdeploy"], facts)


def test_plan_gives_what_the_command_prints(site: Path, tmp_path: Path) -> None:
    said = answer(doctor("fix", "--plan", *options(site), "--offline", "--format", "json", "--", *LAUNCH, home=tmp_path))
    found = api.plan(asked(site, tmp_path), offline=True)
    assert plan_to_json(found.plan, found.before)["plan"]["pins"] == said["plan"]["pins"]
    with pytest.raises(api.KeepError, match="nothing-like-it"):
        api.plan(asked(site, tmp_path), api.Freedom(keep=("nothing-like-it",)), offline=True)


def test_explain_gives_what_the_command_prints(tmp_path: Path) -> None:
    log = tmp_path / "server.log"
    log.write_text("Traceback (most recent call last):\n  File \"a.py\", line 1, in <module>\n    import flash_attn\nModuleNotFoundError: No module named 'flash_attn'\n")
    said = json.loads(doctor("explain", str(log), "--format", "json", home=tmp_path).stdout)
    found = api.explain(log)
    assert found.failed and [f.rule for f in found.findings] == [f["code"] for f in said["findings"]]
    with log.open("rb") as stream:
        assert api.explain(stream).findings[0].message == found.findings[0].message
    with pytest.raises(ValueError, match="known run"):
        api.explain(tmp_path / "missing")


def test_a_code_has_a_meaning() -> None:
    found = api.meaning("imp001")
    assert found is not None and found.code == "IMP001" and len(found.explanation) > 100
    assert api.meaning("XYZ999") is None


@pytest.mark.parametrize(("line", "engine"), [
    ("vllm serve Qwen/Qwen2-VL-7B-Instruct", "vllm"),
    ("VLLM_USE_V1=1 vllm serve 'Qwen/Qwen2-VL-7B-Instruct' && echo", "vllm"),
    ("cat /etc/hosts | lmdeploy serve api_server M", "lmdeploy"),
])  # fmt: skip
def test_a_shell_line_is_a_question(line: str, engine: str) -> None:
    from doctor.launch.read import read_launch

    assert read_launch(api.request(line).launch, {}, "/").engine == engine


def test_quotes_that_are_not_closed_are_said() -> None:
    with pytest.raises(api.TargetError, match="quotation"):
        api.check("vllm serve 'x")


def test_what_is_promised_is_there_and_documented() -> None:
    assert all(hasattr(api, name) for name in api.__all__)
    functions = {n.name for n in nodes_of(PACKAGE / "api.py") if isinstance(n, ast.FunctionDef) and n.name[0] != "_"}
    assert functions <= set(api.__all__)
