"""The weights that lie in a folder or repository: which files, how large, of which types. No tensor is read."""

from __future__ import annotations

from collections import Counter
from dataclasses import field
from typing import Any

from doctor.base.files import Unreadable
from doctor.base.late import late_pattern
from doctor.base.record import dataclass
from doctor.base.text import one_line
from doctor.collect.model import gguf, plain
from doctor.collect.model.parts import by_part
from doctor.collect.model.place import Outside, Place
from doctor.collect.model.safetensors import Damaged, read_header
from doctor.facts import NOT_REQUESTED, Problem, Unavailable, WeightFile, Weights

INDEX_LIMIT = 32 << 20
HEADERS_LIMIT = 96 << 20  # of all files together
MOST = 2048
INDEXES = ("model.safetensors.index.json", "consolidated.safetensors.index.json", "pytorch_model.bin.index.json")
_ENDINGS = {".safetensors": "safetensors", ".bin": "bin", ".pt": "pt", ".pth": "pt", ".gguf": "gguf"}
_OTHERS = late_pattern(r"(?:training_args|optimizer|scheduler|rng_state|scaler|adapter_model|tokenizer)\b")


@dataclass
class _Found:
    files: list[WeightFile] = field(default_factory=list)
    dtypes: Counter[str] = field(default_factory=Counter)
    tensors: dict[str, int] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    unread: bool = False
    headers: int = 0

    def fault(self, name: str, size: int, kind: Any, message: str) -> None:
        self.files.append(WeightFile(one_line(name, 200), size, None, kind))
        self.problems.append(Problem(one_line(name, 200), message))
        self.unread = True


def read_weights(place: Place) -> Weights | Unavailable:
    """The weights; Unavailable where there are none."""
    index = next((name for name in INDEXES if name in place.names), None)
    found = _Found()
    listed, declared = _listed(place, index, found) if index else ((), None)
    names, form = (listed, _format(listed[0])) if listed else _choose(place.names)
    if not names and not found.problems:
        return Unavailable("failed", "no weight files found") if place.names else NOT_REQUESTED
    architecture = None
    for name in names[:MOST]:
        size = _size(place, name, found)
        if size is None:
            continue
        if form == "safetensors":
            _safetensors(place, name, size, found)
        else:
            architecture = _other(place, name, size, form, found) or architecture
    whole = not (found.unread or found.missing)
    total = (sum(found.tensors.values()) if found.tensors else sum(f.size for f in found.files)) if whole else None
    return Weights(
        form, tuple(found.files), total, dict(found.dtypes.most_common()), by_part(found.tensors), declared,
        tuple(found.missing), tuple(found.problems), architecture,
    )  # fmt: skip


def _listed(place: Place, index: str, found: _Found) -> tuple[tuple[str, ...], int | None]:
    """The files that the index names, in order, and the size that it tells."""
    try:
        data = plain.load(place, index, INDEX_LIMIT)
    except (plain.NotPlain, Unreadable) as error:
        found.problems.append(Problem(index, str(error)))
        return (), None
    table, told = data.get("weight_map"), data.get("metadata")
    size = told.get("total_size") if isinstance(told, dict) else None
    names = dict.fromkeys(v for v in table.values() if isinstance(v, str)) if isinstance(table, dict) else {}
    if not names:
        found.problems.append(Problem(index, "does not name any weight file"))
    declared = int(size) if type(size) in (int, float) and 0 < size < 1 << 60 else None  # type: ignore[operator,arg-type]
    return tuple(sorted(names)), declared


def _choose(names: tuple[str, ...]) -> tuple[tuple[str, ...], str]:
    """The files of the best format that is there, as the engines choose: safetensors before pickles."""
    for endings in ((".safetensors",), (".gguf",), (".bin",), (".pt", ".pth")):
        found = tuple(n for n in names if n.endswith(endings) and not _OTHERS.match(n))
        plainly = tuple(n for n in found if not n.startswith("consolidated"))  # Mistral's own copy of the same weights
        if found:
            return plainly or found, _format(found[0])
    return (), "other"


def _format(name: str) -> str:
    return _ENDINGS.get(f".{name.rpartition('.')[2]}", "other")


def _size(place: Place, name: str, found: _Found) -> int | None:
    """The size of a file that is there; else it is noted as missing, or as one that cannot be looked at."""
    shown = one_line(name, 200)
    size = place.size(name)
    if size is None:
        try:
            place.head(name, 1)
        except Outside as error:
            found.fault(name, 0, "unread", str(error))
            return None
        except Unreadable:
            pass
        found.missing.append(shown)
    return size


def _safetensors(place: Place, name: str, size: int, found: _Found) -> None:
    try:
        if found.headers > HEADERS_LIMIT:
            raise Unreadable("is not read: the headers before it are large enough")
        header = read_header(place, name, size)
    except Damaged as error:
        found.fault(name, size, error.kind, str(error))
        return
    except Unreadable as error:
        found.fault(name, size, "unread", str(error))
        return
    found.headers += header.expected - sum(length for _, length in header.tensors.values())
    if header.expected == size:
        found.files.append(WeightFile(one_line(name, 200), size, header.expected))
    else:
        short = header.expected > size
        said = f"is {size} bytes long, and its header describes {header.expected}"
        found.fault(name, size, "truncated" if short else "damaged", said)
        found.files[-1] = WeightFile(one_line(name, 200), size, header.expected, found.files[-1].fault)
    for tensor, (dtype, length) in header.tensors.items():
        found.dtypes[one_line(dtype, 20)] += length
        found.tensors[tensor] = length


def _other(place: Place, name: str, size: int, form: str, found: _Found) -> str | None:
    """A file of another format: never unpickled, its size is all that is known; a GGUF file names its architecture."""
    try:
        start = place.head(name, gguf.READ)
    except Unreadable as error:
        found.fault(name, size, "unread", str(error))
        return None
    if start.startswith(b"version https://git-lfs"):
        found.fault(name, size, "pointer", "is a git-lfs pointer, not the weights; run `git lfs pull`")
    elif form == "gguf" and not start.startswith(gguf.MAGIC):
        found.fault(name, size, "damaged", "does not start like a GGUF file")
    else:
        found.files.append(WeightFile(one_line(name, 200), size))
        named = gguf.architecture(start) if form == "gguf" else None
        return one_line(named, 100) if named else None
    return None
