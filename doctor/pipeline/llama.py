"""A server of llama.cpp as a deployment: an image of its own, its GGUF files mounted, the same gateway and metrics."""

from __future__ import annotations

import os
import posixpath
from pathlib import Path, PurePath

from doctor.base.address import LOCAL
from doctor.base.secrets.hide import HIDDEN
from doctor.facts import Facts, Gpu, Host, Launch
from doctor.findings.proposal import Proposal
from doctor.launch.naming import names_of
from doctor.matrix.engines import engine_row
from doctor.matrix.official import service
from doctor.pipeline.placed import Own, exporter_for
from doctor.pipeline.recipe import driver_cuda
from doctor.report.plan.recipe import Doubts, OwnService, Recipe

PROGRAM = "llama-server"
PORT = 8080
MODEL, PROJECTOR = ("-m", "--model"), ("-mm", "--mmproj")
REPOSITORY = ("-hf", "-hfr", "--hf-repo")
ALIAS, LISTENS, HOST, KEY = ("-a", "--alias"), ("--port",), ("--host",), ("--api-key",)
UNJUDGED = "the rules do not know llama.cpp: its options, its model and its memory were not checked"


def llama_recipe(answer: Proposal, own: Own | None = None) -> Recipe | None:
    """The recipe of a command that starts llama.cpp's server; None for any other. `own`: as the user has it."""
    facts = answer.before.facts
    launch = facts.launch
    if not isinstance(launch, Launch) or not launch.argv or launch.engine is not None:
        return None
    if PurePath(launch.argv[0].replace("\\", "/")).name.removesuffix(".exe") != PROGRAM:
        return None
    words = launch.argv[1:]
    if own is not None and isinstance(own.written, OwnService):
        return _kept(own, own.written, launch, facts)
    folder, inside = _mounted(words, launch.workdir or "/")
    command = ("/app/llama-server", *_reached(inside))
    secrets = names_of(command, engine_row(None), launch.given)
    gpu = gpu_of(facts)
    host = facts.host if isinstance(facts.host, Host) else None
    number = _value(words, LISTENS) or ""
    return Recipe(
        engine="llama.cpp", image=_image(facts), command=command, folder=folder, served=_named(words),
        metrics=("--metrics",), secrets=secrets, key=secrets[0] if HIDDEN in (_value(words, KEY) or "") else None,
        weights=_size(words, launch.workdir or "/"), exporter=exporter_for(gpu, host),
        listens=int(number) if number.isdigit() and len(number) < 6 else PORT, curl=True,
        environ={"LLAMA_CACHE": "/root/.cache/huggingface"}, proof="llama.cpp runs in an image of its own.",
        doubts=Doubts((), (UNJUDGED,), True),
    )  # fmt: skip


def _kept(own: Own, written: OwnService, launch: Launch, facts: Facts) -> Recipe:
    """The user's service with what it lacks: its image, its files and its GPUs are theirs."""
    words = launch.argv[1:]
    host = _value(words, HOST)
    local = host in LOCAL
    command = (launch.argv[0], *(_reached(words) if local else words))
    secrets = names_of(command, engine_row(None), (*own.words, *launch.given))
    number = _value(words, LISTENS) or ""
    on_gpu = any(w in str(written.service.get("image")) for w in ("cuda", "vulkan", "rocm"))
    return Recipe(
        engine="llama.cpp", command=command, name=own.name, served=_named(words), metrics=("--metrics",),
        gpus=int(on_gpu), secrets=secrets, key=secrets[0] if HIDDEN in (_value(words, KEY) or "") else None,
        changed=local,
        exporter=exporter_for(gpu_of(facts), facts.host if isinstance(facts.host, Host) else None),
        listens=int(number) if number.isdigit() and len(number) < 6 else PORT, curl=True, spelled=own.spelled,
        own=written, proof="llama.cpp runs in an image of its own.", doubts=Doubts((), (UNJUDGED,), True),
    )  # fmt: skip


def gpu_of(facts: Facts) -> Gpu:
    """The GPUs of the machine, none where nothing is known."""
    return facts.gpu if isinstance(facts.gpu, Gpu) else Gpu()


def _image(facts: Facts) -> str:
    runs = driver_cuda(facts)
    return service("llama.cpp for CUDA 13" if runs is not None and runs >= (13, 0) else "llama.cpp")


def _value(words: tuple[str, ...], names: tuple[str, ...]) -> str | None:
    """The value of an option that has several names."""
    for at, word in enumerate(words):
        name, equals, value = word.partition("=")
        if name in names:
            return value if equals else words[at + 1] if at + 1 < len(words) else None
    return None


def _mounted(words: tuple[str, ...], here: str) -> tuple[str | None, tuple[str, ...]]:
    """The folder of the model's file on this machine, and the words with its files as they are called in `/model`."""
    model = _value(words, MODEL)
    if model is None:
        return None, words
    folder = os.path.normpath(os.path.join(here, posixpath.dirname(model)))
    files = {f for f in (model, _value(words, PROJECTOR)) if f is not None}
    moved = {f: f"/model/{posixpath.basename(f)}" for f in files if _folder(f, here) == folder}
    return folder, tuple(moved.get(w, w) for w in words)


def _folder(file: str, here: str) -> str:
    return os.path.normpath(os.path.join(here, posixpath.dirname(file)))


def _reached(words: tuple[str, ...]) -> tuple[str, ...]:
    """The words with an address that is reached from outside the container, and a port."""
    out = list(words)
    for names, value in ((HOST, "0.0.0.0"), (LISTENS, str(PORT))):
        at = next((n for n, w in enumerate(out) if w.partition("=")[0] in names), None)
        if at is None:
            out += [names[0], value]
        elif names is HOST:
            out[at : at + (1 if "=" in out[at] else 2)] = [names[0], value]
    return tuple(out)


def _named(words: tuple[str, ...]) -> str:
    """What clients call the model: its alias, else its repository or its file."""
    file = _value(words, MODEL)
    return _value(words, ALIAS) or _value(words, REPOSITORY) or (PurePath(file).stem if file else "model")


def _size(words: tuple[str, ...], here: str) -> int | None:
    """Bytes of the model's file, where it is on this machine."""
    file = _value(words, MODEL)
    try:
        return Path(here, file).stat().st_size if file else None
    except (OSError, ValueError):
        return None
