"""What a finding on memory is made of: the numbers as evidence, and ways out that the same arithmetic confirms."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from doctor.derived.memory.verdict import MemoryVerdict
from doctor.derived.units import GIB, size
from doctor.facts import Facts, Model, Observed
from doctor.findings import Action, Evidence, Remediation
from doctor.launch.settings import Settings
from doctor.matrix import rows
from doctor.matrix.models.members import Member, of_family
from doctor.memory.fit import Fit, floor
from doctor.memory.ways import Way, other_checkpoints, ways


def wanted(here: MemoryVerdict) -> str:
    """The smallest machines that serve it, as words: `1 x 24 GB or 2 x 12 GB`."""
    found = floor(here.footprint, here.settings)
    return " or ".join(f"{count} x {gib} GB" for count, gib in found) or "more than 8 x 180 GB"


def evidence(here: MemoryVerdict, result: Fit) -> list[Evidence]:
    """The numbers behind a verdict, with their sources."""
    source = here.listed.source if here.listed else here.footprint.source
    parts = f"{size(result.language)} language model" + (f" + {size(result.vision)} vision" if result.vision else "")
    shared = f" of each of {result.settings.gpus} GPUs" if result.settings.gpus > 1 else ""
    extra = result.overhead
    reasons = ", ".join(what for what, _, _ in extra.reasons)
    out = [
        Evidence(f"weights{shared}", parts, f"less than {size(result.pool)}", source),
        Evidence("memory besides the weights", f"{size(extra.least)} to {size(extra.most)}: {reasons}", None,
                 "a range; the engine measures it at startup"),
        Evidence("the engine's share", f"{size(max(result.pool, 0))}: {result.rule.rule}", None, result.rule.source),
    ]  # fmt: skip
    if result.vision and result.settings.tp > 1:
        way = "divided among the GPUs" if result.settings.vision_split else "whole on each GPU"
        out.append(Evidence("vision tower", f"{way}, as this engine does", None, "assumed from the engine's code"))
    if result.per_token and result.tokens[1]:
        least, most = result.tokens
        held = f"{result.per_token / 1024:.4g} KiB a token, room for {least:,} to {most:,} tokens"
        out.append(Evidence("KV cache", held, None, "layers, heads and head size of config.json"))
    if here.learned is not None:
        out.append(Evidence("an earlier run", _logged(here.learned), None, f"run {here.learned.run}"))
    return out


def _logged(seen: Observed) -> str:
    kept = seen.cache or 0
    held = f"KV cache {size(kept)}" if kept > 0 else "no room for a KV cache" if kept else ""
    parts = [held, f"{seen.tokens:,} tokens" if seen.tokens else ""]
    return f"{', '.join(filter(None, parts)) or 'its weights'} logged here on {seen.at}"


def remediations(here: MemoryVerdict, facts: Facts, *, change: bool = True) -> list[Remediation]:
    """Ways out that were tried by the same arithmetic: of the launch, then other checkpoints of the family."""
    if here.fit is None:
        return []
    asked, count = here.settings, len(here.cards or ())
    row = (rows.row(asked.engine, asked.release, "kv_cache") if asked.release else None) or {}
    kinds = tuple(map(str, row.get("kv_cache", {})))
    found = list(ways(here.fit, count, here.free, kinds)[:4]) if change else []
    taken = reader(asked)
    for family in _families(here, facts):
        others = other_checkpoints(here.fit, of_family(family), taken, here.free)
        found += others
        if others:
            break  # the next generation is for those of whom none fits
    return [remediation(way) for way in found]


def _families(here: MemoryVerdict, facts: Facts) -> Iterator[str]:
    """The model's family and those that came after it."""
    from doctor.matrix.models.families import families

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
