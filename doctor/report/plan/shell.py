"""A plan as a POSIX shell script and as a file of pins."""

from __future__ import annotations

from doctor.base.quoting import joined, quoted
from doctor.launch import naming
from doctor.report.plan.recipe import Recipe, comment, head

CHECK = """command -v uv >/dev/null 2>&1 || {
  echo "uv is required: https://docs.astral.sh/uv/" >&2
  exit 1
}"""

CHECKED = """uv pip check --python "$PYTHON" || echo "some requirements are not met: see above" >&2"""


def script(plan: Recipe) -> str:
    """Installs the pins with uv: into the target's environment, else into a new one beside the working directory."""
    parts = ["#!/bin/sh", head(plan), "set -eu", "", CHECK, ""]
    moved = {n: v for n, v in plan.pins.items() if n in plan.changes} if plan.interpreter else dict(plan.pins)
    if plan.interpreter:
        parts.append(f"PYTHON={quoted(plan.interpreter)}")
    else:
        parts += ['ENVIRONMENT="${1:-qvl-env}"', f'uv venv --python {quoted(plan.python)} "$ENVIRONMENT"',
                  'PYTHON="$ENVIRONMENT/bin/python"']  # fmt: skip
    whole = "--no-deps " if plan.resolved else ""  # else the installer has to bring the rest
    gone = [n for n in plan.changes if n not in plan.pins] if plan.interpreter else []
    if gone:
        parts.append(f'uv pip uninstall --python "$PYTHON" {joined(gone)}')
    wheels = sorted(f"{n}=={v}" for n, v in moved.items() if n not in plan.source)
    if wheels:
        parts += ["", "# exact releases, wheels only: installing them runs none of their code",
                  _install(f"{whole}--only-binary :all:", wheels)]  # fmt: skip
    for name in sorted(n for n in plan.source if n in moved):
        parts += ["", _with_consent(name, moved[name])]
    if moved:
        parts += ["", CHECKED]
    parts += [f"export {n}={quoted(v)}" for n, v in plan.environ.items() if n not in plan.hidden]
    if plan.command:
        line = naming.shell(plan.command, plan.secrets) if plan.secrets else joined(plan.command)
        parts += ["", comment(("Start it with:",)), f"echo {quoted(line)}"]
    return "\n".join(p for p in parts if p is not None) + "\n"


def _install(flags: str, words: list[str]) -> str:
    body = " \\\n  ".join(quoted(w) for w in words)
    return f'uv pip install --python "$PYTHON" {flags} \\\n  {body}'


def _with_consent(name: str, version: str) -> str:
    pin = quoted(f"{name}=={version}")
    return "\n".join([
        f"# {name} is published only as source: installing it runs its own setup.py",
        'if [ "${BUILD_FROM_SOURCE:-no}" = yes ]; then',
        f'  uv pip install --python "$PYTHON" --no-deps {pin}',
        "else",
        f"  echo {quoted(f'{name} {version} was left out: set BUILD_FROM_SOURCE=yes to run its setup.py')} >&2",
        "fi",
    ])  # fmt: skip


def requirements(plan: Recipe) -> str:
    """Exact pins, one a line, for `uv pip install --no-deps -r` and for pip."""
    lines = [
        f"{n}=={v}" + ("  # source only: installing it runs its setup.py" if n in plan.source else "")
        for n, v in sorted(plan.pins.items())
    ]
    return "\n".join([head(plan, f"For Python {plan.python}."), *lines]) + "\n"
