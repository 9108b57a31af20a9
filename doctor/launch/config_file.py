"""Settings of an engine that stand in a file, as the words that its own command line has for them."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from doctor.launch.shell import Shell

MOST = 300
LARGEST = 64 << 10
Read = Callable[[str], str | None]


def with_config(words: tuple[str, ...], shell: Shell, *, model_first: bool) -> tuple[str, ...]:
    """The words behind the subcommand with the options of `--config FILE` in front of them, as the engines have it.

    What the command line itself says goes before, because it comes later. `model_first`: the model is a word of its
    own. The words stay as they are where the file cannot be read or holds no options.
    """
    at = next((i for i, w in enumerate(words) if w.partition("=")[0] == "--config"), None)
    if at is None:
        return words
    _, equals, value = words[at].partition("=")
    file = value if equals else words[at + 1] if at + 1 < len(words) else ""
    settings = _settings(file, shell)
    if settings is None:
        return words
    rest = [*words[:at], *words[at + (1 if equals else 2) :]]
    own = [rest.pop(0)] if model_first and rest and not rest[0].startswith("-") else []
    model = settings.pop("model", None) if model_first else None
    front = own or ([str(model)] if model is not None else [])
    return (*front, *as_options(settings), *rest)


def _settings(file: str, shell: Shell) -> dict[str, Any] | None:
    from doctor.base.yaml_text import YamlError, load  # few commands name a file

    path = os.path.normpath(os.path.join(shell.cwd, file))
    text = shell.inner(path) if shell.inner is not None else shell.files.text(shell.files.inside(path), LARGEST)
    try:
        found = load(text[:LARGEST]) if text else None
    except YamlError:
        return None
    return {str(k): v for k, v in found.items()} if isinstance(found, dict) else None


def as_options(settings: Mapping[str, Any]) -> tuple[str, ...]:
    """`{max_model_len: 8192, enforce_eager: true}` as `--max-model-len 8192 --enforce-eager`."""
    return tuple(w for name, value in list(settings.items())[:MOST] for w in _option(str(name), value))


def _option(name: str, value: Any) -> Iterator[str]:
    if value is None or value is False:
        return
    yield f"--{name.lstrip('-').replace('_', '-')}"
    if isinstance(value, list) and all(isinstance(v, (str, int, float)) for v in value):
        yield from map(_word, value[:MOST])
    elif value is not True:
        small = not isinstance(value, (list, dict)) or _size(value, MOST) < MOST  # aliases multiply, or go in a circle
        yield _word(value) if not isinstance(value, (list, dict)) else json.dumps(value, default=str) if small else "{}"


def _size(value: Any, most: int) -> int:
    """How many values there are in a value, counted up to `most`."""
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    count = 1
    for one in inside:
        if count >= most:
            break
        count += _size(one, most - count)
    return count


def _word(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
