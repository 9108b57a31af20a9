"""Triton is installed but cannot compile its launcher.

Triton writes a small C file for each kind of kernel launch and compiles it when the first kernel runs, long after the
server has begun to load. It uses `CC`, else gcc, else clang, and needs the Python headers for the environment's own
version. Slim images have neither: the engine fails with `Failed to find C compiler` or `Python.h: No such file or
directory`.

What to do: install gcc and the headers (Debian, Ubuntu: `gcc libc6-dev python3-dev`).
"""

from __future__ import annotations

from collections.abc import Iterator

from doctor.derived.case import Case
from doctor.derived.host import host_of, manual
from doctor.facts import Distributions, present
from doctor.findings import NotApplicable, Open
from doctor.launch.options import engine
from doctor.matrix.engines import engine_row
from doctor.rules.rule import Rule, Verdict


def check(rule: Rule, case: Case) -> Iterator[Verdict]:
    """Two things: a compiler on PATH, and the header of this Python."""
    facts = case.facts
    host = host_of(facts)
    triton = present(facts, "distributions", Distributions).get("triton")
    if triton is None:
        yield NotApplicable("triton is not installed")
        return
    severity = "error" if engine_row(engine(facts)).has("compiles_kernels") else "warning"
    minor = ".".join(map(str, facts.target.python_minor or (3,)))
    if host.compiler is None:
        yield rule.about(
            f"`triton` {triton.version} compiles its launcher at run time, but there is no C compiler (`CC`, gcc, "
            "clang).",
            manual("install one: `apt-get install gcc libc6-dev`, `dnf install gcc`, or `conda install gcc`"),
            observed="none",
            expected="gcc or clang on PATH",
            key="compiler",
            where="PATH",
            severity="error" if severity == "error" else "warning",
        )
    if host.header_expected is None:
        yield Open("it is not known where the target's Python headers should be")
    elif host.python_header is None:
        yield rule.about(
            f"`triton` {triton.version} compiles its launcher at run time, but `{host.header_expected}` does not "
            "exist.",
            manual(
                f"install the headers of Python {minor}: `apt-get install python{minor}-dev`, or `dnf install "
                "python3-devel`"
            ),
            observed="missing",
            expected=host.header_expected,
            key="header",
            where=host.header_expected,
            severity="error" if severity == "error" else "warning",
        )


RULE = Rule(code="SYS007", name="no-compiler", severity="warning", check=check, needs=("host", "distributions"))
