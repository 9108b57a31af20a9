"""The contract of the command line: JSON that fits its schema, exit codes, replay, the cache."""

from __future__ import annotations

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import jsonschema
import pytest
from click.testing import CliRunner

import doctor.report
from doctor.cli import main
from tests.cli.running import answer, distribution, found, lay_out
from tests.cli.running import doctor as run

SCHEMA = json.loads((Path(doctor.report.__file__).parent / "check.schema.json").read_text())


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """An engine whose launch needs a name that transformers does not have, and one module that is fine."""
    engine = {
        "lmdeploy/__init__.py": "", "lmdeploy/archs.py": "from transformers.utils import gone_name\n",
        "lmdeploy/fine.py": "import transformers\n",
    }  # fmt: skip
    files = {**distribution("lmdeploy", "0.11.1", engine, ("transformers>=4.0", "missing-thing>=2")),
             **distribution("transformers", "4.38.2", {"transformers/__init__.py": "", "transformers/utils.py": "x = 1\n"})}  # fmt: skip
    return lay_out(tmp_path / "site", files)


def words(site: Path) -> tuple[str, ...]:
    return ("--path", str(site), "--python-version", "3.11")


def test_check_json_fits_the_schema_and_names_the_evidence(site: Path, tmp_path: Path) -> None:
    done = run("check", *words(site), "--format", "json", "--", "lmdeploy", "serve", "api_server", "M", home=tmp_path)
    data = answer(done)
    jsonschema.validate(data, SCHEMA)
    assert done.returncode == 1
    finding = found(data, "IMP001")[0]
    assert finding["location"]["path"] == "lmdeploy/archs.py" and finding["location"]["line"] == 1
    assert "gone_name" in finding["message"] and "4.38.2" in finding["message"]
    assert sum(f["primary"] for f in data["findings"]) == 1
    assert "missing-thing" in found(data, "PKG001")[0]["message"]


@pytest.mark.parametrize(("limit", "code"), [("error", 1), ("warning", 1), ("never", 0)])
def test_fail_on(site: Path, tmp_path: Path, limit: str, code: int) -> None:
    assert run("check", *words(site), "--fail-on", limit, home=tmp_path).returncode == code


def test_select_and_ignore(site: Path, tmp_path: Path) -> None:
    data = answer(run("check", *words(site), "--select", "IMP,PKG001", "--ignore", "IMP002", "--format", "json", home=tmp_path))
    assert {r["code"] for r in data["results"]} == {"IMP001", "IMP003", "IMP004", "IMP005", "IMP006", "PKG001"}
    wrong = run("check", *words(site), "--select", "NOPE1", home=tmp_path)
    assert wrong.returncode == 2 and "NOPE1" in wrong.stderr


def test_saved_facts_give_the_same_findings(site: Path, tmp_path: Path) -> None:
    saved = tmp_path / "facts.json"
    assert run("facts", *words(site), "--output", str(saved), home=tmp_path).returncode == 0
    direct = answer(run("check", *words(site), "--format", "json", home=tmp_path))
    (site / "lmdeploy/archs.py").unlink()  # nothing else is read
    replayed = answer(run("check", "--facts", str(saved), "--format", "json", home=tmp_path))
    assert replayed["findings"] == direct["findings"]


def test_the_cache_sees_every_change(site: Path, tmp_path: Path) -> None:
    def names() -> list[str]:
        data = answer(run("check", *words(site), "--format", "json", home=tmp_path))
        return [f["message"] for f in found(data, "IMP001")]

    first = names()
    assert names() == first and list((tmp_path / "cache").rglob("*.json"))
    (site / "transformers/utils.py").write_text("x = 1\ngone_name = 2\n")
    assert names() == []
    (site / "transformers/utils.py").write_text("y = 1\n")
    assert names() == first
    for kept in (tmp_path / "cache").rglob("*.json"):
        kept.write_text('{"seen": {}, "made": 5')
    assert names() == first


def test_many_at_once_share_the_cache(site: Path, tmp_path: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        done = list(pool.map(lambda _: run("check", *words(site), "--format", "json", home=tmp_path), range(8)))
    findings = [answer(d)["findings"] for d in done]
    assert all(f == findings[0] for f in findings)
    assert not list((tmp_path / "cache").rglob(".new-*"))


def test_link_names_the_cause(site: Path, tmp_path: Path) -> None:
    data = answer(run("link", "lmdeploy", *words(site), "--format", "json", home=tmp_path))
    cause = data["modules"]["lmdeploy.archs"]["cause"]
    assert (cause["kind"], cause["module"], cause["name"]) == ("missing-name", "transformers.utils", "gone_name")
    assert (cause["file"], cause["line"]) == ("lmdeploy/archs.py", 1)
    assert data["modules"]["lmdeploy.fine"]["status"] == "ok"
    assert run("link", "nothing-like-it", *words(site), home=tmp_path).returncode == 2


def test_output_is_readable_through_a_pipe(site: Path, tmp_path: Path) -> None:
    done = run("check", *words(site), home=tmp_path, COLUMNS="80")
    assert "\x1b" not in done.stdout
    text = done.stdout.splitlines()
    assert any("IMP001" in line for line in text)
    assert all(len(line) <= 80 or "/" in line or "pip install" in line for line in text), max(text, key=len)


def test_rules_and_explain(tmp_path: Path) -> None:
    listed = answer(run("rules", "--format", "json", home=tmp_path))["rules"]
    assert {"IMP001", "PKG004", "LIB005"} <= {r["code"] for r in listed}
    assert "imports a name" in run("explain", "IMP001", home=tmp_path).stdout


def test_a_typo_names_the_nearest_command(tmp_path: Path) -> None:
    done = run("chekc", home=tmp_path)
    assert done.returncode == 2 and "'check'" in done.stderr


def test_the_version_is_said_as_click_says_it_without_loading_it(tmp_path: Path) -> None:
    code = "import sys; sys.argv[1:] = ['--version']; import doctor.__main__ as m; m._command(); print('click' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == CliRunner().invoke(main, ["--version"], prog_name="qvl-doctor").output + "False\n"
    assert run("--version", home=tmp_path).stdout == done.stdout.removesuffix("False\n")


def test_start_up_imports_little() -> None:
    code = "import sys, doctor.cli; print([m for m in ('rich', 'yaml', 'requests', 'pynvml', 'packaging') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
