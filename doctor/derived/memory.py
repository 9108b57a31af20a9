"""What the rules on memory share: the model, the cards, and the one value that both come to."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache

from doctor.base.record import dataclass
from doctor.derived.units import GIB, size
from doctor.facts import Facts, Gpu, Launch, Model, Unavailable
from doctor.facts.gpu import Device
from doctor.findings import Action, Evidence, NotApplicable, Open, Remediation
from doctor.launch.memory_settings import settings
from doctor.launch.settings import Settings
from doctor.matrix import rows
from doctor.matrix.members import Member, member, of_family
from doctor.memory.fit import Fit, fit, floor
from doctor.memory.footprint import Footprint, footprint
from doctor.memory.ways import Way, other_checkpoints, ways

WORDS = 200
NO_MODEL = "no model is named"


@dataclass(frozen=True, slots=True)
class Known:
    """The weights and what is asked; `cards` are the GPUs at hand, `result` the value for the smallest of those used.

    `listed` is the row of the data that stands in for a model which was not found. `cards` is None where nothing is
    known of GPUs.
    """

    found: Footprint
    asked: Settings
    listed: Member | None
    cards: tuple[Device, ...] | None
    result: Fit | None
    free: int | None


def known(facts: Facts) -> Known | NotApplicable | Open:
    """All that the rules need, or why there is nothing to judge, or why that is not known."""
    return _known(_Key(facts))


class _Key:
    """Facts hold dictionaries: the rules of one check share the answer by the identity of the facts."""

    def __init__(self, facts: Facts) -> None:
        self.facts = facts

    def __hash__(self) -> int:
        return id(self.facts)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Key) and other.facts is self.facts


@lru_cache(maxsize=4)
def _known(key: _Key) -> Known | NotApplicable | Open:
    facts = key.facts
    listed = None if isinstance(facts.model, Model) else _listed(facts)
    model = facts.model if isinstance(facts.model, Model) else listed.model if listed else None
    if model is None:
        lost = isinstance(facts.model, Unavailable) and facts.model.reason in ("failed", "timed_out")
        return Open(facts.model.detail) if lost and isinstance(facts.model, Unavailable) else NotApplicable(NO_MODEL)
    asked = settings(facts)
    found = footprint(model, dtype=asked.dtype, quantization=asked.quantization)
    if found is None:
        return Open("neither the files nor the configuration of the model tell its size")
    devices = cards(facts)
    if not devices:
        return Known(found, asked, listed, devices, None, None)
    used = devices[: asked.gpus] or devices
    card = min(d.memory_total for d in used)
    told = [d.memory_free for d in used if d.memory_free is not None]
    free = min(told) if told and isinstance(facts.gpu, Gpu) and facts.gpu.source == "nvml" else None
    return Known(found, asked, listed, devices, fit(found, card, asked, free), free)


def cards(facts: Facts) -> tuple[Device, ...] | None:
    """The GPUs that a server would see, the slices of one in MIG mode as cards of their own; None: nothing is known."""
    if not isinstance(facts.gpu, Gpu) or not facts.gpu.devices:
        return None
    out: list[Device] = []
    for device in facts.gpu.usable:
        slices = [m for m in device.mig if m.memory_total] if device.mig_enabled else []
        out += [Device(device.index, m.name, device.capability, m.memory_total or 0, m.memory_free) for m in slices]
        out += [] if slices else [device]
    return tuple(d for d in out if d.memory_total > 0)


def _listed(facts: Facts) -> Member | None:
    """A checkpoint of our data that the launch names."""
    if not isinstance(facts.launch, Launch):
        return None
    named = (w.partition("=")[2] if w.startswith("--") else w for w in facts.launch.argv[:WORDS])
    return next((found for w in named if "/" in w and (found := member(w))), None)


def wanted(here: Known) -> str:
    """The smallest machines that serve it, as words: `1 x 24 GB or 2 x 12 GB`."""
    found = floor(here.found, here.asked)
    return " or ".join(f"{count} x {gib} GB" for count, gib in found) or "more than 8 x 180 GB"


def evidence(here: Known, result: Fit) -> list[Evidence]:
    """The numbers behind a verdict, with their sources."""
    source = here.listed.source if here.listed else here.found.source
    parts = f"{size(result.language)} language model" + (f" + {size(result.vision)} vision" if result.vision else "")
    shared = f" of each of {result.settings.gpus} GPUs" if result.settings.gpus > 1 else ""
    extra = result.overhead
    reasons = ", ".join(what for what, _, _ in extra.reasons)
    out = [
        Evidence(f"weights{shared}", parts, f"less than {size(result.pool)}", source),
        Evidence("beside the weights", f"{size(extra.least)} to {size(extra.most)}: {reasons}", None,
                 "a range; the engine measures it at start"),
        Evidence("the engine's share", f"{size(max(result.pool, 0))}: {result.rule.rule}", None, result.rule.source),
    ]  # fmt: skip
    if result.vision and result.settings.tp > 1:
        way = "divided among the GPUs" if result.settings.vision_split else "whole on each GPU"
        out.append(Evidence("vision tower", f"{way}, as this engine does", None, "assumed from the engine's code"))
    if result.per_token and result.tokens[1]:
        least, most = result.tokens
        held = f"{result.per_token / 1024:.4g} KiB a token, room for {least:,} to {most:,} tokens"
        out.append(Evidence("KV cache", held, None, "layers, heads and head size of config.json"))
    return out


def remediations(here: Known, facts: Facts, *, change: bool = True) -> list[Remediation]:
    """Ways out that were tried by the same arithmetic: of the launch, then other checkpoints of the family."""
    if here.result is None:
        return []
    asked, count = here.asked, len(here.cards or ())
    row = (rows.row(asked.engine, asked.release, "kv_cache") if asked.release else None) or {}
    kinds = tuple(map(str, row.get("kv_cache", {})))
    found = list(ways(here.result, count, here.free, kinds)[:4]) if change else []
    taken = reader(asked)
    for family in _families(here, facts):
        others = other_checkpoints(here.result, of_family(family), taken, here.free)
        found += others
        if others:
            break  # the next generation is for those of whom none fits
    return [remediation(way) for way in found]


def _families(here: Known, facts: Facts) -> Iterator[str]:
    """The model's family and those that came after it."""
    from doctor.matrix.models import families

    known = {f.name: f for f in families()}
    names = set(facts.model.architectures) if isinstance(facts.model, Model) else set()
    mine = (n for n, f in known.items() if names & set(f.architectures))
    name = here.listed.family if here.listed else next(mine, "")
    seen: set[str] = set()
    while name in known and name not in seen:
        seen.add(name)
        yield name
        name = known[name].successor or ""


def reader(asked: Settings) -> Callable[[Member], bool]:
    """Tells whether this engine release declares a checkpoint's architecture and the way its weights are stored.

    LMDeploy goes over to its PyTorch engine by itself, unless that is asked for already.
    """
    sides = {"turbomind": ("turbomind", "pytorch")}.get(asked.backend, (asked.backend,))
    kinds = [f"{kind}.{side}" for kind in ("architectures", "quantization") for side in sides]
    row = rows.row(asked.engine, asked.release, *kinds) if asked.release else None

    def reads(candidate: Member) -> bool:
        method = candidate.quantization.method if candidate.quantization else None
        for side in sides if row else ():
            known, stored = (row or {}).get(f"architectures.{side}", {}), (row or {}).get(f"quantization.{side}", {})
            if any(a in known for a in candidate.architectures) and (method is None or method in stored):
                return True
        return not row

    return reads


def remediation(way: Way) -> Remediation:
    """A way out as a finding has it: a model needs a person, an argument may change behaviour."""
    arguments = tuple(Action("set_argument", name=name, value=value) for name, value in way.arguments)
    if way.member is not None:
        model = Action("use_model", name=way.member.id, text=way.title)
        return Remediation(way.title, (model, *arguments), "manual")
    return Remediation(way.title, arguments, "unsafe")


def each(result: Fit) -> str:
    """` on each of 2 GPUs`, or nothing for one."""
    return f" on each of {result.settings.gpus} GPUs" if result.settings.gpus > 1 else ""


def card_size(result: Fit) -> str:
    """The card as it is sold."""
    return f"{result.card / GIB:.1f} GiB".replace(".0 ", " ")
