"""The check before the start: it stops what cannot start, and nothing that goes wrong in it stops the rest."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from pathlib import Path

import pytest
from doctor_run import PYTHON, Doctor

from doctor.findings import StartVerdict
from doctor.run.start import precheck
from doctor.run.start.precheck import apart

SAYS = "import sys; print('the server runs'); sys.exit(7)"
METADATA = "Metadata-Version: 2.1\nName: {}\nVersion: {}\n{}\n"


@pytest.fixture
def vllm(tmp_path: Path) -> str:
    """The command of an engine in an environment of its own, whose entry imports what an old requirement lacks."""
    env = tmp_path / "env"
    site = env / "lib/python{}.{}/site-packages".format(*sys.version_info[:2])
    needs = "Requires-Dist: transformers>=4.55\n"
    for name, version, more in (("vllm", "0.11.0", needs), ("transformers", "4.37", "")):
        info = site / f"{name}-{version}.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(METADATA.format(name, version, more))
        (site / name).mkdir()
        (site / name / "__init__.py").write_text("")
        files = [f"{name}/__init__.py,,", f"{info.name}/METADATA,,", f"{info.name}/RECORD,,"]
        (info / "RECORD").write_text("\n".join(files) + "\n")
    entry = site / "vllm/entrypoints/cli"
    entry.mkdir(parents=True)
    (site / "vllm/entrypoints/__init__.py").write_text("")
    (entry / "__init__.py").write_text("")
    (entry / "main.py").write_text("from transformers import AutoConfig\n")
    python = Path(PYTHON).resolve()
    (env / "pyvenv.cfg").write_text(f"home = {python.parent}\nversion = {sys.version.split()[0]}\n")
    (env / "bin").mkdir()
    (env / "bin/python").symlink_to(python)
    command = env / "bin/vllm"
    command.write_text(f"#!{env}/bin/python\n{SAYS}\n")
    command.chmod(0o755)
    return str(command)


def test_errors_stop_the_start_in_one_screen(doctor: Doctor, vllm: str) -> None:
    done = doctor.run([vllm, "serve", "m", "--api-key", "the-key-of-the-server"])
    said = done.stdout.decode()
    assert done.returncode == 125 and not doctor.base.exists()
    assert "error PKG001" in said and "transformers>=4.55" in said and "pip install" in said
    assert "--force" in said and "the server runs" not in said and "the-key-of-the-server" not in said
    assert len(said.splitlines()) <= 50 and max(map(len, said.splitlines())) <= 100


def test_force_starts_and_keeps_what_was_found(doctor: Doctor, vllm: str) -> None:
    from doctor.facts.codec import facts_from_json

    done = doctor.run([vllm, "serve", "m"], "--force")
    assert done.returncode == 7 and b"the server runs" in doctor.log
    findings = json.loads((doctor.folder / "findings.json").read_text())
    facts = facts_from_json(json.loads((doctor.folder / "facts.json").read_text()))
    assert "PKG001" in {f["code"] for f in findings} and facts.distributions.version("transformers") == "4.37"
    assert any("--force" in w and "PKG001" in w for w in doctor.report["warnings"])


def test_no_check_does_not_look(doctor: Doctor, vllm: str) -> None:
    assert doctor.run([vllm, "serve", "m"], "--no-check").returncode == 7
    assert not (doctor.folder / "findings.json").exists()


def _dies(_argv: tuple[str, ...]) -> StartVerdict:
    os.kill(os.getpid(), signal.SIGKILL)
    return StartVerdict()


def _raises(_argv: tuple[str, ...]) -> StartVerdict:
    raise RuntimeError("a fault of ours")


def _hangs(_argv: tuple[str, ...]) -> StartVerdict:
    time.sleep(60)
    return StartVerdict()


@pytest.mark.parametrize(("check", "said"), [(_dies, "failed"), (_raises, "failed"), (_hangs, "took longer")])
def test_a_fault_of_ours_is_a_line_and_no_more(
    check: precheck.Check, said: str, capfd: pytest.CaptureFixture[str]
) -> None:
    began = time.monotonic()
    verdict = apart(check, ("vllm", "serve"), 0.5)
    assert verdict.errors == () and verdict.trouble and said in verdict.trouble and "\n" not in verdict.trouble
    assert time.monotonic() - began < 5 and capfd.readouterr() == ("", "")


def test_a_trouble_is_told_and_the_server_started(doctor: Doctor, vllm: str) -> None:
    from doctor.run.start.options import Options
    from doctor.run.start.prepare import prepare

    verdict = StartVerdict(trouble="the check before the start failed (a reason)")
    prepared = prepare(Options((vllm, "serve"), log_dir=str(doctor.base)), verdict)
    assert any("a reason" in line for line in prepared.opening)
    assert "a reason" in json.loads((doctor.folder / "meta.json").read_text())["warnings"][0]


def test_other_commands_are_not_checked_and_say_so() -> None:
    for words in (["uvicorn", "app:app"], ["make", "serve"], ["vllm", "bench", "serve"], ["sleep", "5"]):
        verdict = precheck.precheck(words, _raises)
        assert verdict.errors == () and verdict.trouble is not None
        assert f"the command was not checked: `{words[0]}" in verdict.trouble


def test_a_server_behind_other_programs_is_checked() -> None:
    found = StartVerdict(errors=("CMD001 unknown-option: a reason",))
    for words in (
        ["sh", "-c", "vllm serve m"],
        ["nice", "-n", "5", "vllm", "serve", "m"],
        ["env", "-u", "A", "vllm", "serve", "m"],
    ):
        assert precheck.precheck(words, lambda _: found) == found


def test_a_target_that_cannot_be_found_is_a_trouble(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from doctor import pipeline
    from doctor.collect.python.target import TargetError

    def lost(_request: object) -> None:
        raise TargetError("no environment here")

    monkeypatch.setattr("doctor.pipeline.before_start.diagnose", lost)
    verdict = pipeline.precheck(("vllm", "serve", "m"))
    assert verdict.errors == () and "no environment here" in (verdict.trouble or "")
