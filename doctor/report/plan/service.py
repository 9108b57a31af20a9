"""The server of a plan as a compose service: written anew, or the user's own with what has to change in it."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from typing import Any

from doctor.base.json_object import JsonObject
from doctor.base.quoting import joined
from doctor.base.secrets.hide import HIDDEN
from doctor.facts.launch import HUB_HOME
from doctor.launch import naming
from doctor.launch.edit_in_text import in_text
from doctor.matrix.engines import engine_row
from doctor.matrix.images import entrypoint
from doctor.report.plan import image
from doctor.report.plan.group import Group, by_ray
from doctor.report.plan.masked import required
from doctor.report.plan.objects import at, listed
from doctor.report.plan.recipe import RELAXED, Recipe, python_probe

SHM = "16gb"
CACHE = "huggingface:"  # the volume of what is fetched from the hub
FETCHING, LOADING, STARTING = 20e6, 200e6, 300  # bytes a second from the hub and from the disk; seconds for the rest
STEP, UNKNOWN = 300, 1800
WORKER = "worker"
ADDRESS, RANK = "LEADER_ADDRESS", "NODE_RANK"


def service(plan: Recipe, with_metrics: bool, first: int | None = None) -> JsonObject:
    """The service; text of ours is escaped, so that Compose takes no `$` in it for a variable.

    `first` is the number of its first GPU where several servers share a machine: a mere count gives each the same ones.
    """
    count = plan.shared_gpus
    gpus = devices(count if first is None else [str(n) for n in range(first, first + count)])
    if plan.own is None:
        return {**_fresh(plan, with_metrics), "deploy": gpus}
    return _corrected(plan, plan.own.service, with_metrics, gpus)


def _fresh(plan: Recipe, with_metrics: bool) -> JsonObject:
    if plan.nodes > 1:
        return _of_group(plan, with_metrics)
    return _alone(plan, with_metrics)


def _of_group(plan: Recipe, with_metrics: bool) -> JsonObject:
    """The service on the first of several machines, or on each, where the engine brings them together itself."""
    out = _alone(plan, with_metrics)
    del out["ports"]
    group = _group(plan)
    words = naming.filled(group.argv(plan, container_words(plan, with_metrics)), plan.secrets, required, _unfilled)
    start = group.before(plan)
    out["command"] = ["sh", "-c", f"{start}exec {joined(words)}"] if start else words
    return {**out, "network_mode": "host"}


def worker(plan: Recipe, with_metrics: bool) -> JsonObject | None:
    """The service on the other machines, which Ray brings together; None where all run the same one."""
    if not by_ray(plan) or plan.own is not None:
        return None
    joining = Group(f"${{{ADDRESS}:-}}", "", "").joining()  # not required: the first machine fills it in, too
    out = {**_of_group(plan, with_metrics), "command": joining, "deploy": devices(plan.shared_gpus)}
    del out["healthcheck"]
    return {**out, "profiles": [WORKER]}


def _group(plan: Recipe) -> Group:
    return Group(f"${{{ADDRESS}:?the first machine}}", str(plan.nodes), f"${{{RANK}:?0 on the first machine}}")


def _unfilled(text: str) -> str:
    """Text that Compose leaves as it is, but for the variables of the group."""
    return text if text.startswith((f"${{{ADDRESS}", f"${{{RANK}")) else escaped(text)


def _alone(plan: Recipe, with_metrics: bool) -> JsonObject:
    volumes: list[Any] = [escaped(v) for v in plan.volumes]
    if not any(v.split(":")[1:2] == [plan.cache] for v in plan.volumes):
        volumes.append(f"{CACHE}{plan.cache}")
    if plan.folder:
        volumes.append({"type": "bind", "source": escaped(plan.folder), "target": "/model", "read_only": True})
    return {
        **_image(plan), "entrypoint": [], "command": command(plan, with_metrics),
        "environment": {"HF_HOME": HUB_HOME, "HF_TOKEN": "${HF_TOKEN:-}", **_variables(plan)},
        "ports": [escaped(p) for p in plan.ports] or [f"127.0.0.1:{plan.port}:{plan.port}"], "volumes": volumes,
        **({"ipc": "host"} if plan.shares_memory else {"shm_size": SHM}), "init": True,
        "restart": "unless-stopped", "stop_grace_period": "30s", "healthcheck": health(plan),
    }  # fmt: skip


def _corrected(plan: Recipe, own: JsonObject, with_metrics: bool, gpus: JsonObject) -> JsonObject:
    """The user's service: what they wrote stays, but for what the plan changes and what our rules ask for."""
    out = dict(own)
    if plan.changes and plan.image and not own.get("build"):
        out = {**{k: v for k, v in out.items() if k != "build"}, **_image(plan)}
    words = command(plan, with_metrics)
    if rewritten(plan, with_metrics) and not plan.script:
        start = entrypoint(str(out.get("image") or ""))
        brief = not own.get("entrypoint") and start and tuple(words[: len(start)]) == start
        out["command"] = words[len(start) :] if brief else words
        if not brief:
            out["entrypoint"] = []
    elif rewritten(plan, with_metrics) and (found := in_place(plan, with_metrics, escaped)):
        out |= {key: put_in_place(out[key], found) for key in ("command", "entrypoint") if key in out}
    if added := _variables(plan):
        out["environment"] = {**_pairs(out.get("environment")), **added}
    if plan.lost:
        out["volumes"] = [*listed(out.get("volumes")), f"{CACHE}{plan.cache}"]
    if not out.get("shm_size") and out.get("ipc") != "host" and plan.listens is None:
        out["shm_size"] = SHM
    if plan.shared_gpus and (not _has_gpus(out) or _too_few(out, plan.shared_gpus)):
        out["deploy"] = {**_dict(out.get("deploy")), **gpus}
    out["healthcheck"] = _patient(plan, _dict(out.get("healthcheck")))
    out.setdefault("restart", "unless-stopped")
    return out


def rewritten(plan: Recipe, with_metrics: bool) -> bool:
    """Whether the user's command is not the one to start."""
    return plan.changed or (with_metrics and any(w not in plan.command for w in plan.metrics or ()))


def by_hand(plans: Sequence[Recipe], with_metrics: bool) -> list[str]:
    """What the user has to change in scripts of theirs, a sentence each."""
    return [
        f"Change the server's command in {p.script} to: {naming.shell(container_words(p, with_metrics), p.secrets)}"
        for p in plans if p.script and rewritten(p, with_metrics) and not in_place(p, with_metrics)
    ]  # fmt: skip


def in_place(plan: Recipe, with_metrics: bool, plain: naming.Text = str) -> dict[str, str]:
    """The user's shell text that starts the server with what takes its place; empty where it cannot be edited.

    `plain` keeps what reads the file from taking a part of our words for its own.
    """
    now = container_words(plan, with_metrics)
    if any(HIDDEN in w for w in now if w not in plan.was):
        return {}
    found = {t: n for t in plan.texts if (n := in_text(t, plan.was, now, lambda w: plain(joined(w)))) is not None}
    return found if len(found) == 1 else {}


def put_in_place(words: Any, found: dict[str, str]) -> Any:
    """A command of the user's, list or text, with their shell text edited."""
    if isinstance(words, list):
        return [found.get(w, w) if isinstance(w, str) else w for w in words]
    try:
        split = shlex.split(words) if isinstance(words, str) and found else []
    except ValueError:
        split = []
    return [found.get(w, w) for w in split] if any(w in found for w in split) else words


def _image(plan: Recipe) -> JsonObject:
    if plan.image and not plan.layer:
        return {"image": plan.image}
    text = "\n".join(image.body(plan)) + "\n"
    return {"image": f"qvl-doctor/{plan.engine}:{plan.version}", "build": {"dockerfile_inline": escaped(text)}}


def _variables(plan: Recipe) -> dict[str, str]:
    out = {n: required(n) if n in plan.hidden else escaped(v) for n, v in plan.environ.items()}
    return {**out, RELAXED: "1"} if plan.relaxed else out


def command(plan: Recipe, with_metrics: bool) -> list[str]:
    """The launch command, reachable from outside its container, secrets by name, the model's folder as it is there."""
    spelled = plan.spelled
    words = naming.filled(container_words(plan, with_metrics), plan.secrets, required, escaped)
    return [spelled.get(w, w) for w in words]


def container_words(plan: Recipe, with_metrics: bool) -> list[str]:
    """The same with its secrets still hidden."""
    words = ["/model" if plan.folder and w == plan.model else w for w in image.moved_in(plan)]
    host = (engine_row(plan.engine).option("host") or "").replace("_", "-")
    if host and not plan.script and not any(w.partition("=")[0].replace("_", "-") == host for w in words):
        words += [engine_row(plan.engine).option("host") or "", "0.0.0.0"]
    if with_metrics and plan.metrics:
        words += [w for w in plan.metrics if w not in words]
    return words


def start_period(plan: Recipe) -> int:
    """Seconds that a first start may take: weights are fetched unless they lie in a folder, then loaded."""
    if plan.weights is None:
        return UNKNOWN
    seconds = STARTING + plan.weights / LOADING + (0 if plan.folder else plan.weights / FETCHING)
    return STEP * max(2, -int(-seconds // STEP))


def health(plan: Recipe) -> JsonObject:
    """A health check that gives the first start its time."""
    return {
        "test": _test(plan), "interval": "30s", "timeout": "10s", "retries": 3,
        "start_period": f"{start_period(plan) // 60}m",
    }  # fmt: skip


def _patient(plan: Recipe, own: JsonObject) -> JsonObject:
    if own.get("disable"):
        return own
    return health(plan) if not own else {**own, "start_period": f"{start_period(plan) // 60}m"}


def _test(plan: Recipe) -> list[str]:
    if plan.curl:
        return ["CMD", "curl", "--fail", "--silent", f"http://127.0.0.1:{plan.port}/health"]
    return ["CMD", "python3", "-c", python_probe(plan.port, "/health")]


def devices(count: int | str | list[str], *more: str) -> JsonObject:
    """The reservation of GPUs: how many, or which ones."""
    asked = {"device_ids": count} if isinstance(count, list) else {"count": count}
    device = {"driver": "nvidia", **asked, "capabilities": ["gpu", *more]}
    return {"resources": {"reservations": {"devices": [device]}}}


def escaped(text: str) -> str:
    """Text that Compose leaves as it is."""
    return text.replace("$", "$$")


def _has_gpus(own: JsonObject) -> bool:
    reserved = at(own, "deploy", "resources", "reservations")
    nvidia = [d for d in listed(own.get("devices")) if str(d).startswith("nvidia.com/gpu")]
    return bool(own.get("gpus") or own.get("runtime") or reserved.get("devices") or nvidia)


def _too_few(own: JsonObject, gpus: int) -> bool:
    reserved = at(own, "deploy", "resources", "reservations")
    counts = [_dict(d).get("count") for d in listed(reserved.get("devices"))]
    return any(isinstance(c, int) and 0 < c < gpus for c in counts)


def _pairs(value: Any) -> JsonObject:
    """`[A=b, C]` as a mapping, as the merging of compose files has it."""
    if isinstance(value, list):
        split = [str(v).partition("=") for v in value]
        return {name: text if equals else None for name, equals, text in split}
    return _dict(value)


def _dict(value: Any) -> JsonObject:
    return dict(value) if isinstance(value, dict) else {}
