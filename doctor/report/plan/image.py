"""A plan as a Dockerfile: the official image with what it lacks, else a slim Python with every pin."""

from __future__ import annotations

import json

from doctor.base.address import LOCAL
from doctor.launch import naming
from doctor.launch.program import PYTHON, name_of
from doctor.matrix.engines import engine_row
from doctor.report.plan.recipe import RELAXED, Recipe, head, pinned


def dockerfile(plan: Recipe) -> str:
    """The whole file; secrets are variables of the container, which its start sets."""
    names = tuple(dict.fromkeys((*plan.secrets, *plan.hidden)))
    told = f"Start it with: docker run {' '.join(f'--env {n}' for n in names)} ..." if names else ""
    return "\n".join([head(plan, *filter(None, [plan.relaxed, told])), *body(plan), *_start(plan)]) + "\n"


def body(plan: Recipe) -> list[str]:
    """The instructions up to the packages."""
    if plan.image:
        out = [f"FROM {plan.image}"]
        out += _run({n: v for n, v in plan.layer.items() if n not in plan.source}, "--only-binary :all:")
        return out + _run({n: v for n, v in plan.layer.items() if n in plan.source}, "--no-deps", SOURCE)
    out = [f"FROM python:{plan.python}-slim", "ENV PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1"]
    whole = "--no-deps " if plan.resolved else ""  # else the installer has to bring the rest
    out += _run(plan.wheels, f"{whole}--only-binary :all:")
    return out + _run({n: v for n, v in plan.pins.items() if n in plan.source}, "--no-deps", SOURCE)


def _start(plan: Recipe) -> list[str]:
    out = [f"ENV {n}={json.dumps(v)}" for n, v in plan.environ.items() if n not in plan.hidden]
    out += [f"ENV {RELAXED}=1"] if plan.relaxed else []
    if not plan.command or not plan.engine:
        return out
    return [*out, f"EXPOSE {plan.port}", "ENTRYPOINT []", f"CMD {json.dumps(_command(plan))}"]


def _command(plan: Recipe) -> list[str]:
    """The command; a shell fills secrets in when the container starts, and does not start a server without them."""
    words = moved_in(plan)
    if not plan.secrets:
        return words
    return ["sh", "-c", f"exec {naming.shell(words, plan.secrets, ':?start the container with --env {}')}"]


def moved_in(plan: Recipe) -> list[str]:
    """The command as an image of its own has it: no folder of this machine, no loopback. The user's own stays."""
    words = list(plan.command)
    if plan.own is not None or plan.manifests is not None or not words:
        return words
    name = name_of(words[0])
    words[0] = "python3" if PYTHON.match(name) else words[0] if words[0].startswith("/app/") else name
    host = engine_row(plan.engine).option("host") or ""
    out = [f"{host}=0.0.0.0" if w.partition("=")[0] == host and w.partition("=")[2] in LOCAL else w for w in words]
    return ["0.0.0.0" if w in LOCAL and before == host else w for before, w in zip(["", *out], out, strict=False)]


SOURCE = "# published only as source: building the image runs its setup.py"


def _run(pins: dict[str, str], flags: str, note: str | None = None) -> list[str]:
    if not pins:
        return []
    words = " \\\n      ".join(pinned(n, v) for n, v in sorted(pins.items()))
    return [*([note] if note else []), f"RUN pip install --no-cache-dir {flags} \\\n      {words}"]
