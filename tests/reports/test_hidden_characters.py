"""No control, bidirectional or zero-width character leaves by any form, whatever a path, a name or an option holds."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from rich.console import Console

from doctor.base.quoting import quoted
from doctor.base.text import has_hidden
from doctor.cli.answer.show import FORMATS, show_report
from doctor.facts import Distributions, Facts, Launch, Target
from doctor.findings import (
    Action,
    Alternative,
    Conflict,
    Evidence,
    Finding,
    Location,
    Plan,
    Remediation,
    Report,
    RuleResult,
    Step,
    Verified,
)
from doctor.report.plan.data import plan_to_json
from doctor.report.plan.files import written
from doctor.report.plan.recipe import Recipe
from doctor.report.plan.terminal import print_plan

HIDDEN = "\x1b]0;pwn\x07\x00\u202egnp\u2066\u200b\ufeff\x85\x9b31m\x7f"
WORDS = (
    "a \u202e b",
    "tab\tand\nline",
    "it's `$(id)` \\ \x1b[2J",
    "\u200bzero",
    "plain",
    "ü 模型",
    "%s %b \\0101\x07",
    "",
)


def hostile(text: str) -> str:
    return f"{text}{HIDDEN}"


def recipe() -> Recipe:
    return Recipe(
        engine="vllm", version="0.11.0", image="vllm/vllm-openai:v0.11.0", command=("vllm", "serve", hostile("m")), model=hostile("m"),
        python="3.11", pins={"transformers": "4.57.1"}, changes={"transformers": "4.57.1"}, layer={"transformers": "4.57.1"},
        environ={"A": hostile("v")}, interpreter=hostile("/opt/py"), folder=hostile("/models/m"), why=(hostile("w"),), proof=hostile("p"),
    )  # fmt: skip


def report() -> Report:
    remedy = Remediation(
        hostile("t"), (Action("set_env", name="A", value=hostile("v")), Action("manual", text=hostile("m")))
    )
    found = Finding(
        "IMP001", "missing-name", "error", hostile("x"), Location("file", hostile("x"), hostile("y.py"), 6),
        (Evidence(hostile("f"), hostile("o"), hostile("e"), hostile("s")),), (remedy,), primary=True,
    )  # fmt: skip
    results = (
        RuleResult("IMP001", "missing-name", "fail", (found,)),
        RuleResult("GPU001", "no-driver", "open", reason=hostile("r")),
    )
    target = Target("installed", hostile("shebang"), "3.11", prefix=hostile("/opt"))
    facts = Facts(target, Distributions(()), launch=Launch(("vllm", "serve", hostile("m")), "vllm"))
    return Report(facts, results, {"doctor": "1", "matrix": "2026"}, way_out=remedy)


def lost(found: Report) -> Report:
    """The same, with words in which no server was found."""
    launch = Launch((hostile("x"),), None, why=hostile("why"), near=hostile("near"), source=hostile("a.sh"))
    return replace(found, facts=replace(found.facts, launch=launch))


@pytest.mark.parametrize("form", ["sh", "requirements", "dockerfile", "compose"])
def test_no_file_of_a_plan_hides_anything(form: str) -> None:
    text = written(form, [recipe()], ("gateway", "metrics"))
    assert not has_hidden(text), repr(text)


def test_compose_still_means_the_same() -> None:
    data = yaml.safe_load(written("compose", [recipe()], ()))
    assert hostile("m") not in data["services"]["server"]["command"], (
        "the folder stands under its name in the container"
    )
    assert data["services"]["server"]["environment"]["A"] == hostile("v")
    plain = written("compose", [Recipe(engine="vllm", image="x:1", command=("vllm", "serve", "模型"))], ())
    assert "模型" in plain, "other letters stay letters"


@pytest.mark.parametrize("found", [True, False], ids=["server", "no server"])
@pytest.mark.parametrize("form", FORMATS)
def test_no_form_of_a_report_hides_anything(form: str, found: bool, capsys: pytest.CaptureFixture[str]) -> None:
    show_report(report() if found else lost(report()), form, None)
    text = capsys.readouterr().out
    assert text and not has_hidden(text), repr([c for c in text if has_hidden(c)][:5])


def test_the_json_of_a_plan_hides_nothing() -> None:
    plan = Plan(command=("vllm", hostile("m")), commands=(hostile("c"),))
    assert not has_hidden(json.dumps(plan_to_json(plan, report()), ensure_ascii=False))


@pytest.mark.parametrize("found", [True, False], ids=["server", "no server"])
def test_a_plan_in_a_terminal_hides_nothing(found: bool) -> None:
    action = Action("install", package=hostile("p"), specifier=hostile("==1"), direction=hostile("d"))
    plan = Plan(
        steps=tuple(Step(a, hostile("w"), (hostile("IMP001:k"),)) for a in (action, *report().way_out.actions)),  # type: ignore[union-attr]
        pins={hostile("p"): hostile("1")}, changes={hostile("p"): hostile("0")}, commands=(hostile("c"),), launch=("vllm", hostile("m")),
        remains=(hostile("r"),), conflict=Conflict((hostile("m"),), (hostile("s"),)), verified=Verified(True, hostile("uv"), hostile("n")),
        alternatives=(Alternative(hostile("t"), (action,), {hostile("p"): hostile("1")}, (hostile("c"),)),),
    )  # fmt: skip
    before = report() if found else lost(report())
    for shown in (plan, replace(plan, conflict=None), replace(plan, conflict=None, undecided=hostile("u"))):
        out = io.StringIO()
        print_plan(before, shown, Console(file=out, width=100, markup=False, highlight=False, emoji=False))
        assert out.getvalue() and not has_hidden(out.getvalue()), repr(out.getvalue())


@pytest.mark.parametrize("word", WORDS)
def test_a_word_reaches_the_shell_as_it_is(word: str, tmp_path: Path) -> None:
    shell = shutil.which("sh")
    assert shell
    line = quoted(word)
    assert not has_hidden(line)
    done = subprocess.run([shell, "-c", f"printf %s {line}"], capture_output=True, check=True, cwd=tmp_path)
    assert done.stdout.decode() == word
