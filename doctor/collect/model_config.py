"""config.json of the model that a launch command names: a local folder, or one in the hub's cache on this disk.

Nothing is fetched, and no code of the model is looked at.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping
from typing import Any

from doctor.collect.files import Files, Unreadable
from doctor.facts import NOT_REQUESTED, Launch, Model, Quantization, Unavailable
from doctor.text import clean, one_line

LARGEST = 4 << 20
MOST = 64
_REPOSITORY = re.compile(r"[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95}$")
OPTIONS = ("--model", "--model-path", "--model_path")


def launched_model(
    launch: Launch | Unavailable, environ: Mapping[str, str], root: str | None = None, named: str | None = None
) -> Model | Unavailable:
    """The model that the user `named`, else of the first word of the command that is one: a folder, or in the cache."""
    files = Files(root)
    if named is not None:
        found = _model(files, named, os.getcwd(), environ)
        return found or Unavailable("failed", f"`{clean(named, 200)}` is no model with a `config.json` on this disk")
    if not isinstance(launch, Launch) or launch.engine is None:
        return NOT_REQUESTED
    for word in dict.fromkeys(_words(launch)):
        found = _model(files, word, launch.workdir or os.getcwd(), environ)
        if found is not None:
            return found
    return Unavailable("failed", "the launch command names no model with a `config.json` on this disk")


def _model(files: Files, word: str, folder: str, environ: Mapping[str, str]) -> Model | Unavailable | None:
    here = os.path.normpath(files.inside(os.path.join(folder, word)))
    for place in (here, *_cached(files, word, environ)):
        if files.isfile(os.path.join(place, "config.json")):
            return read_model(files, place)
    return None


def _cached(files: Files, word: str, environ: Mapping[str, str]) -> Iterator[str]:
    """The folders of a hub repository in the local cache: that of its main branch, else whichever were fetched."""
    if not _REPOSITORY.match(word):
        return
    base = environ.get("HF_HUB_CACHE") or environ.get("HUGGINGFACE_HUB_CACHE")
    home = environ.get("HF_HOME") or os.path.join(
        environ.get("XDG_CACHE_HOME") or os.path.join(environ.get("HOME") or os.path.expanduser("~"), ".cache"),
        "huggingface",
    )
    folder = files.inside(os.path.join(base or os.path.join(home, "hub"), f"models--{word.replace('/', '--')}"))
    main = (files.text(os.path.join(folder, "refs", "main"), 256) or "").strip()
    snapshots = os.path.join(folder, "snapshots")
    if re.fullmatch(r"[0-9a-f]{6,64}", main):
        yield os.path.join(snapshots, main)
    yield from (os.path.join(snapshots, name) for name in files.names(snapshots)[:20])


def read_model(files: Files, folder: str) -> Model | Unavailable:
    """The facts of one folder; Unavailable, with the reason, for a config.json that is none."""
    path = os.path.join(folder, "config.json")
    try:
        data: Any = json.loads(files.read(path, LARGEST).decode("utf-8-sig", "replace"))
    except Unreadable as error:
        return Unavailable("failed", f"`{one_line(path, 200)}` {error}")
    except (ValueError, RecursionError):
        return Unavailable("failed", f"`{one_line(path, 200)}` is no JSON")
    if not isinstance(data, dict):
        return Unavailable("failed", f"`{one_line(path, 200)}` holds no object")
    names = data.get("architectures")
    return Model(
        folder, tuple(_name(n) for n in names[:MOST] if isinstance(n, str)) if isinstance(names, list) else (),
        _name(data["model_type"]) if isinstance(data.get("model_type"), str) else None, _quantization(data),
        tuple(_name(k) for k in list(data["auto_map"])[:MOST]) if isinstance(data.get("auto_map"), dict) else (),
    )  # fmt: skip


def _words(launch: Launch) -> Iterator[str]:
    """Words that may be the model, the likelier ones first: option values, then whatever is no option."""
    for at, word in enumerate(launch.argv[:1000]):
        name, equals, value = word.partition("=")
        if name in OPTIONS:
            yield value if equals else launch.argv[at + 1] if at + 1 < len(launch.argv) else ""
    yield from (w for w in launch.argv[1:200] if w and not w.startswith("-"))


def _quantization(data: dict[str, Any]) -> Quantization | None:
    """Top level, or that of the language model inside; `compression_config` is the older name of one method."""
    places = (data, *(data[k] for k in ("text_config", "llm_config") if isinstance(data.get(k), dict)))
    for place in places:
        for key, method in (("quantization_config", None), ("compression_config", "compressed-tensors")):
            found = place.get(key)
            if isinstance(found, dict) and (named := found.get("quant_method") or method):
                return Quantization(_name(str(named)), _plain(found))
    return None


def _plain(found: dict[str, Any]) -> dict[str, bool | int | float | str]:
    pairs = ((_name(k), v) for k, v in list(found.items())[:MOST] if isinstance(k, str))
    return {k: _name(v) if isinstance(v, str) else v for k, v in pairs if isinstance(v, (bool, int, float, str))}


def _name(text: str) -> str:
    return one_line(text, 200)
