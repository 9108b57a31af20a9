"""Every file that a plan is written as is checked before it is shown: the file itself, by the same rules.

It is read as a user's file would be, on the machine of the question: image, driver, launch, health check, what stands
in front of the server and what watches it. What the check finds or leaves open stands at the top of the file.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import yaml

from doctor.base.late import late_pattern
from doctor.base.secrets.names import is_secret_name
from doctor.collect.declared.request import Composing, DeclaredRequest
from doctor.collect.python.target import TargetError, TargetRequest
from doctor.facts import Facts, Gpu, Launch, Model
from doctor.findings import Report
from doctor.findings.proposal import Proposal
from doctor.matrix.declared import DeclarationError
from doctor.pipeline.collecting import collect
from doctor.pipeline.diagnosis import judge
from doctor.pipeline.request import Request
from doctor.pipeline.services import request_of, serves, services_of
from doctor.report.closing import by_reason, open_questions
from doctor.report.plan.files import written
from doctor.report.plan.pods import KEYS
from doctor.report.plan.recipe import Doubts, Recipe

NAMES = {"compose": "compose.yaml", "kubernetes": "deployment.yaml", "dockerfile": "Dockerfile"}
CONFIGS = ("litellm", "prometheus")
SHOWN = 12
_VARIABLE = late_pattern(r"(?<!\$)\$\{?([A-Za-z_][A-Za-z0-9_]*)(:\?)?")
SET = "set-by-the-user"


def checked_text(
    form: str, plans: Sequence[Recipe], answers: Sequence[Proposal], beside: tuple[str, ...], folder: str | None = None
) -> tuple[str, Doubts]:
    """The text of this form, with what our own check says of it at its top. `folder` is the user's compose project."""
    text = written(form, plans, beside)
    doubts = doubts_of(form, text, plans, answers, folder)
    return written(form, [replace(plan, doubts=doubts) for plan in plans], beside), doubts


def doubts_of(
    form: str, text: str, plans: Sequence[Recipe], answers: Sequence[Proposal], folder: str | None = None
) -> Doubts:
    """What the rules say of a written text."""
    if form == "sh":  # what it installs and starts is what the pins and the command are
        text = written("requirements", plans)
    with tempfile.TemporaryDirectory(prefix="qvl-doctor-") as place:
        path = _put(place, NAMES.get(form, "requirements.txt"), _with_keys(form, text, plans))
        try:
            reports = [r for p, a in zip(plans, answers, strict=True) for r in _reports(form, path, text, p, a, folder)]
        except (TargetError, DeclarationError) as error:
            return Doubts((str(error).replace(f"{place}/", ""),), (), True, True)
    found = {f"{f.rule}: {f.message}": None for r in reports for f in r.findings if f.severity != "note"}
    shared = list(_too_few(form, plans, answers))
    fails = bool(shared) or any(r.count("error") for r in reports)
    left = by_reason(q for r in reports for q in open_questions(r))
    return Doubts(
        _short([*shared, *found]), _short(f"{codes}: {reason}" for reason, codes in left.items()), True, fails
    )


def _too_few(form: str, plans: Sequence[Recipe], answers: Sequence[Proposal]) -> Iterator[str]:
    """What no service tells by itself: that the servers of one machine take more GPUs together than it has."""
    gpu = answers[0].before.facts.gpu
    wanted, there = sum(p.gpus for p in plans), len(gpu.usable) if isinstance(gpu, Gpu) else 0
    if form == "compose" and len(plans) > 1 and 0 < there < wanted:
        yield f"the servers take {wanted} GPUs together, and the machine has {there}"


def _with_keys(form: str, text: str, plans: Sequence[Recipe]) -> str:
    """The text with something in place of the secrets that the user sets."""
    names = dict.fromkeys(n for plan in plans for n in (*plan.secrets, *plan.hidden))
    if form == "kubernetes":
        secret = {"kind": "Secret", "metadata": {"name": KEYS}, "stringData": {n: _value(n) for n in names}}
        return f"{text}---\n{yaml.safe_dump(secret)}"
    if form == "dockerfile":
        return text.replace("\nENTRYPOINT", "".join(f"\nENV {n}={_value(n)}" for n in names) + "\nENTRYPOINT", 1)
    return text


def _value(name: str) -> str:
    """Something in place of what the user sets: a number may stand where a text may."""
    return SET if is_secret_name(name) or name.endswith("KEY") else "0"


def _short(lines: Iterable[str]) -> tuple[str, ...]:
    every = tuple(lines)
    return every if len(every) <= SHOWN else (*every[:SHOWN], f"and {len(every) - SHOWN} more")


def _put(place: str, name: str, text: str) -> str:
    path = Path(place, name)
    path.write_text(text, encoding="utf-8", errors="surrogateescape")
    return str(path)


def _reports(
    form: str, path: str, text: str, plan: Recipe, answer: Proposal, folder: str | None
) -> Iterator[Report]:  # fmt: skip
    """The report on each way to look at the text: on its own, and with what stands in front or beside."""
    before = answer.before.facts
    environ = {n: _value(n) for n, required in _VARIABLE.findall(text) if required or is_secret_name(n)}
    python = None if form in NAMES else before.target.python
    target = TargetRequest(cwd=str(Path(path).parent), environ=environ, python_version=python)
    asked = Request(target, environ=environ, declared=_declared(form, path, plan, folder))
    if form not in ("compose", "kubernetes", "dockerfile"):
        asked = replace(asked, launch=plan.command)
    each = [asked]
    if form == "kubernetes":
        mine = [s for s in services_of(asked) if s.name.split("/")[0] == plan.name and serves(s)]
        each = [request_of(s, asked) for s in mine]
    for gateway in _configs(form, str(Path(path).parent), text) or [None]:
        found = [collect(replace(one, gateway=gateway)) for one in each]
        serving = [f for f in found if isinstance(f.launch, Launch) and f.launch.engine] or found
        yield from (judge(_there(facts, answer, plan)) for facts in serving)


def _declared(form: str, path: str, plan: Recipe, folder: str | None) -> DeclaredRequest:
    if form == "compose":
        return DeclaredRequest(compose=path, service=plan.name, composing=Composing(folder=folder, beside=False))
    if form == "kubernetes":
        return DeclaredRequest(deployments=(path,))
    return DeclaredRequest(requirements=(path,))


def _there(facts: Facts, answer: Proposal, plan: Recipe) -> Facts:
    """The facts of the text on the machine of the question, with the model as it was read there.

    A compose file is that of each of the plan's machines.
    """
    launch = facts.launch
    if isinstance(launch, Launch) and launch.container is not None and plan.nodes > launch.container.nodes:
        facts = replace(facts, launch=replace(launch, container=replace(launch.container, nodes=plan.nodes)))
    before = (answer.after or answer.before).facts
    model = before.model if isinstance(before.model, Model) else facts.model
    return replace(facts, gpu=before.gpu, model=model)


def _configs(form: str, place: str, text: str) -> list[str | None]:
    """The files of the gateway and of the scraper that stand in the text, put beside it."""
    return [_put(place, f"{name}.yaml", found) for name, found in _texts(form, text) if name in CONFIGS]


def _texts(form: str, text: str) -> Iterator[tuple[str, str]]:
    if form == "compose":
        for name, held in (yaml.safe_load(text).get("configs") or {}).items():
            if isinstance(held, dict) and isinstance(held.get("content"), str):
                yield name, held["content"].replace("$$", "$")
    elif form == "kubernetes":
        for one in yaml.safe_load_all(text):
            held = one.get("data") if isinstance(one, dict) and one.get("kind") == "ConfigMap" else None
            if isinstance(held, dict) and held:
                yield one["metadata"]["name"], str(next(iter(held.values())))
