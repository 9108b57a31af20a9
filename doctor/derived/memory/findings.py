"""What a finding on memory is made of: the numbers as evidence, and ways out that the same arithmetic confirms."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace

from doctor.base.quoting import quoted
from doctor.base.text import conjoined, one_line, plural
from doctor.derived.memory.verdict import MemoryVerdict
from doctor.derived.shards import Shards, left_over
from doctor.derived.units import GIB, size, sizes
from doctor.facts import Facts, Model, Observed
from doctor.findings import Action, Evidence, Remediation
from doctor.launch.asked import asked_of
from doctor.launch.settings import Settings
from doctor.launch.table import table
from doctor.launch.values import refusal
from doctor.matrix import rows
from doctor.matrix.models.members import Member, of_family
from doctor.memory.attention import attention
from doctor.memory.checkpoints import other_checkpoints
from doctor.memory.fit import Fit, floor
from doctor.memory.footprint import Footprint, footprint
from doctor.memory.layout import layout
from doctor.memory.ways import Means, Splits, Way, ways


def smallest(here: MemoryVerdict) -> tuple[tuple[int, int], ...]:
    """The smallest common cards that serve it, as (number, GiB), with what was learned of this launch."""
    return floor(here.footprint, here.settings, here.on)


def wanted(here: MemoryVerdict) -> str:
    """The smallest machines that serve it, as words: `1 x 24 GB, 2 x 12 GB or 4 x 8 GB`."""
    return conjoined((f"{count} x {gib} GB" for count, gib in smallest(here)), "or") or "more than 8 x 180 GB"


def evidence(here: MemoryVerdict, result: Fit) -> list[Evidence]:
    """The numbers behind a verdict, with their sources."""
    source = here.listed.source if here.listed else here.footprint.source
    parts = f"{size(result.language)} language model" + (f" + {size(result.vision)} vision" if result.vision else "")
    shared = f" of each of {result.settings.gpus} GPUs" if result.settings.gpus > 1 else ""
    extra = result.overhead
    reasons = ", ".join(what for what, _, _ in extra.reasons)
    out = [
        Evidence(f"weights{shared}", parts, f"less than {size(result.pool)}", source),
        Evidence("memory besides the weights", f"{sizes(extra.least, extra.most)}: {reasons}", None,
                 "a range; the engine measures it at startup"),
        Evidence("the engine's share", f"{size(max(result.pool, 0))}: {result.rule.rule}", None, result.rule.source),
    ]  # fmt: skip
    if result.vision and result.settings.tp > 1:
        way = "divided among the GPUs" if result.settings.vision_split else "whole on each GPU"
        out.append(Evidence("vision tower", f"{way}, as this engine does", None, "assumed from the engine's code"))
    if result.per_token and result.tokens[1]:
        held = f"{result.per_token / 1024:.4g} KiB per token, room for {tokens(result)}"
        if result.longest != result.tokens:
            held += f"; the longest request has {between(*result.longest)}"
        out.append(Evidence("KV cache", held, None, "layers, heads and head size of config.json"))
    if here.learned is not None:
        out.append(Evidence("an earlier run", _logged(here.learned), None, f"run {here.learned.run}"))
    return out


def _logged(seen: Observed) -> str:
    kept = seen.cache or 0
    held = f"KV cache {size(kept)}" if kept > 0 else "no room for a KV cache" if kept else ""
    parts = [held, plural(seen.tokens, "token") if seen.tokens else ""]
    return f"{', '.join(filter(None, parts)) or 'its weights'} logged here on {seen.at}"


def remediations(
    here: MemoryVerdict, facts: Facts, *, first: tuple[tuple[str, str | None], ...] = ()
) -> list[Remediation]:
    """Ways out that were tried by the same arithmetic: of the launch, then other checkpoints of the family.

    `first` are arguments that the launch has to have before: (flag, value).
    """
    if here.fit is None:
        return []
    means = means_of(here, facts)
    found = list(ways(here.fit, means))
    taken = reader(here.settings)
    root = (here.listed.base or here.listed.id) if here.listed else None
    for family in _families(here, facts):
        others = other_checkpoints(here.fit, of_family(family), taken, means, root)
        found += others
        if others:
            break  # the next generation is for those of whom none fits
    return [remediation(_after(first, way), here.settings) for way in found]


def _after(first: tuple[tuple[str, str | None], ...], way: Way) -> Way:
    if not first:
        return way
    said = ", ".join(f"`{name} {value}`" for name, value in first)
    set_here = {name for name, _ in way.arguments}
    kept = tuple(one for one in first if one[0] not in set_here)
    title = f"With {said}: {way.title[0].lower()}{way.title[1:]}" if kept else way.title
    return replace(way, title=title, arguments=(*kept, *way.arguments))


def means_of(here: MemoryVerdict, facts: Facts) -> Means:
    """What a way out may use here."""
    asked = here.settings
    row = (rows.row(asked.engine, asked.release, "kv_cache") if asked.release else None) or {}
    kinds = tuple(map(str, row.get("kv_cache", {})))
    return Means(here.judge, len(here.cards or ()), kinds, _lighter(here, facts), splitting(here, facts))


def splitting(here: MemoryVerdict, facts: Facts) -> Splits:
    """Tells whether heads, blocks and groups of a checkpoint, of the launch's own for None, divide evenly."""
    found, own = asked_of(facts), here.listed.model if here.listed else facts.model

    def splits(member: Member | None, many: int) -> bool:
        model = member.model if member is not None else own
        shown = layout(model.config, model.model_type) if isinstance(model, Model) else None
        shape = attention(shown) if shown is not None else None
        if found is None or not isinstance(model, Model) or shown is None or shape is None or many < 2:
            return True
        return left_over(Shards(found, model, shown, shape), many) is None

    return splits


def _lighter(here: MemoryVerdict, facts: Facts) -> Footprint | None:
    """The model in the number format of its files, where the launch asks for a wider one."""
    model = here.listed.model if here.listed else facts.model
    if here.settings.dtype is None or not isinstance(model, Model):
        return None
    found = footprint(model, quantization=here.settings.quantization)
    return replace(found, draft=here.footprint.draft) if found and found.total < here.footprint.total else None


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


def remediation(way: Way, asked: Settings) -> Remediation:
    """A way out as a finding has it: a model needs a person, an argument may change behaviour."""
    told = tuple((name, _as_read(name, value, asked)) for name, value in way.arguments)
    title = way.title
    for (_, value), (_, read) in zip(way.arguments, told, strict=True):
        title = title.replace(quoted(value), read) if value and read and read != value else title
    arguments = tuple(Action("set_argument", name=name, value=value) for name, value in told)
    if way.member is not None:
        model = Action("use_model", name=way.member.id, text=title)
        return Remediation(title, (model, *arguments), "manual")
    return Remediation(title, arguments, "unsafe")


def _as_read(name: str, value: str | None, asked: Settings) -> str | None:
    """`image=1,video=0` for JSON where the release reads no JSON."""
    known = table(asked.engine, asked.release) if asked.release and value and value.startswith("{") else None
    option = known.option(name) if known else None
    if option is None or value is None or refusal(option, value) is None:
        return value
    pairs = [f"{kind}={count}" for kind, count in json.loads(value).items()]
    return ",".join(pairs)


def between(least: int, most: int) -> str:
    """`10 to 14`, or one number where both are the same."""
    return f"{least:,}" if least == most else f"{least:,} to {most:,}"


def tokens(result: Fit) -> str:
    """The tokens of the cache, `11,776 to 25,792 tokens`."""
    return f"{between(*result.tokens)} {'token' if result.tokens[1] == 1 else 'tokens'}"


def requests(result: Fit) -> str:
    """How many whole requests fit: `1.3 to 1.5 requests of 128,000 tokens`, `less than one request of ...`."""
    low, high = (f"{count:,.1f}" for count in result.concurrent)
    of = f"of {plural(result.context, 'token')}"
    if result.concurrent[1] < 0.95:
        return f"less than one request {of}"
    if low == high:
        return f"{'one request' if low == '1.0' else f'{low} requests'} {of}"
    return f"{'less than one' if result.concurrent[0] < 0.05 else low} to {high} requests {of}"


def each(result: Fit) -> str:
    """` on each of 2 GPUs`, or nothing for one."""
    return f" on each of {result.settings.gpus} GPUs" if result.settings.gpus > 1 else ""


def of_card(here: MemoryVerdict, result: Fit) -> str:
    """What a card has: `the card's 23.5 GiB`, `the 11.8 GiB of the smallest card (RTX 3060)` where they differ."""
    has = f"{result.card / GIB:.1f} GiB".replace(".0 ", " ")
    if here.unequal and here.device is not None:
        return f"the {has} of the smallest card (`{one_line(here.device.name, 40)}`)"
    return f"the card's {has}"
