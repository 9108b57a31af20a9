"""The site: built without a warning; every link and anchor resolves; showing it asks no other host for anything."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import subprocess
import sys
from functools import cache
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from doctor.base.documentation import address, page_of
from doctor.explain.catalog import stubs
from doctor.explain.meaning import OWN
from doctor.matrix.answers import answers
from doctor.rules import RULES
from doctor.rules.fleet import FLEET_RULES
from tests.sources import ROOT
from website.pages import rules

pytestmark = pytest.mark.pages
_LINK = re.compile(r"<(?P<tag>[a-z]+)(?=\s)[^>]*?\s(?P<kind>href|src|srcset|data|action)=[\"']?(?P<to>[^\"'\s>]*)")
_ID = re.compile(r"\s(?:id|name)=[\"']?([^\"'\s>]+)")
_LOADED = re.compile(r"@import[^;]*https?:|url\([\"']?https?:")
LOADS = {"script", "img", "iframe", "link", "source", "video", "audio", "object", "embed", "form"}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if importlib.util.find_spec("mkdocs") is None or importlib.util.find_spec("material") is None:
        pytest.skip("the extra `docs` is not installed; `.ci/run` installs it")
    out = tmp_path_factory.mktemp("site")
    environ = {**os.environ, "NO_MKDOCS_2_WARNING": "1", "QVL_DOCTOR_DOCUMENTATION": "https://docs.example/q"}
    done = subprocess.run([sys.executable, "-m", "mkdocs", "build", "--strict", "-q", "-d", str(out)], cwd=ROOT, env=environ,
                          capture_output=True, text=True, check=False)  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return out


@cache
def text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


@cache
def ids(path: Path) -> frozenset[str]:
    return frozenset(_ID.findall(text(path)))


def test_every_link_resolves(site: Path) -> None:
    bad, seen = [], 0
    for page in sorted(site.rglob("*.html")):
        for found in _LINK.finditer(text(page)):
            to = urlsplit(found["to"])
            if to.scheme or to.netloc or page.name == "404.html":
                continue
            seen += 1
            target = Path(os.path.normpath(page.parent / unquote(to.path))) if to.path else page
            target = target / "index.html" if target.is_dir() else target
            if not target.is_file() or (to.fragment and target.suffix == ".html" and unquote(to.fragment) not in ids(target)):
                bad.append(f"{page.relative_to(site)}: {found['to']}")
    assert seen > 5000 and not bad, bad[:20]


def test_nothing_comes_from_another_host(site: Path) -> None:
    for page in sorted(site.rglob("*.html")):
        for found in _LINK.finditer(text(page)):
            canonical = found["tag"] == "link" and 'rel="canonical"' in found[0] + text(page)[found.end() : found.end() + 40]
            if found["tag"] in LOADS and not canonical and (to := urlsplit(found["to"])).netloc:
                assert to.netloc == "docs.example", f"{page.relative_to(site)} loads {found['to']}"
        assert not _LOADED.search(text(page))
    assert not any(_LOADED.search(text(file)) for file in site.rglob("*.css"))


def test_the_pages_that_findings_lead_to(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QVL_DOCTOR_DOCUMENTATION", "https://docs.example/q")
    assert all((site / "rules" / f"{rule.code}.html").is_file() for rule in RULES)
    others = [*(stub.code for stub in stubs()), *(one.code for one in OWN), *(c.code for c in (*answers().checks, *answers().refusals))]
    for code in (*(rule.code for rule in (*RULES, *FLEET_RULES)), *others):  # wherever a finding leads, there is a page
        page = page_of(code)
        assert page and (site / page.removeprefix(f"{address()}/")).is_file(), page
    assert (site / "crashes" / "RUN101.html").is_file() and "](rules/IMP001.html)" in text(site / "llms.txt")
    assert "https://docs.example/q/rules/IMP001.html" in text(site / "sitemap.xml")
    assert "There is no" not in text(site / "how-we-know.html") and "<!-- " not in re.sub(r"(?s)<script.*?</script>", "", text(site / "architecture.html"))


@pytest.mark.parametrize("rule", RULES, ids=lambda r: r.code)
def test_the_example_of_a_rule_shows_the_rule(rule: rules.Rule) -> None:
    facts, said = rules.example(rule)
    assert f"{rule.code} {rule.name}" in said and json.loads(json.dumps(facts))["target"]


def test_the_facts_of_an_example_give_its_answer(tmp_path: Path) -> None:
    """What the page says, typed: its file behind `check --facts`."""
    from tests.cli.running import doctor

    facts, said = rules.example(next(rule for rule in RULES if rule.code == "IMP001"))
    (tmp_path / "IMP001.json").write_text(json.dumps(facts))
    done = doctor("check", "--select", "IMP001", "--facts", "IMP001.json", home=tmp_path, COLUMNS=str(rules.WIDTH))
    assert [line.rstrip() for line in done.stdout.splitlines()] == said.splitlines()[1:]
