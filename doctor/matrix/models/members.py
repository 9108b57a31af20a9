"""Known official checkpoints of the families: typed access to `matrices/members`.

For models that are named and not there, and for the advice to take a smaller or quantised one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import field
from functools import cache
from pathlib import Path
from typing import Any

from doctor.base.late import late_pattern
from doctor.base.record import dataclass
from doctor.facts.model import Model, Quantization, QuantizationGroup, Weights
from doctor.matrix.files.data import DataError, data_dir
from doctor.matrix.files.tables import plain

KNOWN = "members"  # the source of a quantization of which only some settings are known
_NAME = late_pattern(r"[a-z0-9][\w.-]{0,95}/[a-z0-9][\w.-]{0,95}")
_OWN = ("dtype", "torch_dtype")  # a checkpoint stored otherwise states a data type of its own
_DATE = late_pattern(r"20\d\d-\d\d-\d\d")


@dataclass(frozen=True, slots=True)
class Member:
    """One checkpoint on the hub.

    `bytes` of all its tensors; `exact`: that number was published, else it is computed from `config`, which holds the
    keys of config.json that decide about memory. `quantization` is None for 16 bit; `base` the checkpoint that it was
    made from.
    """

    id: str
    family: str
    bytes: int
    exact: bool
    source: str
    verified: str
    config: Mapping[str, Any] = field(default_factory=dict)
    quantization: Quantization | None = None
    base: str | None = None

    @property
    def architectures(self) -> tuple[str, ...]:
        """As in its config.json."""
        return tuple(self.config.get("architectures", ()))

    @property
    def model_type(self) -> str:
        """As in its config.json."""
        return str(self.config.get("model_type", ""))

    @property
    def model(self) -> Model:
        """The same as facts of a model, its weights as one declared size."""
        code = self.config.get("auto_map")
        return Model(
            self.id, self.architectures, self.model_type, self.quantization, tuple(code) if code else (),
            named=self.id, source="known", config=dict(self.config), origin=self.written,
            weights=Weights("safetensors", total=self.bytes, declared=self.bytes),
        )  # fmt: skip

    @property
    def written(self) -> str:
        """Where this row is, and what it was taken from."""
        return f"matrices/members/{self.family}.yaml, {self.verified}: {self.source}"


@cache
def members() -> tuple[Member, ...]:
    """Every known checkpoint, family by family. Raises DataError for a file of ours that is damaged."""
    return tuple(m for path in sorted((data_dir() / "members").glob("*.yaml")) for m in _load(path))


def member(name: str) -> Member | None:
    """The checkpoint of this hub name, in any spelling of upper and lower case; None for one that is not known."""
    wanted = name.strip().rstrip("/").lower()
    if not _NAME.fullmatch(wanted):
        return None
    return next((m for m in members() if m.id.lower() == wanted), None)


def of_family(name: str) -> tuple[Member, ...]:
    """The checkpoints of one family (`qwen2_vl`), the smallest first."""
    path = data_dir() / "members" / f"{name}.yaml"
    found = _load(path) if re.fullmatch(r"[a-z0-9_]+", name) and path.is_file() else ()
    return tuple(sorted(found, key=lambda m: m.bytes))


def quantization(row: Mapping[str, Any]) -> Quantization:
    """The scheme of a row as facts have it."""
    bits, size, symmetric = row.get("bits"), row.get("group_size"), row.get("symmetric")
    block = row.get("block")
    kind = "float" if row["method"] == "fp8" else "int"
    settings = {k: v for k, v in (("bits", bits), ("group_size", size), ("sym", symmetric)) if v is not None}
    group = QuantizationGroup(bits, kind, size, symmetric, block=(block[0], block[1]) if block else None)  # type: ignore[arg-type]
    order = False if row["method"] == "gptq" else None
    return Quantization(row["method"], settings, (group,), tuple(row.get("ignored", ())), order, source=KNOWN)


@cache
def _load(path: Path) -> tuple[Member, ...]:
    data = plain(path)
    try:
        code = {"auto_map": data["auto_map"]["classes"]} if "auto_map" in data else {}
        for row in data["members"]:
            if "config" in row:
                row["config"] = {**row["config"], **code}
        bases = {row["id"]: row.get("config", {}) for row in data["members"]}
        return tuple(_member(row, data["family"], bases) for row in data["members"])
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(f"members/{path.name}: {type(error).__name__} {error}") from error


def _member(row: Mapping[str, Any], family: str, bases: Mapping[str, Any]) -> Member:
    base = row.get("base")
    config = row["config"] if "config" in row else {k: v for k, v in bases[row["base"]].items() if k not in _OWN}
    if not _DATE.fullmatch(row["verified"]) or not row["source"] or not 0 < row["bytes"] < 1 << 45:
        raise ValueError(f"{row['id']} is missing a source, a day or a size")
    packed = quantization(row["quantization"]) if "quantization" in row else None
    return Member(row["id"], family, row["bytes"], row["exact"], row["source"], row["verified"], config, packed, base)
