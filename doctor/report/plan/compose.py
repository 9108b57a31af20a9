"""A plan as a deployment: the servers with their GPUs, caches and health, and what stands in front and beside."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from doctor.base.json_object import JsonObject
from doctor.base.text import conjoined
from doctor.report.plan import gateway, monitoring
from doctor.report.plan.differences import changes
from doctor.report.plan.dumped import dumped
from doctor.report.plan.edited_text import kept
from doctor.report.plan.group import by_ray
from doctor.report.plan.masked import Masking
from doctor.report.plan.objects import listed
from doctor.report.plan.placement import start_line
from doctor.report.plan.recipe import OwnService, Recipe, head
from doctor.report.plan.service import ADDRESS, CACHE, RANK, WORKER, by_hand, service, worker
from doctor.report.plan.stack import Stack, add


def compose(plans: Sequence[Recipe], beside: tuple[str, ...] = ()) -> str:
    """The whole file: the user's own project with its servers corrected, else a new one."""
    plans = [replace(p, on_host=p.nodes > 1 and p.own is None) for p in plans]
    masking = Masking()
    services, changed = _services(plans, masking, "metrics" in beside)
    own = plans[0].own
    sections: JsonObject = dict(masking(own.sections)) if own else {}
    data: JsonObject = {**_name(plans[0], sections), "services": services, **sections}
    named = [name for plan in plans for v in plan.volumes if (name := _volume_name(v))]
    if named:
        add(data, "volumes", {name: {} for name in named})
    if any(v.startswith(CACHE) for one in services.values() for v in map(str, listed(one.get("volumes")))):
        add(data, "volumes", {CACHE.rstrip(":"): {}})
    changed += by_hand(plans, "metrics" in beside)
    stack = Stack(plans, data)
    if "gateway" in beside:
        stack.gateway()
    if "metrics" in beside:
        stack.metrics()
    text = kept(own.text, data, masking.variables.values) if own else None
    if own and text is None:
        changed.append(_lost(own))
    top = _top(plans, masking, stack, changed)
    return f"{top}\n{dumped(data)}" if text is None else f"{top}\n\n{text}"


def _lost(own: OwnService) -> str:
    """That comments are not kept, where the user's file could not be edited."""
    names = own.files[:4] or (own.file,)
    return f"The services of {conjoined(names)} are written out in full here: comments are not kept."


def _services(plans: Sequence[Recipe], masking: Masking, with_metrics: bool) -> tuple[JsonObject, list[str]]:
    """The services in the user's order, secrets by name, and what was changed in the servers, a sentence each.

    The servers go first: what they call a key is its name wherever else it stands.
    """
    own = plans[0].own
    theirs = own.services if own else {}
    before = {p.name: _masked_server(p, masking) for p in plans if p.own}
    made: JsonObject = {}
    first = 0
    for plan in plans:
        made[plan.name] = masking(service(plan, with_metrics, first if len(plans) > 1 else None))
        first += plan.shared_gpus
        if (joining := worker(plan, with_metrics)) is not None:
            made[f"{plan.name}-{WORKER}"] = masking(joining)
    services = {name: made[name] if name in made else masking(one) for name, one in theirs.items()}
    changed = [said for name, was in before.items() if (said := changes(name, was, made[name]))]
    return {**services, **{n: one for n, one in made.items() if n not in services}}, changed


def _masked_server(plan: Recipe, masking: Masking) -> JsonObject:
    masking.variables.expect(plan.behind_options)
    out = masking(plan.own.service) if plan.own else {}
    masking.variables.expect(())
    return dict(out)


def _name(plan: Recipe, sections: JsonObject) -> JsonObject:
    """The project's name: the user's; a file of theirs without one keeps its folder's, and so its volumes."""
    own = sections.pop("name", None)
    if own is not None or plan.own:
        return {"name": own} if own is not None else {}
    return {"name": f"qvl-{(plan.engine or 'server').replace('.', '-')}"}


def _top(plans: Sequence[Recipe], masking: Masking, stack: Stack, changed: list[str]) -> str:
    kept = [*changed, *stack.kept]
    for plan in (p for p in plans if p.own and p.own.service.get("build") and p.changes):
        pins = " ".join(f"{n}=={plan.pins[n]}" for n in plan.changes if n in plan.pins)
        kept.append(f"The image of `{plan.name}` is built from a Dockerfile of yours; install there: {pins}")
    first = plans[0]
    secrets = [*masking.names, *(n for p in plans for n in (*p.secrets, *p.hidden))]
    secrets += [gateway.MASTER] if "gateway" in stack.ours else []
    secrets += [monitoring.PASSWORD] if "grafana" in stack.ours else []
    told = ", ".join(dict.fromkeys(secrets))
    place = f"Put it next to {first.own.file}: relative paths and .env are read from there." if first.own else ""
    lines = (
        *kept, *map(_of_several, plans), *dict.fromkeys(p.relaxed for p in plans),
        f"Set in .env: {told}." if told else "",
        f"Make a key with: echo {gateway.MASTER}=sk-$(openssl rand -hex 24) >> .env" if gateway.MASTER in told else "",
        place, f"Start it with: {start_line(plans)}",
        "" if first.own or first.ports or first.on_host else "Ports are bound to this machine only.",
        "" if first.own or first.ports else "HF_TOKEN is for gated models.",
    )  # fmt: skip
    more = [w for plan in plans[1:] for w in plan.why]
    return head(first, *more, *filter(None, lines))


def _of_several(plan: Recipe) -> str:
    """How each of several machines that hold the model together is started; empty where it is one alone."""
    if plan.nodes == 1:
        return ""
    together = f"`{plan.name}` runs on {plan.nodes} machines together, with the network of each"
    if by_ray(plan):
        other = f"docker compose --profile {WORKER} up --detach {plan.name}-{WORKER}"
        return f"{together}. On the first, start it as below; on the others: {ADDRESS}=... {other}"
    return f"{together}: start it on each with {ADDRESS} of the first, and {RANK} from 0 to {plan.nodes - 1}, in .env."


def _volume_name(written: str) -> str | None:
    """The volume that a mount names; None for a folder."""
    first, colon, _ = written.partition(":")
    return first if colon and re.fullmatch(r"[A-Za-z0-9][\w.-]*", first) else None
