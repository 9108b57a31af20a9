"""Real answers on real terminals: verdict, first cause and next command are visible without scrolling."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest

from tests.sources import ROOT
from website.screens import FOLDER, SCREENS, SIZES, Screen, bare, lines_of, unseen

HERE = [screen for screen in SCREENS if not screen.inside]


@pytest.mark.parametrize("size", SIZES, ids=lambda s: f"{s[0]}x{s[1]}")
@pytest.mark.parametrize("screen", HERE, ids=lambda s: s.name)
def test_all_is_visible_without_scrolling(screen: Screen, size: tuple[int, int]) -> None:
    rows = bare(lines_of(screen, size))
    assert not unseen(screen, rows, size), "\n".join(rows)


def test_what_scrolled_away_is_not_seen() -> None:
    rows = ["✗ the verdict", *("" for _ in range(24))]
    assert unseen(Screen("x", "check", ("verdict",)), rows, (80, 24)) == ["verdict"]
    assert not unseen(Screen("x", "check", ("verdict",)), rows[:22], (80, 24))


@pytest.mark.parametrize("screen", SCREENS, ids=lambda s: s.name)
def test_the_kept_screens_show_the_same_and_name_no_machine(screen: Screen) -> None:
    text = (FOLDER / f"{screen.name}.txt").read_text(encoding="utf-8")
    assert not unseen(screen, text.splitlines()[1:], SIZES[0])
    picture = (FOLDER / f"{screen.name}.svg").read_text(encoding="utf-8")
    assert ElementTree.fromstring(picture).tag.endswith("svg")
    for told in (text, picture):
        assert "/tmp/" not in told and "/home/" not in told and "/work" not in told
    assert picture.count("http") == picture.count("http://www.w3.org/")


def test_every_screen_is_on_the_page_of_answers() -> None:
    page = (ROOT / "docs" / "answers.md").read_text(encoding="utf-8")
    assert sorted(re.findall(r"\(screens/([\w-]+)\.svg\)", page)) == sorted(screen.name for screen in SCREENS)
