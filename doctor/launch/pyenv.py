"""What a pyenv shim would run, by pyenv's own order; the shim and pyenv are not started."""

from __future__ import annotations

import os

from doctor.launch.shell import Shell


def resolve_shim(shell: Shell, path: str) -> str | None:
    """The interpreter behind a pyenv shim, None where pyenv has no version for it; any other path as it is."""
    head = shell.files.head(path, 512)
    if head.startswith(b"#!") and b"pyenv" in head:
        return pyenv_target(shell, os.path.basename(path), path)
    return path


def pyenv_target(shell: Shell, name: str, shim: str) -> str | None:
    """What pyenv would run: the versions of PYENV_VERSION, `.python-version` here or above, or the global one."""
    root = shell.files.inside(shell.environ.get("PYENV_ROOT") or os.path.dirname(os.path.dirname(shim)))
    for version in _pyenv_versions(shell, root):
        if version == "system":
            found = shell.which(name, frozenset({shell.files.real(os.path.dirname(shim))}))
        else:
            found = os.path.join(root, "versions", version.removeprefix("python-"), "bin", name)
        if found and shell.files.exists(found):
            return found
    return None


def _pyenv_versions(shell: Shell, root: str) -> list[str]:
    if value := shell.environ.get("PYENV_VERSION"):
        return [v for v in value.split(":") if os.sep not in v]
    folder = shell.cwd
    places = []
    while True:
        places.append(os.path.join(folder, ".python-version"))
        parent = os.path.dirname(folder)
        if parent == folder:
            break
        folder = parent
    for place in [*places, os.path.join(root, "version")]:
        if text := shell.files.text(place, 4096):
            return [v for v in text.split() if os.sep not in v] or ["system"]
    return ["system"]
