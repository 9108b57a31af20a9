"""What MkDocs calls: adds the generated pages, the navigation and the address; writes llms.txt."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))  # MkDocs loads this file alone

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

from release.addresses import addresses
from website.filled import filled
from website.pages import commands, crashes, grids, probe, rules, schemas
from website.pages.page import Page

MAKERS = (rules, crashes, probe, commands, schemas, grids)
WRITTEN: dict[str, dict[str, str]] = {
    "Start": {"index.md": "What it is", "story.md": "The story", "checks.md": "What is checked",
              "answers.md": "What an answer looks like"},
    "Guides": {
        "ci.md": "CI, pre-commit, editors", "docker.md": "Docker", "kubernetes.md": "Kubernetes", "wsl2.md": "WSL2",
        "clusters.md": "Clusters", "fleet.md": "Several nodes", "air-gapped.md": "Without a network", "programs.md": "Bug reports, agents, Python",
    },
    "Inside": {"how-we-know.md": "How we know", "architecture.md": "Architecture"},
}  # fmt: skip
_made: list[Page] = []


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Makes the pages, and the navigation over all of them."""
    _made[:] = [page for maker in MAKERS for page in maker.pages()]
    home = addresses().get("documentation")
    config.site_url = f"{home}/" if home else None
    config.nav = [*_navigation(_made)]
    return config


def _navigation(made: Iterable[Page]) -> Iterator[dict[str, Any]]:
    """The written pages by section, then the rules by family, the crashes, and the reference."""
    titled = [page for page in made if page.title]
    for name in ("Start", "Guides"):
        yield {name: [{title: path} for path, title in WRITTEN[name].items()]}
    yield {"Rules": [*_rules(titled)]}
    yield {"Crashes": [*_below(titled, "crashes/"), {"A running server": "probe/index.md"}]}
    folders = (("Commands", "commands/"), ("JSON", "schemas/"), ("Grids", "grids/"))
    inside = ({title: path} for path, title in WRITTEN["Inside"].items())
    yield {"Reference": [*({name: _below(titled, folder)} for name, folder in folders), *inside]}


def _rules(titled: list[Page]) -> Iterator[Any]:
    pages = {page.path: page.title for page in titled if page.path.startswith("rules/")}
    yield "rules/index.md"
    for family, members in rules.families().items():
        paths = [f"rules/{rule.code}.md" for rule in members]
        yield {
            f"{family} {rules.family_text(family).partition(':')[0].partition(',')[0]}": [{pages[p]: p} for p in paths]
        }


def _below(titled: list[Page], folder: str) -> list[Any]:
    return [p.path if p.path.endswith("/index.md") else {p.title: p.path} for p in titled if p.path.startswith(folder)]


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Adds the generated pages to the written ones."""
    for page in (*_made, Page("llms.txt", llms())):
        files.append(File.generated(config, page.path, content=page.text))
    return files


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Fills in what a written page leaves to the sources."""
    return filled(markdown)


def llms() -> str:
    """The site for a language model, as llmstxt.org has it: what it is, then every page with a line."""
    lines = [
        "# qvl-doctor", "", "> Says whether a vision-language model server (LMDeploy, vLLM, SGLang, transformers) will start in an",
        "> environment, why not, and how to fix it. It reads files and runs none of their code.", "",
        "For agents: `qvl-doctor mcp`, or `--format brief` (below 2 kB). `qvl-doctor check -- LAUNCH COMMAND` answers first.", "",
    ]  # fmt: skip
    for section, pages in WRITTEN.items():
        lines += [f"## {section}", "", *(f"- [{title}]({_html(path)})" for path, title in pages.items()), ""]
    for name in ("rules", "crashes", "probe", "commands", "schemas", "grids"):
        found = [page for page in _made if page.title and page.path.startswith(f"{name}/")]
        lines += [f"## {name.capitalize()}", "", *(f"- [{page.title}]({_html(page.path)})" for page in found), ""]
    return "\n".join(lines)


def _html(path: str) -> str:
    return path.removesuffix(".md") + ".html"
