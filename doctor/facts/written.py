"""Where a launch command stands in a file, word by word, so that an answer can name the line that has to change."""

from __future__ import annotations

from dataclasses import field
from typing import Literal

from doctor.base.record import dataclass

Style = Literal["shell", "double", "single", "plain", "item", "json"]


@dataclass(frozen=True, slots=True)
class Word:
    """One word as a file spells it; lines and columns count from 1, `end` is the column behind it.

    `style` is how a word in its place has to be spelled: `shell` in the text of a shell; in a command that is one value
    of YAML, `double` or `single` by its quotes, or `plain`; as an `item` of a YAML list; as `json`. `head` and `tail`
    are what stays around the value (`TP=` of `TP=4`, `${TP:-` and `}` of `${TP:-4}`). `gap` is what stands between the
    word before and this one, empty where that is on another line or is more than blanks and commas; `front` is what
    stands before an item that has a line of its own. `path` is set where that is another file, such as `.env`.
    """

    line: int
    column: int
    end: int
    text: str
    style: Style = "shell"
    head: str = ""
    tail: str = ""
    gap: str = ""
    front: str = ""
    path: str = ""


@dataclass(frozen=True, slots=True)
class Written:
    """The file, as the user named it; a place for each word of the launch's `argv`, None for one that does not stand
    there as it is read; and the places of variables that the file sets, by name.
    """

    path: str
    words: tuple[Word | None, ...] = ()
    variables: dict[str, Word] = field(default_factory=dict)

    @property
    def line(self) -> int | None:
        """The line on which the command begins."""
        return next((w.line for w in self.words if w is not None and not w.path), None)
