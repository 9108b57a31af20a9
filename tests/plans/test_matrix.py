"""Plans over the real matrix, for environments drawn at random: held against the published metadata itself."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import pytest
from packaging.requirements import InvalidRequirement, Requirement
from packaging.version import Version

from doctor.derived.goal import goal_of
from doctor.derived.packages.requirements import applies, environments, parse
from doctor.facts import Distributions, Facts, Launch, Target, Unavailable, normalize
from doctor.matrix import rows
from doctor.matrix.declared import declared_gpu
from doctor.matrix.providers import releases_with
from doctor.pipeline import judge
from doctor.pipeline.fix import mended, plan_facts
from doctor.plan.build import build
from doctor.plan.choices import for_python
from doctor.plan.freedom import Freedom
from doctor.plan.planner import plan_for
from doctor.plan.predict import predicted, released
from doctor.plan.ranges import admitted
from doctor.plan.solver.minimal_conflict import conflict
from doctor.plan.solver.resolve import Deadline, solve

TARGET = Target("installed", "test", "3.11.7", prefix="/nowhere", platform="linux-x86_64")
LAUNCHES = {
    "lmdeploy": ("lmdeploy", "serve", "api_server", "m"), "vllm": ("vllm", "serve", "m"),
    "sglang": ("python3", "-m", "sglang.launch_server", "--model-path", "m"),
}  # fmt: skip
LIBRARIES = ("transformers", "tokenizers", "huggingface-hub", "torch", "torchvision", "triton", "accelerate", "peft")


def usable(name: str) -> list[str]:
    known = rows.releases(name)
    assert known is not None
    here = known.usable & for_python(name, TARGET, None)
    return [v for i, v in enumerate(known.versions) if here >> i & 1]


def drawn(seed: int) -> tuple[Facts, str]:
    """An engine at random with libraries at random; three in four have a driver of CUDA 12."""
    dice = random.Random(seed)
    engine = dice.choice(("lmdeploy", "lmdeploy", "vllm", "sglang"))
    pins = {engine: dice.choice(usable(engine)), **{n: dice.choice(usable(n)) for n in LIBRARIES}}
    gpu = declared_gpu("RTX 4090:24GB:8.9", dice.choice(("570.86", "570.86", "550.54", "580.82")))
    launch = Launch(LAUNCHES[engine], engine=engine, program=LAUNCHES[engine][0], subcommand=("serve",))
    found = tuple(released(n, v, "/nowhere") for n, v in pins.items())
    return Facts(TARGET, Distributions(found), launch=launch, gpu=gpu), engine


def broken_promises(pins: dict[str, str], vital: set[str]) -> list[str]:
    """Requirements of the pinned releases that other pins do not meet: METADATA read anew, no code of the solver."""
    where = environments(TARGET)
    out = []
    for name in vital & set(pins):
        row = rows.row(name, pins[name], "requires") or {}
        for line in (line for lines in row.get("requires", {}).values() for line in lines):
            try:
                asked = Requirement(line)
            except InvalidRequirement:
                continue
            have = pins.get(normalize(asked.name))
            if "extra" in str(asked.marker or "") or not have or not applies(asked.marker, where):
                continue
            if not asked.specifier.contains(Version(have).public, prereleases=True):
                out.append(f"{name} {pins[name]}: {line}, not {have}")
    return out


def missing_names(engine: str, pins: dict[str, str]) -> list[str]:
    """Names that the engine imports at its start and the pinned transformers lacks."""
    row = rows.row(engine, pins[engine], "imports", "imports.half") or {}
    out: list[str] = []
    if "transformers" not in pins:
        return out  # old releases have it in an extra
    for key, (when, _) in row.get("imports", {}).items():
        module, _, name = key.partition(":")
        if when == "eager" and module.partition(".")[0] == "transformers":
            having = releases_with("transformers", module, name or None)
            if having is not None and having.contains(pins["transformers"]) is False:
                out.append(key)
    return out


@pytest.mark.parametrize("block", range(6))
def test_plans_hold_what_the_metadata_asks(block: int) -> None:
    made = 0
    for seed in range(block * 10, block * 10 + 10):
        facts, engine = drawn(seed)
        outcome = plan_for(facts, goal_of(facts), Freedom(), 60)
        assert outcome.undecided is None, f"seed {seed}"
        if outcome.solved is None:
            assert outcome.conflict is not None and outcome.conflict.members, f"seed {seed}"
            continue
        made += 1
        pins = {n: v for n, v in outcome.solved.pins.items() if v}
        assert broken_promises(pins, set(pins)) == [], f"seed {seed}"
        assert missing_names(engine, pins) == [], f"seed {seed}"
    assert made >= 5


@pytest.mark.parametrize("seed", range(100, 112))
def test_the_rules_agree_with_the_plan(seed: int) -> None:
    """Errors about packages, which a plan is there for, are gone once it is carried out."""
    facts, _ = drawn(seed)
    answer = plan_facts(facts, Freedom(), offline=True)
    if answer.plan.conflict is None and answer.plan.steps:
        assert answer.after is not None
        left = [f for f in mended(answer.after) if f.rule in ("PKG006", "ENG001", "GPU002", "GPU008")]
        covered = [f for f in mended(answer.after) if f.rule == "PKG001" and rows.releases(f.key.partition(":")[2])]
        assert left == [] and covered == [], [f.message for f in (*left, *covered)]


@pytest.mark.parametrize("seed", range(200, 215))
def test_real_conflicts_have_nothing_superfluous(seed: int) -> None:
    facts, engine = drawn(seed)
    _, problem = build(facts, goal_of(facts), Freedom(keep=(engine, "transformers", "torch")))
    if solve(problem, problem.domains(), Deadline(60)) is not None:
        return
    core = conflict(problem, Deadline(60))
    assert core
    for member in core:
        part = problem.with_members(m for m in core if m != member)
        assert solve(part, part.domains(), Deadline(60)) is not None, member
    told = [c.sentence for c in problem.clauses if c.member in core]
    assert all(told)


def test_specifiers_are_those_of_packaging() -> None:
    """Every specifier that a covered release has for a covered project, and a few odd ones."""
    asked = {(o, s) for o in ("transformers", "torch", "huggingface-hub") for s in ("<1.0", "<5.0rc1", ">2.5", "~=4.30.1", "")}
    for project in rows.projects():
        for other in rows.keys(project, "requires"):
            for _, lines in rows.history(project, "requires", other):
                asked |= {(other, str(r.specifier)) for line in lines if (r := parse(line)) is not None}
    checked = 0
    for other, text in asked:
        known = rows.releases(other)
        if known is not None:
            assert admitted(known, text) == known.matching(text).bits, (other, text)
            checked += 1
    assert checked > 200


def test_prefer_newest_goes_further() -> None:
    facts, _ = drawn(0)
    found: dict[str, Any] = {}
    for prefer in ("minimal", "newest"):
        solved = plan_for(facts, goal_of(facts), Freedom(prefer=prefer), 60).solved
        assert solved is not None
        found[prefer] = (len(solved.changed), Version(solved.values["transformers"]))
    assert found["newest"][0] == found["minimal"][0] and found["newest"][1] >= found["minimal"][1]


def test_the_prediction_is_what_was_planned() -> None:
    facts, _ = drawn(1)
    after = predicted(facts, {"transformers": "4.56.2"})
    assert isinstance(after.distributions, Distributions)
    assert after.distributions.version("transformers") == "4.56.2"
    assert not any(r.status == "broken" for r in judge(after).results)


def test_an_engine_that_is_not_there_comes_in_its_newest_fitting_release() -> None:
    launch = Launch(LAUNCHES["vllm"], engine="vllm", program="vllm", subcommand=("serve",))
    facts = Facts(TARGET, Distributions((released("numpy", "2.2.6", "/nowhere"),)), launch=launch,
                  gpu=declared_gpu("RTX 4090:24GB:8.9", "570.86"))  # fmt: skip
    solved = plan_for(facts, goal_of(facts), Freedom(), 60).solved
    assert solved is not None
    newest = [v for v in usable("vllm") if Version(v) < Version("0.20.0")][-1]  # later ones are built for CUDA 13
    assert solved.values["vllm"] == newest


def test_what_is_removed_is_the_last_resort() -> None:
    """A distribution that nobody asked for, whose every release goes against what has to be there."""
    facts, _ = drawn(0)
    assert isinstance(facts.distributions, Distributions)
    private = replace(released("private", "1.0", "/nowhere"), requires=("transformers<4.0",))
    installed = (*facts.distributions.installed, private)
    outcome = plan_for(replace(facts, distributions=Distributions(installed)), goal_of(facts), Freedom(), 60)
    assert outcome.solved is not None and outcome.solved.removed == frozenset(), "it was broken before, and stays"


def test_nothing_is_planned_where_nothing_could_be_read() -> None:
    answer = plan_facts(Facts(TARGET, Unavailable("failed", "no permission")), Freedom(), offline=True)
    assert answer.plan.undecided == "no permission" and not answer.plan.steps
