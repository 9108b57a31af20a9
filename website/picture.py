"""`python -m website.picture` draws docs/picture.svg: a real answer as a terminal shows it, in a font of the reader."""

from __future__ import annotations

import io
import re

from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console
from rich.text import Text

from website.answers import COLUMNS, ROOT, answer

FILE = ROOT / "docs" / "picture.svg"
COMMAND = (
    "qvl-doctor check --offline --requirements docs/examples/requirements.txt --python-version 3.11 --gpu 'RTX 3090' "
    "-- lmdeploy serve api_server Qwen/Qwen-VL-Chat-Int4"
)
FONTS = '"DejaVu Sans Mono", Menlo, Consolas, monospace'
ROWS = 26


def picture() -> str:
    """The picture of the first pages."""
    return drawn(COMMAND, answer(COMMAND, CLICOLOR_FORCE="1").splitlines()[:ROWS], COLUMNS)


def drawn(command: str, lines: list[str], columns: int) -> str:
    """A terminal with a command and its answer, as SVG. It holds no address but that of its own language, so that showing
    it asks no host for anything."""
    out = Console(file=io.StringIO(), record=True, width=columns, force_terminal=True, color_system="standard")
    out.print(Text(f"$ {command}", style="bold"))
    for line in lines:
        out.print(Text.from_ansi(line))
    form = re.sub(r"@font-face \{\{.*?\}\}\n", "", CONSOLE_SVG_FORMAT, flags=re.S)
    form = re.sub(r"<!--.*?-->", "", form, flags=re.S).replace("Fira Code, monospace", FONTS)
    svg = out.export_svg(title="qvl-doctor", code_format=form, unique_id="qvl-doctor")
    return "".join(f"{line.rstrip()}\n" for line in svg.splitlines())


if __name__ == "__main__":
    FILE.write_text(picture(), encoding="utf-8")
