"""What an engine release takes of a quantisation, and from which GPU on: the tables, asked in one place.

`takes` and `floor` answer for one release; `fitting` for all of an engine, so that a way out is judged by the very
questions that the finding was.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

from packaging.specifiers import SpecifierSet

from doctor.facts.codec import FactsError, from_json
from doctor.facts.model import Quantization, QuantizationGroup
from doctor.matrix import rows
from doctor.matrix.data import DataError, data_dir
from doctor.matrix.facts_file import Row
from doctor.matrix.releases import ReleaseSet
from doctor.matrix.turbomind import Config, nested, refusal, served_by

Capability = tuple[int, int]
BACKENDS = {"lmdeploy": ("turbomind", "pytorch")}
_ALIASES = {"bitsandbytes": ("bitsandbytes_4bit", "bitsandbytes_8bit")}


@dataclass(frozen=True, slots=True)
class Read:
    """A checkpoint must have this (`block`: FP8 scales in blocks) for the code that reads its tensors."""

    engine: str
    backend: str
    method: str
    needs: str
    versions: str
    source: str


@dataclass(frozen=True, slots=True)
class Scheme:
    """The classes of compressed-tensors for such a group of weights, the first that the GPU has being taken."""

    weights: str
    activations: bool
    classes: tuple[str, ...]
    source: str
    bits: int | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """`matrices/quantization.yaml`."""

    verified: str
    reads: tuple[Read, ...]
    schemes: tuple[Scheme, ...]


@dataclass(frozen=True, slots=True)
class Need:
    """What is asked of a release: the method, the configuration of the model, its architectures, the GPU.

    `config` is the model's config.json ({} where not known), `given` what `--model-format` says, `capability` that of
    the weakest GPU or None.
    """

    quantization: Quantization
    architectures: tuple[str, ...] = ()
    config: Config = field(default_factory=dict)
    given: str | None = None
    capability: Capability | None = None


@dataclass(frozen=True, slots=True)
class Floor:
    """The oldest compute capability on which a method runs (8.0 as `(8, 0)`); `what` stated it."""

    capability: Capability
    what: str


@cache
def table() -> Table:
    """What no wheel says in one place. Raises DataError for damaged data."""
    import yaml

    path = data_dir() / "quantization.yaml"
    try:
        data: Any = yaml.load(path.read_text(encoding="utf-8"), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
        return from_json(Table, data, "quantization")
    except (OSError, yaml.YAMLError, FactsError) as error:
        raise DataError(f"`{path}` cannot be used: {error}") from error


def spelled(taken: Row | dict[str, Any], method: str) -> str | None:
    """The method as this list writes it (`smooth-quant`, `smooth_quant`), or None."""
    for name in (method, *_ALIASES.get(method, ())):
        plain = name.lower().replace("_", "-")
        if (found := next((m for m in taken if m.lower().replace("_", "-") == plain), None)) is not None:
            return found
    return None


def as_written(need: Need) -> Config | None:
    """The quantisation as the engine sees it: out of config.json, else put together from the facts; None: unknown."""
    raw = nested(need.config, "quantization_config")
    if isinstance(raw, dict) and raw.get("quant_method"):
        return raw
    asked = need.quantization
    if not asked.settings and not asked.groups:
        return None
    out: Config = {"quant_method": asked.method, **asked.settings}
    if asked.act_order is not None:
        out.setdefault("desc_act", asked.act_order)
    if asked.method == "compressed-tensors":
        if not asked.groups:
            return None
        out["config_groups"] = {f"group_{i}": _group(g) for i, g in enumerate(asked.groups)}
    elif asked.groups:
        first = asked.groups[0]
        for key, value in (("group_size", first.group_size), ("sym", first.symmetric), ("bits", first.bits)):
            if value is not None:
                out.setdefault(key, value)
    return out


def _group(group: QuantizationGroup) -> Config:
    weights = {"num_bits": group.bits, "type": group.kind, "group_size": group.group_size, "symmetric": group.symmetric}
    return {"weights": weights, **({"format": group.format} if group.format else {})}


def takes(row: Row, engine: str, version: str, backend: str, need: Need) -> str | None:
    """Why this backend of a release does not take the checkpoint; None where it does, as far as can be told."""
    taken = row.get(f"quantization.{backend}", {})
    name = spelled(taken, need.quantization.method)
    if name is None:
        return f"it takes {', '.join(f'`{m}`' for m in sorted(taken)) or 'none'}"
    written = as_written(need)
    decision = row.get("decisions", {}).get("quantization") if backend == "turbomind" else None
    if decision is not None and written is not None and (why := refusal(decision, written, need.given)):
        return why
    return _unreadable(engine, version, backend, need)


def _unreadable(engine: str, version: str, backend: str, need: Need) -> str | None:
    for one in table().reads:
        same = (one.engine, one.backend, one.method) == (engine, backend, need.quantization.method)
        if same and one.needs == "block" and SpecifierSet(one.versions).contains(version, prereleases=True):
            written = as_written(need)
            blocks = any(g.block for g in need.quantization.groups) or (written or {}).get("weight_block_size")
            if (written or need.quantization.groups) and not blocks:
                return "it reads FP8 weights with scales in blocks (`weight_block_size`), and these have none"
    return None


def floor(row: Row, backend: str, quantization: Quantization, asked: str | None = None) -> Floor | None:
    """The oldest GPU on which the release runs the method; None where the release states none.

    `asked` is what `--quantization` says. LMDeploy checks one for its PyTorch engine with `--model-format` alone,
    and none is given for TurboMind.
    """
    taken = row.get(f"quantization.{backend}", {})
    name = spelled(taken, asked) if asked else None
    name = name or spelled(taken, quantization.method)
    if name is None or (backend in ("pytorch", "turbomind") and asked is None):
        return None
    least, what = (taken[name] or {}).get("minimum_capability"), f"`{name}`"
    for group in quantization.groups if name == "compressed-tensors" else ():
        found = _scheme(row.get("quantization.schemes", {}), group)
        if found and (not isinstance(least, int) or found[0] > least):
            least, what = found[0], f"`{name}` ({found[1]})"
    return Floor(divmod(least, 10), what) if isinstance(least, int) and least > 0 else None


def _scheme(known: dict[str, Any], group: QuantizationGroup) -> tuple[int, str] | None:
    """The floor of the classes that serve this group, and the one that states it."""
    for scheme in table().schemes:
        if scheme.weights == group.kind and scheme.activations == group.activations:
            if scheme.bits is not None and scheme.bits != group.bits:
                continue
            floors = [(known[c]["minimum_capability"], c) for c in scheme.classes
                      if "minimum_capability" in known.get(c, {})]  # fmt: skip
            return min(floors, default=None)
    return None


def fitting(engine: str, need: Need) -> ReleaseSet | None:
    """The releases of an engine that serve this checkpoint on this GPU, by whichever backend they would take.

    None for an engine that the data does not cover.
    """
    known = rows.releases(engine)
    if known is None:
        return None
    fits = 0
    for version in _candidates(engine, need):
        kinds = ("quantization", "architectures")
        names = BACKENDS.get(engine, ("default",))
        parts = (f"{k}.{b}" for k in kinds for b in names)
        row = rows.row(engine, version, "decisions", "quantization.schemes", *parts)
        place = known.place(version)
        if row and place is not None and any(_serves(row, engine, version, b, need) for b in names):
            fits |= 1 << place
    return ReleaseSet(known, fits)


def _candidates(engine: str, need: Need) -> Iterator[str]:
    """The releases that know the architecture and the method at all."""
    sets: list[ReleaseSet] = []
    for backend in BACKENDS.get(engine, ("default",)):
        name = spelled(dict.fromkeys(rows.keys(engine, f"quantization.{backend}")), need.quantization.method)
        having = rows.releases_having(engine, f"quantization.{backend}", name) if name else None
        for architecture in need.architectures[:1] if having else ():
            places = rows.releases_having(engine, f"architectures.{backend}", architecture)
            having = having & places if having is not None and places is not None else having
        if having is not None:
            sets.append(having)
    out = sets[0] if sets else None
    for more in sets[1:]:
        out = out | more if out is not None else more
    yield from out or ()


def _serves(row: Row, engine: str, version: str, backend: str, need: Need) -> bool:
    """As the rules judge: the architecture, the method with its settings, and the GPU."""
    free = replace(need, given=None)
    if need.architectures and need.architectures[0] not in row.get(f"architectures.{backend}", {}):
        return False
    method = need.quantization.method
    if backend == "turbomind" and any(served_by(row, a, need.config, method) is False for a in need.architectures[:1]):
        return False
    if takes(row, engine, version, backend, free) is not None:
        return False
    least = floor(row, backend, need.quantization)
    return need.capability is None or least is None or need.capability >= least.capability
