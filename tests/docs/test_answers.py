"""Every answer in README and docs is what its command prints today: `python -m website.answers` writes them anew."""

from __future__ import annotations

import re

import pytest

from website.answers import ROOT, Block, blocks, pages
from website.picture import FILE, picture

pytestmark = pytest.mark.pages
BLOCKS = [block for page in pages() for block in blocks(page)]


def test_there_are_answers() -> None:
    assert sum(len(block.commands) for block in BLOCKS if block.page.name == "README.md") >= 5
    assert all(block.commands for block in BLOCKS)


@pytest.mark.parametrize("block", BLOCKS, ids=lambda b: f"{b.page.relative_to(ROOT)}: {b.commands[0][:40]}")
def test_the_answer_is_the_real_one(block: Block) -> None:
    assert block.text == block.filled()


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md"])
def test_links_of_the_repository_resolve(page: str) -> None:
    """Those of docs/ are checked as the site is built."""
    found = re.findall(r"\]\(([^)#\s]+)", (ROOT / page).read_text(encoding="utf-8"))
    assert all((ROOT / to).is_file() for to in found if "://" not in to), found
    assert page != "README.md" or len(found) > 8


def test_the_picture_is_the_real_one() -> None:
    drawn = FILE.read_text(encoding="utf-8")
    assert words(drawn) == words(picture()) and "fix" in words(drawn)
    assert set(re.findall(r"https?://[^\s\"]+", drawn)) == {"http://www.w3.org/2000/svg"}  # asks no host for anything


def words(drawing: str) -> list[str]:
    """The text of a picture: how rich draws it differs between its releases."""
    return "".join(re.findall(r"<text[^>]*>([^<]*)</text>", drawing)).replace("&#160;", " ").split()
