"""Terminals as they are: any encoding takes every text, and a stream that was closed says so when it is written to.

Characters that the encoding lacks are written as ASCII where there is a usual spelling (`->`), else as JSON would
escape them (`\\u4f60`), so that JSON stays JSON.
"""

from __future__ import annotations

import codecs
import contextlib
import os
import sys
from collections.abc import Mapping
from typing import IO, TextIO

LEGIBLE = "qvl-legible"
_ASCII = "qvl_ascii"  # click would put its own UTF-8 stream in the place of one whose encoding is called ascii
_SPELLED = {"…": "...", "—": "-", "–": "-", "‘": "'", "’": "'", "“": '"', "”": '"', "→": "->", "←": "<-", "⇒": "=>",
            "✓": "v", "✔": "v", "✗": "x", "✘": "x", "×": "x", "•": "*", "·": "-", "≥": ">=", "≤": "<=", "≠": "!=",
            "≈": "~", "─": "-", "│": "|", "└": "`", "├": "|", "▶": ">", "\u00a0": " ", "µ": "u"}  # fmt: skip

_LINKING = ("iTerm.app", "WezTerm", "vscode", "ghostty", "Hyper", "rio")  # programs that show links
_LINKING_TERMINALS = ("xterm-kitty", "xterm-ghostty", "alacritty", "foot")
_LINKING_VARIABLES = ("WT_SESSION", "KONSOLE_VERSION", "DOMTERM", "KITTY_WINDOW_ID")


def prepare_streams() -> None:
    """Makes stdout and stderr usable: every text can be encoded, and descriptors 0 to 2 are nobody else's file."""
    codecs.register_error(LEGIBLE, _legible)
    codecs.register(_own_ascii)
    _occupy()
    if sys.stdout is None:
        sys.stdout = _stream(1)
    if sys.stderr is None:
        sys.stderr = _stream(2)
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(AttributeError, ValueError, LookupError, OSError):
            plain = codecs.lookup(stream.encoding).name == "ascii"
            stream.reconfigure(encoding=_ASCII if plain else None, errors=LEGIBLE)  # type: ignore[union-attr]


def encoded(text: str) -> bytes:
    """`text` for a write to the terminal's descriptor, in the encoding of stderr."""
    try:
        return text.encode(getattr(sys.stderr, "encoding", None) or "utf-8", LEGIBLE)
    except LookupError:  # the streams were not prepared
        return text.encode("utf-8", "replace")


def shows_links(stream: IO[str], environ: Mapping[str, str]) -> bool:
    """Whether text may carry a link (OSC 8): only on a terminal that is known to show it, or where the user says so.

    FORCE_HYPERLINK (0 or 1) decides, as for other programs. tmux and screen hand links on in some releases only.
    """
    if not stream.isatty() or environ.get("TERM", "dumb") == "dumb":
        return False
    if (forced := environ.get("FORCE_HYPERLINK", "")) != "":
        return forced != "0"
    if environ.get("TMUX") or environ["TERM"].startswith(("screen", "tmux")):
        return False
    vte = environ.get("VTE_VERSION", "")
    return (
        environ.get("TERM_PROGRAM") in _LINKING or any(environ.get(name) for name in _LINKING_VARIABLES)
        or (vte.isdecimal() and int(vte) >= 5000) or environ["TERM"] in _LINKING_TERMINALS
    )  # fmt: skip


def let_go(stream: TextIO) -> None:
    """What is still in the buffer of a stream that cannot be written goes nowhere, so that the end is quiet."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, stream.fileno())
        os.close(null)
        stream.flush()


def _occupy() -> None:
    """A closed stdout is held by a descriptor that refuses writes; a closed stdin or stderr by one that takes all."""
    for fd, mode in ((0, os.O_RDONLY), (1, os.O_RDONLY), (2, os.O_WRONLY)):
        try:
            os.fstat(fd)
        except OSError:
            with contextlib.suppress(OSError):
                os.set_inheritable(os.open(os.devnull, mode), True)  # the lowest free number is this one


def _stream(fd: int) -> TextIO:
    return open(fd, "w", encoding="utf-8", errors=LEGIBLE, closefd=False)


def _legible(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(map(_spelled, error.object[error.start : error.end])), error.end


def _spelled(character: str) -> str:
    if character in _SPELLED:
        return _SPELLED[character]
    units = character.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[i]:02x}{units[i + 1]:02x}" for i in range(0, len(units), 2))


def _own_ascii(name: str) -> codecs.CodecInfo | None:
    if name != _ASCII:
        return None
    found = codecs.lookup("ascii")
    return codecs.CodecInfo(
        found.encode, found.decode, found.streamreader, found.streamwriter,
        found.incrementalencoder, found.incrementaldecoder, _ASCII,
    )  # fmt: skip
