"""The model that a launch command or the user names: read from a folder, from the hub's cache, or from the hub."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import replace

from doctor.base.files import BARRED, Files
from doctor.base.text import clean, one_line
from doctor.collect.model.hub.cache import REPOSITORY, caches, snapshots
from doctor.collect.model.mounted import cache, outside
from doctor.collect.model.place import Folder
from doctor.collect.model.reading import is_model, read_model
from doctor.collect.model.request import ModelRequest
from doctor.facts import NOT_REQUESTED, Launch, Model, Unavailable, Weights
from doctor.launch.asked import asked
from doctor.launch.drafting import drafting
from doctor.launch.options import model_of

__all__ = ["ModelRequest", "launched_model"]


def launched_model(launch: Launch | Unavailable, request: ModelRequest) -> Model | Unavailable:
    """The model that the user named, else of the first word of the command that is one.

    It is looked for as a folder, then in the hub's cache on this disk. A launch command alone never makes a connection.
    """
    files = Files(request.root)
    if request.named is not None:
        return _named(files, request.named, request)
    if not isinstance(launch, Launch) or launch.engine is None:
        return NOT_REQUESTED
    barred: str | None = None
    repository, shared, environ = None, cache(launch), request.environ
    if shared is not None:
        environ = {**environ, "HF_HUB_CACHE": shared}
    for word in dict.fromkeys(_likely_models(launch, request.release)):
        folder = launch.workdir or os.getcwd()
        found = _on_disk(files, outside(launch, word) or word, folder, environ, request.use_cache)
        if found is not None:
            draft = _draft(launch, request, files, environ)
            return replace(found, named=one_line(word, 300), draft=draft)
        repository = repository or (word if REPOSITORY.match(word) else None)
        if os.sep in word and files.barred(os.path.normpath(files.inside(os.path.join(folder, word)))):
            barred = barred or word
    if barred is not None:
        return Unavailable("failed", f"`{one_line(barred, 200)}`, which the launch command names, {BARRED}")
    ask = f"; use `--model {repository}` to ask the hub" if repository and request.root is None else ""
    return Unavailable("failed", f"the launch command does not name a model with a `config.json` on this disk{ask}")


def _draft(launch: Launch, request: ModelRequest, files: Files, environ: Mapping[str, str]) -> Model | None:
    """The smaller model that the command names beside it, where it is on this disk."""
    read = asked(launch, request.release)
    word = drafting(read.value, read.data).model if read is not None else None
    folder = launch.workdir or os.getcwd()
    return _on_disk(files, outside(launch, word) or word, folder, environ, request.use_cache) if word else None


def _named(files: Files, named: str, request: ModelRequest) -> Model | Unavailable:
    """The model on this disk; from the hub where it is not there, or where only its configuration was fetched."""
    found = _on_disk(files, named, os.getcwd(), request.environ, request.use_cache)
    shown = clean(named, 200)
    if found is not None and (found.source == "folder" or _has_weights(found)):
        return found
    if not REPOSITORY.match(named) or files.root is not None or os.path.isdir(named):
        return found or Unavailable("failed", f"`{shown}` is not a model with a `config.json` on this disk")
    if not request.online:
        return found or Unavailable("failed", f"`{shown}` is not on this disk, and the hub was not asked")
    from doctor.collect.model.hub.download import hub_model

    asked = hub_model(named, files, request.environ, request.use_cache, request.tell)
    return found if found is not None and isinstance(asked, Unavailable) else asked


def _has_weights(model: Model) -> bool:
    return isinstance(model.weights, Weights) and bool(model.weights.files)


def _on_disk(files: Files, word: str, folder: str, environ: Mapping[str, str], use_cache: bool) -> Model | None:
    """The model of this name on this disk; None where there is none."""
    if not word or "\0" in word:
        return None
    own = caches(files, environ)
    here = os.path.normpath(files.inside(os.path.join(folder, word)))
    if files.isdir(here) and is_model(found := Folder(files, here, "folder", own)):
        return read_model(found, word, use_cache=use_cache)
    if word.endswith(".gguf") and files.isfile(here):
        return read_model(Folder(files, os.path.dirname(here), "folder", own), word, only=os.path.basename(here))
    for place in (p for folder in own for p in snapshots(files, folder, word)):
        if files.isdir(place) and is_model(found := Folder(files, place, "cache", own)):
            return read_model(found, word, use_cache=use_cache)
    return None


def _likely_models(launch: Launch, release: str | None) -> Iterator[str]:
    """The word that names the model; of an engine whose command line we do not read, whatever is no option, too."""
    word = model_of(launch, release)
    if word is not None:
        yield word
    elif asked(launch, release) is None:
        yield from (w for w in launch.argv[1:200] if w and not w.startswith("-"))
