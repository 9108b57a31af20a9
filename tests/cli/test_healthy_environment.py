"""The gate against false alarms: an environment that pip made by default and that starts gets no error from `check`."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from doctor import rules
from doctor.cli import main
from doctor.derived.case import Case
from doctor.rules.rule import Rule, Verdict
from tests.run.environments import transformers_env

pytestmark = pytest.mark.registry
LAUNCHES = (
    ("transformers", "serve"),
    ("transformers", "serve", "Qwen/Qwen2-VL-2B-Instruct", "--device", "cpu"),
)


def alarms(capsys: pytest.CaptureFixture[str], launch: tuple[str, ...], *machine: str) -> list[str]:
    """The errors that the command says of the environment, and an exit status that is not 0."""
    target = ["check", "--offline", "--python", str(transformers_env()), *machine, "--format", "json"]
    with pytest.raises(SystemExit) as ended:
        main([*target, "--", *launch])
    said = json.loads(capsys.readouterr().out)
    found = [f"{f['code']} {f['message']}" for f in said["findings"] if f["severity"] == "error"]
    broken = [r["code"] for r in said["results"] if r["status"] == "broken"]
    return [*found, *broken, *([f"exit {ended.value.code}"] if ended.value.code and not found else [])]


@pytest.mark.parametrize("launch", LAUNCHES, ids=" ".join)
def test_a_default_installation_that_starts_has_no_error(
    launch: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert alarms(capsys, launch) == []


def _cries_wolf(rule: Rule, case: Case) -> Iterator[Verdict]:
    yield rule.finding("this healthy environment is broken", key="wolf")


def test_the_gate_fails_on_a_false_alarm(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    wolf = Rule(code="SYS099", name="wolf", severity="error", check=_cries_wolf)
    monkeypatch.setattr(rules, "RULES", (*rules.RULES, wolf))
    assert alarms(capsys, LAUNCHES[0]) == ["SYS099 this healthy environment is broken"]
