"""Other checkpoints that would fit in place of one that does not, each tried with the same arithmetic."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from doctor.base.text import plural
from doctor.launch.settings import Settings
from doctor.matrix.models.members import Member
from doctor.memory.changes import brief
from doctor.memory.fit import Fit, divides
from doctor.memory.footprint import Footprint, footprint
from doctor.memory.ways import DECENT_CONTEXT, Means, Way, better, shortened, titled

OTHERS = 3  # that are told


def other_checkpoints(
    now: Fit, family: tuple[Member, ...], taken: Callable[[Member], bool], means: Means, root: str | None = None
) -> tuple[Way, ...]:
    """Checkpoints of the same family that fit, the largest models first; `taken` tells which ones the engine reads.

    Those of the model `root` itself, stored otherwise, come before all others. One that fits with a shorter context, or
    on more of the GPUs at hand, is told with that.
    """
    out: list[Way] = []
    for member in sorted(family, key=lambda m: (root not in (m.id, m.base or m.id), -_size_of(m), -m.bytes)):
        if len(out) >= OTHERS:
            break
        if member.bytes >= now.footprint.total or not taken(member):
            continue
        asked, dropped = _for_another(now, means)
        found = footprint(member.model, dtype=asked.dtype)
        if found is not None and found.total < (means.lighter or now.footprint).total:
            way = next(_on_gpus(member, found, replace(now, settings=asked), means), None)
            out += [replace(way, arguments=(*dropped, *way.arguments))] if way is not None else []
    return tuple(out)


def _for_another(now: Fit, means: Means) -> tuple[Settings, tuple[tuple[str, str | None], ...]]:
    """The settings without what is said of this checkpoint's numbers, and the options that are left out for that."""
    asked = now.settings
    given = {"quantization": asked.quantization, "dtype": asked.dtype if means.lighter is not None else None}
    flags = tuple((flag, None) for meaning, value in given.items() if value and (flag := brief(now, meaning)))
    return replace(asked, quantization=None, dtype=None if means.lighter is not None else asked.dtype), flags


def _on_gpus(member: Member, found: Footprint, now: Fit, means: Means) -> Iterator[Way]:
    """With the GPUs of the launch, else with more of those at hand."""
    asked, flag = now.settings, brief(now, "tensor_parallel")
    if divides(found, asked.tp) and means.splits(member, asked.tp):
        yield from _taking(member, found, asked, now, means)
    for tp in means.numbers(asked, found, member) if flag else ():
        for way in _taking(member, found, replace(asked, tp=tp), now, means):
            more = ((flag or "", str(tp)), *way.arguments)
            yield replace(way, title=f"{way.title.partition(':')[0]} on {tp} GPUs", arguments=more)


def _taking(member: Member, found: Footprint, asked: Settings, now: Fit, means: Means) -> Iterator[Way]:
    result = means.judge(found, asked)
    if result.easy and result.sure and better(result, now):
        yield Way(titled(f"use `{member.id}`", result), result, (), member)
    else:
        for way in shortened(result, means, now):
            if way.result.sure and way.result.easy and way.result.context >= min(DECENT_CONTEXT, now.context):
                title = f"use `{member.id}` with a context of {plural(way.result.context, 'token')}"
                yield replace(way, title=title, member=member)


def _size_of(member: Member) -> int:
    """Which model it is, whatever it is stored in: the smallest of a family is the one with the smallest layers."""
    config = member.config.get("text_config") or member.config.get("llm_config") or member.config
    layers, hidden = config.get("num_hidden_layers", 0), config.get("hidden_size", 0)
    return int(layers) * int(hidden)
