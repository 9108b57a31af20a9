"""The limit on open files is low for a server.

Every connection, every checkpoint shard and every channel between processes is an open file. vLLM and SGLang raise
their own soft limit as far as the hard limit allows; LMDeploy uses the limit it finds. If the limit is too low, the
server fails with `Too many open files` under load.

What to do: raise the limit with `ulimit -n 65535` in the shell, `LimitNOFILE=65535` in a systemd unit, or
`--ulimit nofile=65535` for a container.
"""

from __future__ import annotations

from collections.abc import Iterator

from doctor.derived.case import Case
from doctor.derived.host import host_of, manual
from doctor.findings import NotApplicable
from doctor.rules.rule import Rule, Verdict

SOFT, HARD = 1024, 4096


def check(rule: Rule, case: Case) -> Iterator[Verdict]:
    """The usual 1024 of a shell is enough to start; less, or a hard limit below 4096, is not."""
    limits = host_of(case.facts).open_files
    if limits is None:
        yield NotApplicable("the limit is not known")
        return
    soft, hard = (1 << 62 if value < 0 else value for value in limits)
    if soft < SOFT or hard < HARD:
        shown, least = (soft, SOFT) if soft < SOFT else (hard, HARD)
        kind = "soft" if soft < SOFT else "hard"
        yield rule.about(
            f"A process may open {shown} files here ({kind} limit), but a server needs {least} or more.",
            manual("run `ulimit -n 65535` before the server, or start the container with `--ulimit nofile=65535`"),
            observed=str(shown),
            expected=str(least),
            source="RLIMIT_NOFILE",
            where="open files",
        )


RULE = Rule(code="SYS005", name="few-open-files", severity="warning", check=check, needs=("host",))
