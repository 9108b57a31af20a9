"""The facts of one model out of its files, remembered for as long as those stay as they are."""

from __future__ import annotations

import hashlib
import json
import os
from typing import Any

from doctor import __version__
from doctor.base.files import BARRED, Unreadable
from doctor.base.text import one_line
from doctor.collect.model import plain
from doctor.collect.model.code.files import read_code
from doctor.collect.model.place import Folder, Place
from doctor.collect.model.quantization import read_quantization
from doctor.collect.model.weights import read_weights
from doctor.facts import Model, Problem

MOST = 64
SHAPE = 3  # counts what `Model` holds: a kept one without a new field is read again
CONFIG = "config.json"
_TOKENIZERS = ("tokenizer.json", "tokenizer.model", "tekken.json", "spiece.model", "vocab.txt", "tokenizer.model.v3",
               "sentencepiece.bpe.model")  # fmt: skip
_TEMPLATES = ("chat_template.json", "chat_template.jinja")
_PICTURES = ("image_processor_type", "size", "min_pixels", "max_pixels", "max_patches", "max_dynamic_patch")
_PROCESSORS = ("preprocessor_config.json", "processor_config.json", "image_processor_config.json")
_COMPANIONS = (*_TOKENIZERS, *_TEMPLATES, *_PROCESSORS, "tokenizer_config.json", "vocab.json", "merges.txt",
               "generation_config.json")  # fmt: skip


def is_model(place: Folder) -> bool:
    """Whether a folder holds a model: it has a config.json, Mistral's params.json or files of weights."""
    names = place.names
    return CONFIG in names or any(
        n == "params.json" or n.endswith((".gguf", ".safetensors", ".safetensors.index.json")) for n in names
    )


def read_model(place: Folder, named: str, *, only: str | None = None, use_cache: bool = True) -> Model:
    """The model in a folder; `only` one file of weights, where the user names a file. From memory where it can be."""
    from doctor.collect import cache

    kept = _kept(place, named) if use_cache and only is None else None
    known = cache.load(kept, Model) if kept else None
    if known is not None:
        return known
    made = build(place, named, only)
    if kept:
        cache.save(kept, made, {path: _stamp(path) for path in place.seen})
    return made


def build(place: Place, named: str | None, only: str | None = None) -> Model:
    """The facts, read anew."""
    problems: list[Problem] = []
    config = _config(place, problems) if only is None else {}
    shown, cut = plain.bounded(config)
    if cut:
        problems.append(Problem(CONFIG, "is too large or too deep to keep whole"))
    tokenizer_config = plain.maybe(place, "tokenizer_config.json")
    if only is None:
        problems += [Problem(name, BARRED) for name in _COMPANIONS if place.barred(name)]
    kind = config.get("model_type")
    return Model(
        path=place.path,
        architectures=_strings(config.get("architectures")),
        model_type=_name(kind) if isinstance(kind, str) and kind else None,
        quantization=read_quantization(place, config) if only is None else None,
        remote_code=_keys(config.get("auto_map")),
        named=one_line(named, 300) if named else None,
        source=place.source,
        revision=_revision(place),
        config=shown,
        weights=read_weights(place) if only is None else _single(place, only),
        code=read_code(place, config, tokenizer_config, named) if only is None else None,
        tokenizer=_present(place, only, _has_tokenizer(place, tokenizer_config)),
        chat_template=_present(place, only, bool(tokenizer_config.get("chat_template")) or _any(place, _TEMPLATES)),
        processor=_present(place, only, _any(place, _PROCESSORS)),
        problems=tuple(problems),
        preprocessor=_preprocessor(place) if only is None else {},
    )


def _preprocessor(place: Place) -> dict[str, Any]:
    """The class of the image processor and the sizes it keeps to, as preprocessor_config.json has them."""
    found = plain.maybe(place, "preprocessor_config.json")
    kept, _ = plain.bounded({k: found[k] for k in _PICTURES if k in found})
    return kept


def _config(place: Place, problems: list[Problem]) -> dict[str, Any]:
    if CONFIG not in place.names:
        problems.append(Problem(CONFIG, "is missing"))
        return {}
    try:
        return plain.load(place, CONFIG)
    except (plain.NotPlain, Unreadable) as error:
        problems.append(Problem(CONFIG, str(error)))
        return {}


def _single(place: Place, name: str) -> Any:
    return read_weights(_Only(place, name))


class _Only:
    """One file of a folder, as if nothing lay beside it."""

    def __init__(self, place: Place, name: str) -> None:
        self.path, self.source, self.names = place.path, place.source, (name,)
        self.size, self.read, self.head, self.other = place.size, place.read, place.head, place.other
        self.barred = place.barred


def _has_tokenizer(place: Place, config: dict[str, Any]) -> bool:
    names = place.names
    if _any(place, _TOKENIZERS) or ("vocab.json" in names and "merges.txt" in names):
        return True
    return any(n.endswith(".tiktoken") for n in names) or (
        isinstance(config.get("auto_map"), dict) and any(n.startswith("tokenization_") for n in names)
    )


def _present(place: Place, only: str | None, there: bool) -> bool | None:
    """Absent from the hub's cache may mean not yet fetched; one file alone brings its own."""
    if only is not None:
        return None
    return True if there else None if place.source == "cache" else False


def _any(place: Place, names: tuple[str, ...]) -> bool:
    return any(name in place.names for name in names)


def _revision(place: Place) -> str | None:
    if place.source == "hub":
        return getattr(place, "revision", None)
    return os.path.basename(place.path) if place.source == "cache" else None


def _kept(place: Folder, named: str) -> Any:
    from doctor.collect import cache

    question = json.dumps([__version__, SHAPE, place.path, place.source, named, place.caches])
    try:
        return cache.folder() / "models" / f"{hashlib.sha256(question.encode()).hexdigest()[:32]}.json"
    except RuntimeError:  # no home folder
        return None


def _stamp(path: str) -> tuple[int, int] | None:
    try:
        info = os.stat(path)
    except (OSError, ValueError):
        return None
    return info.st_mtime_ns, info.st_size


def _strings(value: Any) -> tuple[str, ...]:
    return tuple(_name(v) for v in value[:MOST] if isinstance(v, str)) if isinstance(value, list) else ()


def _keys(value: Any) -> tuple[str, ...]:
    return tuple(_name(k) for k in list(value)[:MOST]) if isinstance(value, dict) else ()


def _name(text: str) -> str:
    return one_line(text, 200)
