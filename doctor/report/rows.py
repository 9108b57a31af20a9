"""Rows of a terminal: wrapped under their labels, as wide as the terminal and never wider than is pleasant to read."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from doctor.base.documentation import page_of
from doctor.base.terminals import shows_links
from doctor.base.text import clean, one_line, width
from doctor.report.content import LABEL
from doctor.report.wrapping import wrapped

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.console import Console
    from rich.text import Text

WIDEST = 100


class Rows:
    """Rows that are printed as they are made; `count` is how many the terminal shows.

    `room` is how many more may be printed, None for any number. The first paragraph that does not fit whole ends it;
    `left_out` counts those that are not printed.
    """

    def __init__(self, console: Console) -> None:
        self.console = console
        self.width = max(min(console.width, WIDEST), 40)
        self.count = 0
        self.room: int | None = None
        self.left_out = 0
        self.empty = False  # the last row
        self.links = console.is_terminal and shows_links(console.file, os.environ)

    def blank(self) -> None:
        """An empty row, where the last one is not empty."""
        if not self.empty:
            self.line("")

    def line(self, text: str, style: str = "", code: str = "") -> None:
        """A row as it is, wrapped by the terminal alone, so that it can be copied; `code` in it leads to its page."""
        from rich.text import Text

        shown = Text(text, style=style)
        if code and self.links and (page := page_of(code)) and (at := text.find(code)) >= 0:
            shown.stylize(f"link {page}", at, at + len(code))
        self._print([shown])

    def together(self, lines: list[str]) -> None:
        """Rows as they are, all of them or none."""
        from rich.text import Text

        self._print([Text(line) for line in lines])

    def block(self, text: str, indent: str = "", style: str = "") -> None:
        """A paragraph."""
        from rich.text import Text

        lines = wrapped(one_line(text), self.width, len(indent), len(indent))
        self._print([Text(indent + one, style=style) for one in lines])

    def row(self, label: str, text: str, *, indent: str = "", style: str = "") -> None:
        """A label and a text beside it, wrapped under itself."""
        from rich.text import Text

        shown_label = one_line(label, 40)
        lead = f"{indent}{shown_label}{' ' * (LABEL - width(shown_label))}"
        hang = " " * (len(indent) + LABEL)
        if width(lead) > len(hang):
            lead += "  "
        rows = list[Text]()
        for number, one in enumerate(wrapped(one_line(text), self.width, width(lead), len(hang))):
            shown = Text(lead if number == 0 else hang, style="dim")
            rows.append(shown.append(one, style=style or "not dim not bold"))
        self._print(rows)

    def commands(self, lines: Iterable[str], indent: str) -> None:
        """Lines to paste."""
        for one in lines:
            self.line(f"{indent}{clean(one)}", "bold")

    def _print(self, rows: list[Text]) -> None:
        """A paragraph: whole, or not at all."""
        takes = sum(max(1, -(-row.cell_len // max(self.console.width, 1))) for row in rows)
        if self.room is not None:
            if takes > self.room:
                self.room = 0
                self.left_out += any(row.plain.strip() for row in rows)
                return
            self.room -= takes
        for row in rows:
            self.console.print(row, soft_wrap=True)
            self.empty = not row.plain.strip()
        self.count += takes
