"""The disk for model downloads or temporary files is nearly full.

Models are downloaded to the hub's cache (`HF_HOME`, else `~/.cache/huggingface`): a 7B vision model takes about 16 GB
in 16 bit, a 72B one 145 GB. A download that fills the disk fails with `No space left on device`, and a half-written
file may later be taken for a complete one. `/tmp` holds compiled kernels and sockets.

What to do: point `HF_HOME` to a larger disk, or free some space.
"""

from __future__ import annotations

from collections.abc import Iterator

from doctor.derived.case import Case
from doctor.derived.host import host_of, manual
from doctor.derived.known_model import known_member, launched_member
from doctor.derived.units import GIB, size
from doctor.facts import Facts, Model, Weights
from doctor.facts.host import Disk
from doctor.findings import NotApplicable, Remediation
from doctor.rules.rule import Rule, Verdict

DOWNLOAD, SCRATCH = 10 * GIB, GIB


def check(rule: Rule, case: Case) -> Iterator[Verdict]:
    """The cache only where the model is not a local folder already."""
    host = host_of(case.facts)
    cache, scratch = host.disk("hf-cache"), host.disk("tmp")
    known = [d for d in (cache, scratch) if d is not None and d.free is not None]
    if not known:
        yield NotApplicable("no disk of this machine is checked")
        return
    needed, sure = _download(case.facts)
    if cache is not None and cache.free is not None and cache.free < needed and host.disk("model") is None:
        mend = manual("make room there, or set `HF_HOME` to a folder on a larger disk")
        yield _full(rule, cache, "models are downloaded to", needed, mend, sure)
    if scratch is not None and scratch.free is not None and scratch.free < SCRATCH:
        yield _full(
            rule, scratch, "temporary files go to", SCRATCH, manual("make room there, or set `TMPDIR` to a larger disk")
        )


def _download(facts: Facts) -> tuple[int, bool]:
    """Bytes that will be downloaded, and whether that is known: of the hub's own list of files, else of our data."""
    if isinstance(facts.model, Model) and facts.model.source != "known":
        weights = facts.model.weights
        size_there = sum(f.size for f in weights.files) if isinstance(weights, Weights) else 0
        return (size_there, True) if facts.model.source == "hub" and size_there else (0, False)
    named = known_member(facts.model.path) if isinstance(facts.model, Model) else launched_member(facts)
    if named is not None:
        return named.bytes, named.exact
    return DOWNLOAD, False


def _full(rule: Rule, disk: Disk, what: str, needed: int, mend: Remediation, sure: bool = False) -> Verdict:
    return rule.about(
        f"`{disk.path}`, where {what}, has {size(disk.free or 0)} free, but needs {size(needed)} or more.",
        mend,
        observed=size(disk.free or 0),
        expected=size(needed),
        key=disk.use,
        severity="error" if sure else None,
        where=disk.path,
    )


RULE = Rule(code="SYS004", name="low-disk", severity="warning", check=check, needs=("host",))
