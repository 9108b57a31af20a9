"""The system's C library is older than installed wheels need, or of another kind.

A wheel's tag names the oldest glibc that it supports: `manylinux_2_28` needs glibc 2.28 (RHEL 8, Debian 10). pip
rejects a wheel that does not match, but a copied environment, a mounted volume or another base image combines it with
an older system. Libraries then fail to load with ``version `GLIBC_2.32' not found``. Alpine's musl does not run
manylinux wheels at all.

What to do: use a newer base image, or recreate the environment on this system.
"""

from __future__ import annotations

from collections.abc import Iterator

from doctor.derived.case import Case
from doctor.derived.host import host_of, manual
from doctor.derived.packages.tags import needed_glibc
from doctor.facts import Distribution, Distributions, present
from doctor.facts.host import Libc
from doctor.findings import NotApplicable, Open
from doctor.matrix.hardware import version
from doctor.rules.rule import Rule, Verdict


def check(rule: Rule, case: Case) -> Iterator[Verdict]:
    """Each distribution's best fitting tag against the target's libc."""
    host = host_of(case.facts)
    distributions: Distributions = present(case.facts, "distributions", Distributions)
    tagged = [(d, needed) for d in distributions.installed if (needed := needed_glibc(d.tags))]
    if not tagged:
        yield NotApplicable("no installed wheel requires glibc")
    elif host.libc is None or (host.libc.kind == "glibc" and not version(host.libc.version or "")):
        yield Open("the version of the target's C library could not be read")
    else:
        yield from _judge(rule, host.libc, tagged)


def _judge(rule: Rule, libc: Libc, tagged: list[tuple[Distribution, tuple[int, int]]]) -> Iterator[Verdict]:
    own = version(libc.version or "")[:2] if libc.kind == "glibc" else (0, 0)
    unfit = sorted(((d, n) for d, n in tagged if n > own), key=lambda pair: pair[1], reverse=True)
    if not unfit:
        return
    worst, needed = unfit[0]
    name = f"glibc {libc.version}" if libc.kind == "glibc" else "musl"
    others = f" and {len(unfit) - 1} more" if len(unfit) > 1 else ""
    yield rule.about(
        f"The C library here is {name}, but the wheel of `{worst.name}` {worst.version}{others} was built for glibc "
        f"{needed[0]}.{needed[1]} or newer.",
        manual(
            "use a newer system or base image, or create a new environment on this one so that pip picks matching "
            "wheels"
        ),
        observed=name,
        expected=f"glibc {needed[0]}.{needed[1]}",
        source="tags in WHEEL",
        where=libc.path,
        severity="error" if libc.kind == "musl" else "warning",
    )


RULE = Rule(code="SYS001", name="old-libc", severity="warning", check=check, needs=("host", "distributions"))
