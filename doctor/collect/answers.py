"""Answers that were given, each kept with what it depends on, so that the same question need not be thought over again.

The facts are collected anew each time; an answer is found by what they are, by how it is to be shown, and by the code
and the data that made it. Numbers of the moment need not be equal: those that the answer only compared have bounds.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import pickle
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import doctor
from doctor.base.owned import read_owned, write_owned
from doctor.base.reading import Bounds, holds
from doctor.base.record import dataclass
from doctor.collect.cache import folder, prune

KEEP = 40
LARGEST = 4 << 20  # bytes of a file
_EACH_TIME = ("_", "OLDPWD", "SHLVL")  # variables that shells change between two equal commands


@dataclass(frozen=True)
class Answer:
    """What was printed, the exit status, and the bounds within which the numbers of the moment leave it as it is."""

    text: str
    status: int
    bounds: dict[str, Bounds]


def place(question: object, environ: Mapping[str, str]) -> Path | None:
    """The file of the answer to this question, made of values that pickle; None where there is no place to keep it.

    Nor where doctor's own files cannot be seen, as in the single file: another build would find the answers of this.
    """
    here = {name: value for name, value in environ.items() if name not in _EACH_TIME}
    try:
        code = own_code()
        return folder() / "answers" / f"{_digest((question, here, sys.version, code))}.json" if code else None
    except (RuntimeError, TypeError, ValueError, pickle.PicklingError):  # no home folder; a value that does not pickle
        return None


def _digest(value: object) -> str:
    """The same for equal values: nothing is written as a reference to an equal part before it."""
    data = io.BytesIO()
    pickler = pickle.Pickler(data, 4)
    pickler.fast = True
    pickler.dump(value)
    return hashlib.blake2b(data.getbuffer(), digest_size=16).hexdigest()


def own_code() -> str:
    """What tells this state of doctor's own files from another: names, sizes and times of all; empty for none."""
    out: list[str] = []
    stack = [str(Path(doctor.__file__).parent)]
    stack.append(str(Path(stack[0]).parent / "matrices"))  # where doctor runs from its sources
    while stack:
        with contextlib.suppress(OSError), os.scandir(stack.pop()) as entries:
            for entry in entries:
                if entry.is_dir():
                    if entry.name != "__pycache__":
                        stack.append(entry.path)
                    continue
                status = entry.stat()
                out.append(f"{entry.path} {status.st_mtime_ns} {status.st_size}")
    return hashlib.blake2b("\n".join(sorted(out)).encode("utf-8", "surrogateescape")).hexdigest() if out else ""


def load(path: Path, now: Mapping[str, int]) -> Answer | None:
    """The answer that was kept, if it is still true for the numbers `now`."""
    try:
        kept: dict[str, Any] = json.loads(read_owned(path, LARGEST))
        answer = Answer(
            str(kept["text"]), int(kept["status"]), {k: (low, high) for k, (low, high) in kept["bounds"].items()}
        )
        return answer if holds(answer.bounds, now) else None
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def save(path: Path, answer: Answer) -> None:
    """Keeps an answer, whole or not at all. A full or read-only disk is no error."""
    text = json.dumps({"text": answer.text, "status": answer.status, "bounds": answer.bounds})
    with contextlib.suppress(OSError):
        write_owned(path, text.encode("utf-8", "surrogatepass"))
        prune(path.parent, KEEP)
