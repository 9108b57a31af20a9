"""Every answer in README and docs is what its command prints today: `python -m website.answers` writes them anew."""

from __future__ import annotations

import pytest

from website.answers import ROOT, Block, blocks, pages

BLOCKS = [block for page in pages() for block in blocks(page)]


def test_there_are_answers() -> None:
    assert sum(len(block.commands) for block in BLOCKS if block.page.name == "README.md") >= 5
    assert all(block.commands for block in BLOCKS)


@pytest.mark.parametrize("block", BLOCKS, ids=lambda b: f"{b.page.relative_to(ROOT)}: {b.commands[0][:40]}")
def test_the_answer_is_the_real_one(block: Block) -> None:
    assert block.text == block.filled()
