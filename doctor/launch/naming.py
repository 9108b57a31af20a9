"""Secrets of a command by the names of variables: no file of ours holds a value, and none holds asterisks."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence

from doctor.base.late import late_pattern
from doctor.base.quoting import joined, quoted
from doctor.base.secrets.hide import HIDDEN
from doctor.matrix.engine_types import Engine
from doctor.matrix.engines import engine_row

_NAME = late_pattern(r"[A-Za-z_][A-Za-z0-9_]{0,80}")
_REFERENCE = late_pattern(r"\$\{?([A-Za-z_][A-Za-z0-9_]{0,80})\b")
Text = Callable[[str], str]


def names_of(words: Sequence[str], row: Engine, given: Iterable[str] = ()) -> tuple[str, ...]:
    """A variable for each hidden value in `words`, in order: as the user named it, else after its option.

    `given` are the user's own words, which may name the variable (`--api-key $KEY`).
    """
    own, out = _own(tuple(given)), list[str]()
    for option, word in hidden_in(words):
        front = "" if word.startswith("-") or word == HIDDEN else word.partition("=")[0]
        out.append(_fresh(own.get(_plain(option)) or _named(front or option, row), out))
    return tuple(out)


def hidden_in(words: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Each hidden value: the option that it stands behind, the last one before it if it is none's own, and its word."""
    option = ""
    for word in words:
        option = word.partition("=")[0] if word.startswith("-") else option
        yield from [(option, word)] * word.count(HIDDEN)


def _own(words: tuple[str, ...]) -> dict[str, str]:
    """The variables that stand behind options in the user's words, those of a shell text included."""
    out: dict[str, str] = {}
    option = ""
    for word in (part for w in words for part in w.split()):
        if word.startswith("-"):
            option = word.partition("=")[0]
        if option and (found := _REFERENCE.search(word)):
            out.setdefault(_plain(option), found[1])
    return out


def _plain(option: str) -> str:
    return option.lstrip("-").replace("_", "-").lower()


def _named(option: str, row: Engine) -> str:
    if option in row.names("api_key"):
        return row.variables.get("api_key") or "API_KEY"
    name = re.sub(r"[^A-Za-z0-9]+", "_", option.strip("-")).strip("_").upper()
    return name if _NAME.fullmatch(name) else "SECRET"


def _fresh(name: str, taken: list[str]) -> str:
    count = sum(t == name or (t.startswith(f"{name}_") and t[len(name) + 1 :].isdigit()) for t in taken)
    return f"{name}_{count + 1}" if count else name


def filled(words: Iterable[str], names: Sequence[str], reference: Text, plain: Text) -> list[str]:
    """The words with a reference to a variable for each hidden value; `plain` treats what stands around it."""
    out, left = [], list(names)
    for word in words:
        parts = [plain(p) for p in word.split(HIDDEN)]
        text = parts[0]
        for part in parts[1:]:
            text += (reference(left.pop(0)) if left else plain(HIDDEN)) + part
        out.append(text)
    return out


def shell(words: Iterable[str], names: Sequence[str], guard: str = "") -> str:
    """The words as a line of a shell, with `"${NAME}"` for each hidden value, `guard` before its brace."""
    reference = f'"${{{{{{0}}{guard.replace("{}", "{0}")}}}}}"'.format
    return " ".join(filled(words, names, reference, lambda part: quoted(part) if part else ""))


def typed(words: Sequence[str], engine: str | None, given: Iterable[str] = ()) -> str:
    """A command as it can be typed: variables in place of hidden values, every other word quoted where it has to be."""
    names = names_of(words, engine_row(engine), given)
    return shell(words, names) if names else joined(words)
