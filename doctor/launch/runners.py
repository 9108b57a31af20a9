"""The environment that `uv run` and `conda run` would use, by their own rules; neither is started."""

from __future__ import annotations

import os
from itertools import pairwise

from doctor.launch.shell import PYTHON, Behind, Shell, python_arguments

_UV_VALUES = {
    "--with", "--with-editable", "--with-requirements", "--extra", "--group", "--only-group", "--env-file", "--index",
    "--index-url", "-i", "--extra-index-url", "--find-links", "-f", "--cache-dir", "--config-file", "--package",
}  # fmt: skip


def uv_run(shell: Shell, argv: tuple[str, ...]) -> Behind | None:
    """`uv run X`: the project's `.venv`, else the active environment, else the nearest `.venv`."""
    if "run" not in argv:
        return None
    words = list(argv[argv.index("run") + 1 :])
    python = project = None
    while words and words[0].startswith("-"):
        option, _, value = words.pop(0).partition("=")
        if option in _UV_VALUES | {"-p", "--python", "--project", "--directory"}:
            value = value or (words.pop(0) if words else "")
        python = value if option in ("-p", "--python") else python
        project = value if option in ("--project", "--directory") else project
        if option in ("-m", "--module"):
            words.insert(0, "python")
            words.insert(1, "-m")
            break
    flags, front = (
        python_arguments(shell, tuple(words[1:])) if words and PYTHON.match(words[0]) else (frozenset(), None)
    )
    if python and os.sep in python:
        return Behind("`--python` of `uv run`", os.path.join(shell.cwd, python), flags=flags, front=front)
    start = os.path.normpath(os.path.join(shell.cwd, project or "."))
    root = _above(shell, start, "pyproject.toml")
    named = shell.environ.get("UV_PROJECT_ENVIRONMENT")
    candidates = [os.path.join(root, named or ".venv")] if root else []
    candidates += [] if root else [shell.environ.get("VIRTUAL_ENV", ""), shell.environ.get("CONDA_PREFIX", "")]
    if not root and (near := _above(shell, start, ".venv")):
        candidates.append(os.path.join(near, ".venv"))
    found = next((c for c in candidates if c and shell.files.isdir(shell.files.inside(c))), None)
    return Behind("environment of `uv run`", prefix=found, flags=flags, front=front) if found else None


def _above(shell: Shell, folder: str, name: str) -> str | None:
    """The nearest folder at or above `folder` that holds `name`."""
    while not shell.files.exists(os.path.join(folder, name)):
        parent = os.path.dirname(folder)
        if parent == folder:
            return None
        folder = parent
    return folder


def conda_run(shell: Shell, argv: tuple[str, ...]) -> Behind | None:
    """`conda run -n NAME X` and `-p PREFIX X`."""
    words = list(argv[1:])
    for option, value in pairwise(words):
        if option in ("-p", "--prefix"):
            return Behind("environment of `conda run`", prefix=os.path.join(shell.cwd, value))
        if option in ("-n", "--name"):
            for root in _conda_roots(shell):
                prefix = root if value == "base" else os.path.join(root, "envs", value)
                if shell.files.isdir(prefix):
                    return Behind("environment of `conda run`", prefix=prefix)
    return None


def _conda_roots(shell: Shell) -> list[str]:
    exe = shell.environ.get("CONDA_EXE")
    prefix = shell.environ.get("CONDA_PREFIX", "")
    roots = [os.path.dirname(os.path.dirname(exe)) if exe else "", shell.environ.get("MAMBA_ROOT_PREFIX", "")]
    roots.append(
        os.path.dirname(os.path.dirname(prefix)) if os.path.basename(os.path.dirname(prefix)) == "envs" else prefix
    )
    return [shell.files.inside(r) for r in roots if r]
