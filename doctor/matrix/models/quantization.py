"""What an engine release takes of a quantisation, and from which GPU on: the tables, asked in one place.

`takes` and `floor` answer for one release; `fitting` for all of an engine, so that a way out is judged by the very
questions that the finding was.
"""

from __future__ import annotations

from dataclasses import field
from functools import cache
from typing import Any

from packaging.specifiers import SpecifierSet

from doctor.base.record import dataclass
from doctor.facts.model import Quantization, QuantizationGroup
from doctor.matrix import rows
from doctor.matrix.engines import engine_row
from doctor.matrix.files.data import data_dir
from doctor.matrix.files.row import Row
from doctor.matrix.files.tables import table as read_table
from doctor.matrix.models.members import KNOWN
from doctor.matrix.models.turbomind import Config, nested, refusal, served_by, unsaid
from doctor.matrix.releases import ReleaseSet

Capability = tuple[int, int]
FP4_OF = {"modelopt": "modelopt_fp4"}
SURE = (8, 9)  # from here on every method has kernels that a release would have to exclude by itself
Column = tuple[str, str, list[tuple[int, Any]]]
_ALIASES = {"bitsandbytes": ("bitsandbytes_4bit", "bitsandbytes_8bit")}


@dataclass(frozen=True, slots=True)
class Read:
    """A checkpoint must have this for the code that reads its tensors: FP8 scales in a `block`, weights of `4-bit`."""

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

    `config` is the model's config.json ({} where not known), `given` what `--model-format` says where that is to be
    judged too, `capability` that of the weakest GPU or None.
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
    return read_table(Table, data_dir() / "quantization.yaml")


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
        return f"it supports {', '.join(f'`{m}`' for m in sorted(taken)) or 'none'}"
    written = as_written(need)
    decision = row.get("decisions", {}).get("quantization") if backend == "turbomind" else None
    if decision is not None and written is not None:
        why = refusal(decision, written, need.given)
        if why and (need.quantization.source != KNOWN or not unsaid(decision, written)):
            return why
    return _unreadable(engine, version, backend, need)


def _unreadable(engine: str, version: str, backend: str, need: Need) -> str | None:
    for one in table().reads:
        same = (one.engine, one.backend, one.method) == (engine, backend, need.quantization.method)
        if not same or not SpecifierSet(one.versions).contains(version, prereleases=True):
            continue
        written = as_written(need)
        bits = next((g.bits for g in need.quantization.groups if g.bits), None) or (written or {}).get("bits")
        if one.needs == "4-bit" and isinstance(bits, int) and bits != 4:
            return f"it reads weights of 4 bits, and these have {bits}"
        if one.needs == "block":
            blocks = any(g.block for g in need.quantization.groups) or (written or {}).get("weight_block_size")
            if (written or need.quantization.groups) and not blocks:
                return "it supports only FP8 weights with block scales (`weight_block_size`), and these have none"
    return None


def floor(row: Row, backend: str, quantization: Quantization, asked: str | None = None) -> Floor | None:
    """The oldest GPU on which the release runs the method; None where the release states none.

    `asked` is what `--quantization` says. LMDeploy checks one for its PyTorch engine with `--model-format` alone,
    and none is given for TurboMind.
    """
    taken = row.get(f"quantization.{backend}", {})
    name = spelled(taken, asked) if asked else None
    method = FP4_OF.get(quantization.method, "") if _is_fp4(quantization) else ""
    name = name or spelled(taken, method) or spelled(taken, quantization.method)
    if name is None or (backend in ("pytorch", "turbomind") and asked is None):
        return None
    least, what = (taken[name] or {}).get("minimum_capability"), f"`{name}`"
    for group in quantization.groups if name == "compressed-tensors" else ():
        found = _scheme(row.get("quantization.schemes", {}), group)
        if found and (not isinstance(least, int) or found[0] > least):
            least, what = found[0], f"`{name}` (`{found[1]}`)"
    return Floor(divmod(least, 10), what) if isinstance(least, int) and least > 0 else None


def _is_fp4(quantization: Quantization) -> bool:
    """ModelOpt names one method for several formats; engines have a method of its own for its 4-bit floats."""
    return "FP4" in str(quantization.settings.get("quant_algo", "")).upper() or any(
        g.bits == 4 and g.kind == "float" for g in quantization.groups
    )


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

    None for an engine that the data does not cover. Releases of which everything that counts is the same are judged
    once.
    """
    known = rows.releases(engine)
    if known is None:
        return None
    fits = 0
    for backend in engine_row(engine).halves:
        columns = _columns(engine, backend, need)
        judged: dict[tuple[int | None, ...], bool] = {}
        for place, version in enumerate(known.versions):
            same = tuple(_at(place, values) for _, _, values in columns)
            if same not in judged:
                judged[same] = _serves(_row(columns, same), engine, version, backend, need)
            fits |= judged[same] << place
    return ReleaseSet(known, fits)


def _columns(engine: str, backend: str, need: Need) -> list[Column]:
    """The facts that decide, each with the values it has had: `(kind, key, [(bits, value), ...])`."""
    kinds = [(f"architectures.{backend}", a) for a in {*need.architectures[:1], *_inner(need.config)}]
    kinds += [("architectures.vision", a) for a in need.architectures[:1]]
    name = spelled(dict.fromkeys(rows.keys(engine, f"quantization.{backend}")), need.quantization.method)
    kinds.append((f"quantization.{backend}", name or need.quantization.method))
    if name == "compressed-tensors":
        kinds += [("quantization.schemes", c) for c in {c for s in table().schemes for c in s.classes}]
    if backend == "turbomind":
        kinds += [("decisions", "supported"), ("decisions", "quantization")]
    columns = [(k, key, [(s.bits, v) for s, v in rows.history(engine, k, key)]) for k, key in kinds]
    bounds = [r for r in table().reads if (r.engine, r.backend, r.method) == (engine, backend, name)]
    known = rows.releases(engine)
    return columns + [("", r.versions, [(known.matching(r.versions).bits, True)]) for r in bounds if known]


def _inner(config: Config) -> list[str]:
    """The architectures of the language models inside, which some decisions look at too."""
    parts = (config.get(k) for k in ("llm_config", "text_config"))
    found = (p.get("architectures") for p in parts if isinstance(p, dict))
    return [a[0] for a in found if isinstance(a, list) and a and isinstance(a[0], str)]


def _at(place: int, values: list[tuple[int, Any]]) -> int | None:
    return next((i for i, (bits, _) in enumerate(values) if bits >> place & 1), None)


def _row(columns: list[Column], chosen: tuple[int | None, ...]) -> Row:
    row: Row = {}
    for (kind, key, values), index in zip(columns, chosen, strict=True):
        if index is not None and kind:
            row.setdefault(kind, {})[key] = values[index][1]
    return row


def _serves(row: Row, engine: str, version: str, backend: str, need: Need) -> bool:
    """As the rules judge: the architecture, the method with its settings, and the GPU."""
    if need.architectures and need.architectures[0] not in row.get(f"architectures.{backend}", {}):
        return False
    method = need.quantization.method
    if backend == "turbomind" and any(served_by(row, a, need.config, method) is False for a in need.architectures[:1]):
        return False
    if takes(row, engine, version, backend, need) is not None:
        return False
    if need.architectures and sees(need.config) and need.architectures[0] not in row.get("architectures.vision", {}):
        return False
    least = floor(row, backend, need.quantization)
    old = need.capability is not None and least is not None and need.capability < least.capability
    return not old and not _doubtful(row, need)


def sees(config: Config) -> bool:
    """Whether the model takes pictures: an engine may have the architecture for text alone."""
    return any(isinstance(config.get(k), dict) for k in ("visual", "vision_config"))


def _doubtful(row: Row, need: Need) -> bool:
    """Whether the release does not tell a floor that other releases have: such a one is not offered as a way out.

    SGLang took the classes of compressed-tensors from vLLM before it had its own; TurboMind tells no floor for FP8.
    """
    if need.capability is None or need.capability >= SURE:
        return False
    method, groups = need.quantization.method, need.quantization.groups
    if method == "compressed-tensors":
        return bool(groups) and any(_scheme(row.get("quantization.schemes", {}), g) is None for g in groups)
    return method == "fp8" and "quantization.default" not in row
