"""The story that began it all, on real packages: the right name, line, direction and range at every turn."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from packaging.specifiers import SpecifierSet

from tests.cli.running import answer, doctor, found
from tests.story.environments import PYTHON, environment

pytestmark = pytest.mark.registry


def check(entries: list[Path], home: Path, *launch: str) -> dict[str, Any]:
    words = [w for e in entries for w in ("--path", str(e))]
    done = doctor("check", *words, "--python-version", PYTHON, "--format", "json", *launch, home=home)
    assert done.returncode in (0, 1), done.stderr
    return answer(done)


def named(data: dict[str, Any], name: str) -> dict[str, Any]:
    """The import finding about this name."""
    findings = [f for f in found(data, "IMP001") if f"`{name}`" in f["message"]]
    assert len(findings) == 1, [f["message"] for f in found(data, "IMP001")]
    return findings[0]


def install_of(finding: dict[str, Any]) -> dict[str, Any]:
    return next(a for r in finding["remediations"] for a in r["actions"] if a["kind"] == "install")


def test_too_old(tmp_path: Path) -> None:
    finding = named(check(environment("4.38.2", stream_generator=True), tmp_path), "ImagesKwargs")
    assert finding["severity"] == "error"
    assert (finding["location"]["path"], finding["location"]["line"]) == ("lmdeploy/vl/model/gemma3_vl.py", 6)
    action = install_of(finding)
    assert (action["package"], action["direction"]) == ("transformers", "upgrade")
    allowed = SpecifierSet(action["specifier"])
    assert "4.42.0" in allowed and "4.56.2" in allowed, "the window that the story's user never found"
    assert "4.41.2" not in allowed and "4.57.3" not in allowed
    assert any(">=4.42.0" in (e["expected"] or "") for e in finding["evidence"])


def test_too_new_for_the_helper(tmp_path: Path) -> None:
    data = check(environment("4.57.3", stream_generator=True), tmp_path)
    finding = named(data, "BeamSearchScorer")
    assert finding["location"]["path"] == "transformers_stream_generator/main.py"
    action = install_of(finding)
    assert (action["package"], action["direction"]) == ("transformers", "downgrade")
    allowed = SpecifierSet(action["specifier"])
    assert "4.56.2" in allowed and "4.57.0" not in allowed and "4.38.2" not in allowed


def test_the_way_out_is_quiet(tmp_path: Path) -> None:
    data = check(environment("4.46.1", stream_generator=True), tmp_path)
    gone = [f for f in data["findings"] if f["code"] in ("IMP001", "IMP002", "IMP004") and f["severity"] == "error"]
    assert gone == []
    assert not any("ImagesKwargs" in f["message"] or "BeamSearchScorer" in f["message"] for f in data["findings"])


def test_much_too_new(tmp_path: Path) -> None:
    finding = named(check(environment("5.0.0"), tmp_path), "is_safetensors_available")
    assert finding["severity"] == "error"
    action = install_of(finding)
    assert action["direction"] == "downgrade" and "5.0.0" not in SpecifierSet(action["specifier"])


def test_the_module_that_never_was(tmp_path: Path) -> None:
    data = check(environment("4.46.1"), tmp_path, "--", "python3", "-m", "lmdeploy.serve.api_server", "M")
    finding = found(data, "IMP003")[0]
    assert finding["severity"] == "error"
    assert not any("lmdeploy.serve.api_server" in f["message"] for f in found(data, "IMP002")), "said once"
    told = " ".join(r["title"] for r in finding["remediations"])
    assert "lmdeploy serve api_server" in told and "lmdeploy.serve.openai.api_server" in told


def test_link_agrees_with_python(tmp_path: Path) -> None:
    """Real imports in children of a process that has torch and transformers, beside our verdicts."""
    entries = environment("4.38.2", stream_generator=True)
    words = [w for e in entries for w in ("--path", str(e))]
    done = doctor("link", "lmdeploy", *words, "--python-version", PYTHON, "--format", "json", home=tmp_path)
    said = answer(done)["modules"]
    sample = [m for m in sorted(said) if re.match(r"lmdeploy\.(vl|serve|model|archs|pytorch\.models|turbomind$)\b", m)]
    truth = real_imports(entries, sample)
    assert len(truth) > 40
    for module, text in truth.items():
        if text is None:
            assert said[module]["status"] != "fail", (module, said[module])
        elif re.match(r"(ImportError|ModuleNotFoundError)", text):
            assert said[module]["status"] == "fail", (module, text)
            cause = said[module]["cause"]
            name = cause["name"] or cause["module"]
            assert name in text, (module, text, cause)


def real_imports(entries: list[Path], modules: list[str]) -> dict[str, str | None]:
    import json
    import subprocess

    from tests.link.real_packages import interpreter

    script = Path(__file__).with_name("import_all.py")
    done = subprocess.run([interpreter(PYTHON), str(script), json.dumps([str(e) for e in entries]), *modules],
                          capture_output=True, text=True, timeout=560, check=True)  # fmt: skip
    answers: dict[str, str | None] = json.loads(done.stdout.splitlines()[-1])
    return answers
