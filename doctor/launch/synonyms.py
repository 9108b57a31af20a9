"""Options of the engines that mean the same, and what else their programs do: `matrices/flags.yaml`."""

from __future__ import annotations

from dataclasses import field
from functools import cache
from pathlib import Path
from typing import Any

from doctor.base.record import dataclass
from doctor.facts.codec import FactsError, from_json
from doctor.matrix.data import DataError, data_dir

LARGEST = 64 << 10
ENGINES = ("lmdeploy", "vllm", "sglang")


@dataclass(frozen=True, slots=True)
class Same:
    """One thing with its names at each engine, the oldest first; `differs` says why its value does not carry over."""

    lmdeploy: tuple[str, ...] = ()
    vllm: tuple[str, ...] = ()
    sglang: tuple[str, ...] = ()
    differs: str | None = None

    def at(self, engine: str) -> tuple[str, ...]:
        """Its names at one engine."""
        return {"lmdeploy": self.lmdeploy, "vllm": self.vllm, "sglang": self.sglang}.get(engine, ())

    def named(self, name: str) -> bool:
        """Whether any engine calls it so."""
        return any(name in self.at(engine) for engine in ENGINES)


@dataclass(frozen=True, slots=True)
class Equals:
    """The whole file."""

    source: str
    verified: str
    same: tuple[Same, ...]
    other: dict[str, tuple[str, ...]] = field(default_factory=dict)


@cache
def equals() -> Equals:
    """Raises DataError for a file of ours that does not hold what it should."""
    return _load(data_dir() / "flags.yaml")


def _load(path: Path) -> Equals:
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        with path.open("rb") as file:
            data: Any = yaml.load(file.read(LARGEST), Loader=loader)
        data["verified"] = str(data.get("verified"))
        return from_json(Equals, data, path.name)
    except (OSError, yaml.YAMLError, FactsError, TypeError, AttributeError) as error:
        raise DataError(f"{path.name}: {error}") from error
