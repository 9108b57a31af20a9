"""What the written pages leave to the sources: `<!-- figures -->`, `<!-- layers -->`, `<!-- benchmarks -->` and rules."""

from __future__ import annotations

import ast
import importlib
import re
from collections.abc import Iterator
from importlib.util import find_spec

from doctor.explain.catalog import stubs
from doctor.matrix.rows import projects, releases
from doctor.rules import RULES
from doctor.rules.fleet import EVERY_RULE
from release.addresses import tomllib
from website.answers import ROOT
from website.pages.page import escaped, table

MARK = re.compile(r"^<!-- (?P<what>figures|layers|benchmarks|rules)(?P<words>[ A-Z0-9]*) -->$", re.M)


def filled(text: str) -> str:
    """The page with its marks replaced."""
    return MARK.sub(lambda mark: MAKERS[mark["what"]](mark["words"].split()), text)


def figures(_: list[str]) -> str:
    """What there is, counted as the site is built."""
    known = [found for name in projects() if (found := releases(name)) is not None]
    cases = [path.stem.split("-")[0] for path in (ROOT / "tests" / "scenarios").glob("*/*.yaml")]
    rows = [
        ("rules", str(len(EVERY_RULE))), ("known crashes", str(len(stubs()))),
        ("projects whose published wheels were read", str(len(known))),
        ("releases of them", f"{sum(len(found.versions) for found in known):,}"),
        ("saved facts in which a rule has to fire", str(cases.count("fires"))),
        ("saved facts in which it has to be quiet, or open", str(len(cases) - cases.count("fires"))),
    ]  # fmt: skip
    return table(("what there is", "now"), rows)


def layers(_: list[str]) -> str:
    """The contract of the imports, each folder with the first line of its docstring."""
    with (ROOT / "pyproject.toml").open("rb") as file:
        contract = tomllib.load(file)["tool"]["importlinter"]["contracts"][0]
    names = [name.strip(" ()") for line in contract["layers"] for name in line.split("|")]
    made = (name for name in names if find_spec(name) is not None)  # some names are reserved
    return table(("folder", "what it does"), ((f"`{n}`", _first(importlib.import_module(n).__doc__)) for n in made))


def benchmarks(_: list[str]) -> str:
    """The scripts that measure, each with the first sentence of its docstring."""
    return table(("script", "what it measures"), _measured())


def _measured() -> Iterator[tuple[str, str]]:
    for path in sorted((ROOT / "benchmarks").glob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        script = any(isinstance(node, ast.If) and "__main__" in ast.unparse(node.test) for node in tree.body)
        if script and not path.stem.endswith("_child"):
            yield f"`benchmarks/{path.name}`", _first(ast.get_docstring(tree))


def rules(beginnings: list[str]) -> str:
    """The rules whose codes begin so."""
    found = (rule for rule in RULES if rule.code.startswith(tuple(beginnings)))
    return table(
        ("rule", "what it finds"), ((f"[{r.code} {r.name}](rules/{r.code}.md)", _first(r.explanation)) for r in found)
    )


def _first(text: str | None) -> str:
    return escaped(" ".join((text or "").strip().partition("\n\n")[0].split()))


MAKERS = {"figures": figures, "layers": layers, "benchmarks": benchmarks, "rules": rules}
