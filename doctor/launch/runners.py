"""The environment that `uv run`, `conda run` or `poetry run` would use, by their own rules; none is started."""

from __future__ import annotations

import os
from collections.abc import Mapping

from doctor.launch.shell import Behind, Shell

_PROJECTS = ("pyproject.toml", "Pipfile", "pixi.toml")


def environment_of(shell: Shell, runner: str, shown: str, roles: Mapping[str, str]) -> Behind | None:
    """What the runner would use, by the options in `roles`; None where that is not known. `shown` is its name."""
    if runner == "conda":
        return _conda_run(shell, roles)
    return _uv_run(shell, roles) if runner == "uv" else _project_run(shell, runner, shown, roles)


def _uv_run(shell: Shell, roles: Mapping[str, str]) -> Behind | None:
    """`uv run X`: the project's `.venv`, else the active environment, else the nearest `.venv`."""
    python = roles.get("python")
    if python and os.sep in python:
        return Behind("`--python` of `uv run`", os.path.join(shell.cwd, python))
    start = os.path.normpath(os.path.join(shell.cwd, roles.get("project") or "."))
    root = _above(shell, start, "pyproject.toml")
    named = shell.environ.get("UV_PROJECT_ENVIRONMENT")
    candidates = [os.path.join(root, named or ".venv")] if root else []
    candidates += [] if root else [shell.environ.get("VIRTUAL_ENV", ""), shell.environ.get("CONDA_PREFIX", "")]
    if not root and (near := _above(shell, start, ".venv")):
        candidates.append(os.path.join(near, ".venv"))
    found = next((c for c in candidates if c and shell.files.isdir(shell.files.inside(c))), None)
    return Behind("environment of `uv run`", prefix=found) if found else None


def _project_run(shell: Shell, runner: str, shown: str, roles: Mapping[str, str]) -> Behind | None:
    """`poetry run X` and its like: the environment in the project's folder."""
    start = os.path.normpath(os.path.join(shell.cwd, roles.get("project") or "."))
    start = os.path.dirname(start) if start.endswith(".toml") else start
    root = next((r for name in _PROJECTS if (r := _above(shell, start, name))), None)
    inside = os.path.join(".pixi", "envs", roles.get("name", "default")) if runner == "pixi" else ".venv"
    found = os.path.join(root, inside) if root else None
    if found is None or not shell.files.isdir(shell.files.inside(found)):
        return None
    return Behind(f"environment of `{shown} run`", prefix=found)


def _above(shell: Shell, folder: str, name: str) -> str | None:
    """The nearest folder at or above `folder` that holds `name`."""
    while not shell.files.exists(os.path.join(folder, name)):
        parent = os.path.dirname(folder)
        if parent == folder:
            return None
        folder = parent
    return folder


def _conda_run(shell: Shell, roles: Mapping[str, str]) -> Behind | None:
    """`conda run -n NAME X` and `-p PREFIX X`."""
    if prefix := roles.get("prefix"):
        return Behind("environment of `conda run`", prefix=os.path.join(shell.cwd, prefix))
    if name := roles.get("name"):
        named = [os.path.join(shell.cwd, roles["base"])] if "base" in roles else []
        for root in [*named, *_conda_roots(shell)]:
            found = root if name == "base" else os.path.join(root, "envs", name)
            if root and shell.files.isdir(found):
                return Behind("environment of `conda run`", prefix=found)
        return None
    active = shell.environ.get("CONDA_PREFIX")
    return Behind("environment of `conda run`", prefix=active) if active else None


def _conda_roots(shell: Shell) -> list[str]:
    exe = shell.environ.get("CONDA_EXE")
    prefix = shell.environ.get("CONDA_PREFIX", "")
    roots = [os.path.dirname(os.path.dirname(exe)) if exe else "", shell.environ.get("MAMBA_ROOT_PREFIX", "")]
    roots.append(
        os.path.dirname(os.path.dirname(prefix)) if os.path.basename(os.path.dirname(prefix)) == "envs" else prefix
    )
    return [shell.files.inside(r) for r in roots if r]
