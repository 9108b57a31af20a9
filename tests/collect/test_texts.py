"""What texts say is asked once for each content: from one run to the next, and never of a damaged or foreign file."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from doctor.collect.python.texts import Texts


class Asked:
    """Work that counts how often it is done."""

    def __init__(self) -> None:
        self.times = 0

    def __call__(self, text: bytes) -> list[object]:
        self.times += 1
        return [len(text), ["names"]]


def test_asked_once_for_each_content_and_question(tmp_path: Path) -> None:
    place, work = tmp_path / "a" / "texts" / "texts.json", Asked()
    texts = Texts(place)
    assert texts.said(b"one", "size", work) == texts.said(b"one", "size", work) == [3, ["names"]]
    texts.said(b"two", "size", work)
    texts.said(b"one", "other", work)
    texts.save()
    again = Texts(place)
    assert [again.said(t, "size", work) for t in (b"one", b"two")] == [[3, ["names"]]] * 2
    assert work.times == 3
    again.said(b"changed", "size", work)
    assert work.times == 4


def test_what_is_not_met_again_stays_until_there_is_no_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place, work = tmp_path / "a" / "texts" / "texts.json", Asked()
    for number in range(4):
        texts = Texts(place)
        texts.said(str(number).encode(), "size", work)
        texts.save()
    monkeypatch.setattr("doctor.collect.python.texts.MOST", 3)
    texts = Texts(place)
    texts.said(b"new", "size", work)
    texts.save()
    last = Texts(place)
    before = work.times
    for text in (b"2", b"3", b"new"):
        last.said(text, "size", work)
    assert work.times == before
    last.said(b"0", "size", work)
    assert work.times == before + 1


@pytest.mark.parametrize("damage", [b"", b"{", b"[1, 2]", b'{"x": 3}', b"\xff\xfe", b"[" * 100_000])
def test_a_damaged_file_holds_nothing_and_is_written_anew(tmp_path: Path, damage: bytes) -> None:
    place, work = tmp_path / "a" / "texts" / "texts.json", Asked()
    texts = Texts(place)
    texts.said(b"one", "size", work)
    texts.save()
    place.write_bytes(damage)
    again = Texts(place)
    assert again.said(b"one", "size", work) == [3, ["names"]]
    again.save()
    third = Texts(place)
    third.said(b"one", "size", work)
    assert work.times == 2


@pytest.mark.skipif(sys.platform == "win32", reason="modes of POSIX")
def test_a_file_that_others_can_write_to_is_not_believed(tmp_path: Path) -> None:
    place, work = tmp_path / "a" / "texts" / "texts.json", Asked()
    texts = Texts(place)
    texts.said(b"one", "size", work)
    texts.save()
    place.chmod(0o666)
    Texts(place).said(b"one", "size", work)
    assert work.times == 2
