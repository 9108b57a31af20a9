"""The facts as they will be once a plan is carried out: what the rules are run on before it is printed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from doctor.derived.memory.carried import carried
from doctor.facts import Distribution, Distributions, Facts, Launch, Model, Natives, Unavailable, normalize
from doctor.matrix import rows
from doctor.matrix.engines import serving_engines
from doctor.matrix.module_names import provider_of

FROM_ROWS = Unavailable(
    "not_supported", "not installed yet: imports are checked against the names in the published wheels"
)
NATIVE = ("torch", "triton")  # and the engines


def predicted(
    facts: Facts,
    pins: Mapping[str, str],
    removed: frozenset[str] = frozenset(),
    launch: Launch | None = None,
    again: frozenset[str] = frozenset(),
) -> Facts:
    """`facts` with the distributions of `pins` (name -> version) in place of what is installed.

    Those in `again` are installed once more in the release that is there.
    """
    have = facts.distributions if isinstance(facts.distributions, Distributions) else Distributions(())
    changed = {n for n, v in pins.items() if n in again or not same(have, n, v)} | set(removed)
    after = facts if launch is None else replace(facts, launch=launch)
    if not changed:
        return carried(facts, after)
    named = {p.key for p in have.declared}  # what only follows from a declaration's lines is not known any more
    kept = tuple(d for d in have.installed if d.key not in changed and (have.complete or d.key in named))
    where = next((d.location for d in have.installed), "")
    new = tuple(released(n, v, where) for n, v in sorted(pins.items()) if n in changed)
    distributions = replace(
        have, installed=(*kept, *new), duplicates=tuple(d for d in have.duplicates if d.key not in changed),
        gates=tuple(g for g in have.gates if normalize(g.distribution) not in changed),
        changed=tuple(c for c in have.changed if normalize(c.distribution) not in changed),
        collisions=tuple(c for c in have.collisions if not {normalize(o.distribution) for o in c.owners} & changed),
        declared=tuple(p for p in have.declared if p.key not in changed),
    )  # fmt: skip
    after = replace(
        after, distributions=distributions, modules=FROM_ROWS, natives=_natives(facts, changed),
        model=_model(facts, changed - removed),
    )  # fmt: skip
    return carried(facts, after)


def _natives(facts: Facts, changed: set[str]) -> Natives | Unavailable:
    """The libraries, unless those of a distribution that changes are among them, or what it brings is linked with."""
    if not isinstance(facts.natives, Natives):
        return facts.natives
    own = {normalize(one.distribution) for one in facts.natives.libraries} & changed
    beside = any(n in (*NATIVE, *serving_engines()) or n.startswith("nvidia-") for n in changed)
    return FROM_ROWS if own or beside else facts.natives


def _model(facts: Facts, added: set[str]) -> Model | Unavailable:
    """The model, whose own code finds the packages that are installed."""
    model = facts.model
    if not isinstance(model, Model) or model.code is None or not model.code.absent:
        return model
    left = tuple(m for m in model.code.absent if normalize(provider_of(m) or m) not in added)
    return replace(model, code=replace(model.code, absent=left))


def same(have: Distributions, name: str, version: str) -> bool:
    """Whether this release is what is installed; a build of it for another CUDA, or for none, is not."""
    found = have.get(name)
    if found is None:
        return False
    local = version.partition("+")[2]
    mine = (found.build or found.version).partition("+")[2]
    if name == "torch" and mine.startswith(("cpu", "rocm", "xpu")) and not local:
        return False
    return found.version.partition("+")[0] == version.partition("+")[0] and (not local or local == mine)


def released(name: str, version: str, location: str = "") -> Distribution:
    """A release as the data knows it; of one that it does not cover, name and version are all."""
    row = rows.row(name, version, "requires", "meta", "tags") or {}
    lines = tuple(line for group in row.get("requires", {}).values() for line in group)
    build = rows.row(name, version, "build") if name == "torch" and "+" not in version else None
    return Distribution(
        name, normalize(name), version, location=location, metadata_path="the published release",
        build=str(build["build"]["version"]) if build and build.get("build", {}).get("version") else None,
        requires=lines, requires_python=row.get("meta", {}).get("requires_python"),
        extras=tuple(dict.fromkeys(e for line in lines if (e := _extra(line)))), tags=tuple(row.get("tags", {})),
    )  # fmt: skip


def _extra(line: str) -> str | None:
    marker = line.partition(";")[2]
    if "extra" not in marker:
        return None
    word = marker.rpartition("extra")[2].strip(" =()'\"")
    return word if word.replace("-", "").replace("_", "").isalnum() else None
