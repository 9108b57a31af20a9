"""Headlines in other languages: every sentence that can be one has its translation, whole and with the same values."""

from __future__ import annotations

import ast
import io
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

import pytest
import yaml
from rich.console import Console

from doctor.base.text import width
from doctor.facts.codec import facts_from_json
from doctor.findings import SEVERITIES, Action, Report
from doctor.findings.wording import MOVED, wording
from doctor.pipeline import answered, judge
from doctor.report import language
from doctor.report.content import COUNTED, IN_BASELINE, IN_ENVIRONMENT, SERVICES, answer
from doctor.report.language import headline
from doctor.report.language.catalog import catalog, entries, step
from doctor.report.screen import SURE, screen
from doctor.report.terminal import print_report
from doctor.report.wrapping import wrapped
from doctor.rules import RULES
from tests.cli.running import doctor
from tests.sources import PACKAGE, tree_of
from tests.steps import steps

OTHERS = [name for name in language.LANGUAGES if name != "en"]
SCENARIOS = Path(__file__).parents[1] / "scenarios"
FIRING = sorted(path for folder in SCENARIOS.iterdir() for path in folder.glob("fires*.yaml"))
FAILS = ("will fail", "will very likely fail", "is broken", "cannot work", "starts no server")
ENGLISH_WORD = re.compile(r"\b(?:the|with|and|is|are|of|for|from|not|which|this|that|install|remove|upgrade)\b")


@pytest.fixture(params=OTHERS)
def tongue(request: pytest.FixtureRequest) -> Iterator[str]:
    language.use(request.param)
    yield request.param
    language.use("en")


def verdicts() -> list[str]:
    found = [f"{{subject}} {one}: {{counts}}." for one in FAILS] + ["{subject}: no problems found."]
    for new in ("", "new "):
        for counts in ("", ", {counts}"):
            found += [f"{{subject}}: no {new}errors found{counts}{end}"
                      for end in (".", ", but {left} of {total} rules could not decide.")]  # fmt: skip
    return found


def said() -> set[str]:
    """The templates that are written out where they are said."""
    found = set()
    for path in (PACKAGE / "report").rglob("*.py"):
        for node in ast.walk(tree_of(path)):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "say":
                way = node.args[0]  # a template that is made of parts is among `verdicts`
                texts = [way.body, way.orelse] if isinstance(way, ast.IfExp) else [way]
                found |= {t.value for t in texts if isinstance(t, ast.Constant)}
    return found


def actions() -> list[str]:
    """A template for each form that an action can take."""
    ways = [Action("install", package="a", specifier=s, direction=d)
            for s in (None, ">=1") for d in ("install", "upgrade", "downgrade", "reinstall")
            if s or d not in MOVED]  # fmt: skip
    ways += [Action("uninstall", package="a"), Action("use_engine", name="a"), Action("use_model", name="a"), Action("use_image", name="a")]
    ways += [Action(kind, name="a", value=v) for kind in ("set_env", "set_argument") for v in (None, "", "1", "=b")]
    ways += [Action("set_argument", name="model_tag", value="m")]
    return [wording(one)[0] for one in ways]


def everything() -> list[str]:
    titles = [rule.explanation.partition("\n")[0] for rule in RULES]
    return [*verdicts(), *said(), *SURE.values(), *SEVERITIES, *actions(), *titles, *steps()]


@pytest.mark.parametrize("name", OTHERS)
def test_every_sentence_of_a_headline_is_translated(name: str) -> None:
    known = vars(catalog(language.LANGUAGES[name]))["_catalog"]
    missing = [text for text in everything() if not known.get(text)]
    assert not missing, "\n".join(missing)
    for one, _ in (*COUNTED.values(), IN_ENVIRONMENT, IN_BASELINE, SERVICES):
        assert known.get((one, 0)), one


@pytest.mark.parametrize("name", OTHERS)
def test_values_and_quoted_words_agree(name: str) -> None:
    text = files("doctor.report.language").joinpath(f"{language.LANGUAGES[name]}.po").read_text(encoding="utf-8")
    count = 0
    for key, stands in entries(text):
        for one in stands.split("\0") if key else ():
            count += 1
            named = [sorted(re.findall(r"\{[a-z]+\}", t.split("\0")[0])) for t in (key, one)]
            assert named[0] == named[1], f"{key!r}: {one!r}"
            places = len(re.findall(r"\{\}", key))
            given = re.findall(r"\{(\d?)\}", one)
            assert sorted(given) in ([""] * places, [str(n) for n in range(places)]), f"{key!r}: {one!r}"
            quoted = [{q for q in re.findall(r"`[^`]*`", t) if "{" not in q} for t in (key.split("\0")[0], one)]
            assert quoted[0] <= quoted[1], f"{key!r}: {one!r}"
    assert count > 250


def read(path: Path) -> Report:
    data = yaml.safe_load(path.read_text(encoding="utf-8"))["facts"]
    data.setdefault("target", {"kind": "installed", "why": "scenario", "python": "3.10.12"})
    return answered(judge(facts_from_json(data)))


def test_whole_headlines_of_all_scenarios() -> None:
    """Verdict, cause and ways out have no English words left, and no row is wider than the terminal."""
    shown, wrong = 0, set[tuple[str, str]]()
    for report in map(read, FIRING):
        for name in OTHERS:
            language.use(name)
            found, (_, verdict) = screen(report), answer(report)
            lines = [verdict, *([headline.cause(found.cause)] if found.cause else []), *found.todo.steps, *found.todo.others]
            bare = [re.sub(r"\([^)]*\)|（[^）]*）|\S*[=./\\-]\S*", "", re.sub(r"`[^`]*`", "", line)) for line in lines]
            bad = [line for line, rest in zip(lines, bare, strict=True) if ENGLISH_WORD.search(rest)]
            wrong |= {(name, line) for line in bad if line != verdict or report.facts.target.kind != "declared"}
            shown += len(lines)
    language.use("en")
    assert not wrong, "\n".join(f"{name}: {line}" for name, line in sorted(wrong))
    assert shown > 3 * len(FIRING)


def test_rows_of_wide_characters_fit(tongue: str) -> None:
    report = read(SCENARIOS / "MEM001" / "fires-int4-never-fits-8-gb.yaml")
    text = io.StringIO()
    print_report(report, Console(file=text, width=80, color_system=None, markup=False, highlight=False, emoji=False))
    rows = text.getvalue().splitlines()
    assert all(width(row) <= 80 for row in rows if "://" not in row and not row.startswith("            "))
    assert "MEM001" in text.getvalue() and headline.cause(report.findings[0])[:20] in text.getvalue().replace("\n  ", "")


@pytest.mark.parametrize("text", [headline_text for name in OTHERS for headline_text in
                                  (catalog(language.LANGUAGES[name]).gettext(RULES[0].explanation.partition("\n")[0]),)])  # fmt: skip
@pytest.mark.parametrize("columns", [20, 33, 47])
def test_wrapping_keeps_the_text_and_the_width(text: str, columns: int) -> None:
    rows = wrapped(text, columns, 2, 4)
    assert "".join(rows).replace(" ", "") == text.replace(" ", "")
    assert all(width(row) <= columns - (2 if n == 0 else 4) for n, row in enumerate(rows))
    assert not any(row[0] in "、。，：；）:;!?" for row in rows)


@pytest.mark.parametrize(
    ("environ", "name"),
    [({"LANG": "zh_CN.UTF-8"}, "zh"), ({"LANG": "ja_JP.UTF-8", "LC_ALL": "C"}, "en"), ({"LC_MESSAGES": "fr_CA"}, "fr"),
     ({"LANG": "fr"}, "fr"), ({"LANG": "zh_TW.UTF-8"}, "en"), ({"LANG": "zh-Hans"}, "zh"), ({"LANG": "de_DE.UTF-8"}, "en"), ({}, "en"),
     ({"LANG": "en_US.UTF-8", "LC_ALL": "", "LC_MESSAGES": "ja_JP"}, "ja")],
)  # fmt: skip
def test_the_locale_chooses(environ: dict[str, str], name: str) -> None:
    assert language.of_environment(environ) == name


def test_a_step_with_values_takes_the_longest_template(tongue: str) -> None:
    name = language.LANGUAGES[tongue]
    assert "8000" in step(name, "set port 8000 in `curl`") and "`curl`" in step(name, "set port 8000 in `curl`")
    assert step(name, "do something that nobody has translated") == "do something that nobody has translated"


@pytest.mark.parametrize(("words", "environ", "has"), [
    (("--lang", "zh"), {}, "启动会失败"), ((), {"LC_ALL": "ja_JP.UTF-8", "PYTHONUTF8": "1"}, "起動に失敗します"),
    (("--lang", "en"), {"LC_ALL": "fr_FR.UTF-8", "PYTHONUTF8": "1"}, "will fail"),
    (("--format", "markdown"), {"LC_ALL": "fr_FR.UTF-8", "PYTHONUTF8": "1"}, "will fail"),
    (("--format", "json", "--lang", "fr"), {}, "le lancement échouera"),
])  # fmt: skip
def test_the_command_line(words: tuple[str, ...], environ: dict[str, str], has: str, tmp_path: Path) -> None:
    (tmp_path / "r.txt").write_text("vllm==0.11.0\ntransformers==4.57.1\ntorch==2.8.0\n")
    done = doctor("check", "--requirements", "r.txt", "--offline", *words, "--", "vllm", "serve", "m", "--tp", "two",
                  home=tmp_path, **{"PYTHONIOENCODING": "utf-8", **environ})  # fmt: skip
    assert has in done.stdout, done.stdout + done.stderr


def test_english_reads_no_catalog() -> None:
    program = ("import sys; from doctor.report.terminal import print_report; from doctor.report import language; "
               "language.use('en'); language.say('{step}; {note}', step=1, note=2); "
               "assert 'doctor.report.language.catalog' not in sys.modules")  # fmt: skip
    subprocess.run([sys.executable, "-c", program], check=True, env={**os.environ, "PYTHONPATH": str(PACKAGE.parent)})
