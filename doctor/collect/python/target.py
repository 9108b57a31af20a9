"""Which environment is meant: the interpreter, folder or list of paths that the user names, or else the likeliest one.

Nothing is started: not the interpreter, not the launcher, not pyenv, uv or conda.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import field, replace

from doctor.base.files import BARRED, Files
from doctor.base.late import late_pattern
from doctor.base.record import dataclass
from doctor.collect.python import layout
from doctor.collect.python.interpreter import Interpreter, is_environment, prefix_of, read_interpreter
from doctor.collect.python.own import is_private
from doctor.facts import Problem, Target
from doctor.launch.launcher import behind_inner, behind_script
from doctor.launch.pyenv import resolve_shim
from doctor.launch.shell import Behind, Shell
from doctor.launch.wrappers import Unfolded, unfolded

_VERSION = late_pattern(r"\d\.\d{1,2}(?:\.\d{1,3})?$")
_PYTHON = late_pattern(r"(?:python|pypy)[0-9.]{0,6}[a-z]{0,2}(?:\.exe)?$")
_IN_PATH = late_pattern(r"[\\/](?:python|pypy)(\d\.\d{1,2})t?[\\/]")


class TargetError(ValueError):
    """The user named something that is no environment, or nothing that could be found; one sentence."""


@dataclass(frozen=True)
class TargetRequest:
    """What the user said, and where: `launcher` is the launch command, `own_prefix` doctor's own environment."""

    python: str | None = None
    paths: tuple[str, ...] = ()
    python_version: str | None = None
    platform: str | None = None
    root: str | None = None
    launcher: tuple[str, ...] = ()
    environ: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    cwd: str = field(default_factory=os.getcwd)
    own_prefix: str = sys.prefix


def find_target(request: TargetRequest) -> Target:
    """The environment that the request means. Raises TargetError where the user has to say more or otherwise."""
    if request.python_version and not _VERSION.match(request.python_version):
        raise TargetError(f"`{request.python_version}` is not a Python version such as 3.10")
    if request.root and not os.path.isdir(request.root):
        raise TargetError(f"`{request.root}`, given as `--root`, is not a folder")
    files = Files(request.root)
    shell = Shell(files, request.environ, os.path.abspath(request.cwd))
    inner = unfolded(shell, request.launcher)
    if inner.place.machine or inner.place.environment:  # its variables and folder say nothing about this machine
        inner = replace(inner, shell=shell, words=(), runner=None)
    problems: list[Problem] = []
    chosen = _named(request, shell) if request.python else None
    if request.paths:
        return _from_paths(request, shell, behind_inner(inner), chosen)
    chosen = chosen or _found(request, inner, problems)
    if request.python and (launched := behind_inner(inner)):
        chosen = replace(chosen, flags=launched.flags, front=launched.front)
    return _read(request, inner.shell, chosen, [*problems, *_barred(inner)])


def _read(request: TargetRequest, shell: Shell, chosen: Behind, problems: list[Problem]) -> Target:
    files = shell.files
    python = _interpreter(files, chosen, request.python_version)
    if python is None:
        raise TargetError(
            f"`{chosen.executable or chosen.prefix}` ({chosen.why}) does not belong to a Python environment"
        )
    found = layout.search_path(files, python, layout.Start(shell.environ, shell.cwd, chosen.flags))
    if python.version is None:
        problems.append(Problem(python.prefix, "the Python version of this environment is unknown"))
    elif not any(p.startswith(python.prefix) for p in found.paths):
        library = f"{python.prefix}/lib/{python.libdir}"
        where = library if files.barred(library) else python.prefix
        missing = f"no package folder for Python {python.version} was found"
        problems.append(Problem(where, missing if where == python.prefix else f"`{where}` {BARRED}: {missing}"))
    return Target(
        kind="installed", why=chosen.why, python=python.version, prefix=python.prefix, base_prefix=python.base_prefix,
        executable=python.executable, paths=tuple(found.paths), stdlib=layout.stdlib_folders(files, python),
        platform=layout.platform_of(files, python) or request.platform, root=files.root,
        externally_managed=layout.externally_managed(files, python), code_lines=tuple(found.code_lines),
        editable=tuple(found.editable), front=chosen.front,
        problems=(*problems, *python.problems, *found.problems),
    )  # fmt: skip


def _interpreter(files: Files, chosen: Behind, version: str | None) -> Interpreter | None:
    prefix = chosen.prefix
    if prefix is None and chosen.executable is not None:
        prefix = prefix_of(files, chosen.executable)
    return None if prefix is None else read_interpreter(files, prefix, chosen.executable, version)


def _barred(inner: Unfolded) -> tuple[Problem, ...]:
    """The program of the launch, given as a path, where this user may not read it, or neither read nor run it.

    A compiled program runs without being read, an interpreter such as Python among them; a script does not.
    """
    word = inner.words[0] if inner.words else ""
    files = inner.shell.files
    path = files.inside(os.path.join(inner.shell.cwd, word))
    if os.sep not in word or not files.barred(path):
        return ()
    if os.access(files.at(path), os.X_OK) and not _is_script_of_venv(files, path):
        return ()
    return (Problem(word, f"`{word}`, which the command starts, {BARRED}"),)


def _is_script_of_venv(files: Files, path: str) -> bool:
    folder, name = os.path.split(path)
    return files.isfile(os.path.join(os.path.dirname(folder), "pyvenv.cfg")) and not _PYTHON.match(name)


def _from_paths(request: TargetRequest, shell: Shell, launched: Behind | None, chosen: Behind | None) -> Target:
    """`--path`: the entries as they are, without `.pth` files; version and library of `--python`, if given."""
    files = shell.files
    entries = [os.path.normpath(files.inside(os.path.join(shell.cwd, p))) for p in request.paths]
    for given, entry in zip(request.paths, entries, strict=True):
        if not files.exists(entry):
            raise TargetError(f"`{given}`, given as `--path`, {BARRED if files.barred(entry) else 'does not exist'}")
    python = _interpreter(files, chosen, request.python_version) if chosen else None
    guess = next((m[1] for e in entries if (m := _IN_PATH.search(e + os.sep))), None)
    return Target(
        kind="paths", why="--path", python=(python.version if python else None) or request.python_version or guess,
        prefix=python.prefix if python else None, base_prefix=python.base_prefix if python else None,
        paths=tuple(dict.fromkeys(files.real(e) if files.root else e for e in entries)),
        stdlib=layout.stdlib_folders(files, python) if python else (),
        platform=request.platform or (layout.host_platform() if files.root is None else None), root=files.root,
        front=launched.front if launched else None,
    )  # fmt: skip


def _named(request: TargetRequest, shell: Shell) -> Behind:
    """`--python`: an interpreter, a folder, a command on PATH, or a version."""
    given = request.python or ""
    files = shell.files
    expanded = os.path.expanduser(given) if files.root is None else given
    path = os.path.normpath(files.inside(os.path.join(shell.cwd, expanded)))
    if files.isdir(path):
        return _named_folder(files, given, path)
    if not (files.isfile(path) or os.path.islink(path)):
        name = f"python{given}" if _VERSION.match(given) else given
        found = shell.which(name) if os.sep not in given else None
        if found is None:
            raise TargetError(f"`{given}`, given as `--python`, {BARRED if files.barred(path) else 'does not exist'}")
        path = found
    resolved = resolve_shim(shell, path)
    if resolved is None:
        raise TargetError(f"`{given}`, given as `--python`, is a pyenv shim, and no active version has it")
    names = (os.path.basename(resolved), os.path.basename(files.real(resolved)))
    if any(map(_PYTHON.match, names)) and prefix_of(files, resolved):
        return Behind("--python", resolved)
    if script := behind_script(shell, resolved):
        return replace(script, why="--python")
    barred = any(files.barred(p) for p in (resolved, os.path.dirname(resolved), os.path.dirname(files.real(resolved))))
    said = BARRED if barred else "is not the interpreter of a Python environment"
    raise TargetError(f"`{given}`, given as `--python`, {said}")


def _named_folder(files: Files, given: str, path: str) -> Behind:
    for prefix in (path, os.path.join(path, ".venv")):
        if is_environment(files, prefix):
            return Behind("--python", prefix=prefix)
    parent = os.path.dirname(path)
    if os.path.basename(path).lower() in ("bin", "scripts") and is_environment(files, parent):
        return Behind("--python", prefix=parent)
    if files.barred(path):
        raise TargetError(f"`{given}`, given as `--python`, {BARRED}")
    raise TargetError(
        f"`{given}`, given as `--python`, is not a Python environment: "
        "it has no `pyvenv.cfg`, no `conda-meta` and no `lib/pythonX.Y`"
    )


def _found(request: TargetRequest, inner: Unfolded, problems: list[Problem]) -> Behind:
    """The interpreter behind the launch command, the active environment, `./.venv`, or `python3` on PATH."""
    shell, argv = inner.shell, inner.words
    launched = behind_inner(inner)
    if launched and _interpreter(shell.files, launched, None):
        return launched
    if launched:
        where = launched.executable or launched.prefix or ""
        problems.append(Problem(where, f"`{where}` ({launched.why}) does not belong to a Python environment"))
    elif argv and not _barred(inner):
        problems.append(Problem(argv[0], f"`{argv[0]}` does not say which Python runs it"))
    for why in ("VIRTUAL_ENV", "CONDA_PREFIX", "./.venv"):
        value = os.path.join(shell.cwd, ".venv") if why == "./.venv" else shell.environ.get(why)
        if not value:
            continue
        prefix = shell.files.inside(os.path.normpath(os.path.join(shell.cwd, value)))
        if is_environment(shell.files, prefix):
            if _is_own(request, shell, prefix) and is_private(prefix):
                continue  # it is active only so that our command is found
            return Behind(why, prefix=prefix)
        if why != "./.venv":
            problems.append(Problem(prefix, f"{why} names `{prefix}`, which is not a Python environment"))
    return _on_path(request, shell)


def _on_path(request: TargetRequest, shell: Shell) -> Behind:
    """`python3` on PATH. An environment for doctor alone is passed over."""
    own = os.path.realpath(request.own_prefix)
    folders = [os.path.join(prefix, name) for prefix in (request.own_prefix, own) for name in ("bin", "Scripts")]
    skip = frozenset(folders if is_private(own) else ())
    path = next((p for n in ("python3", "python") if (p := shell.which(n, skip))), None)
    if path is None:
        path = next((p for n in ("python3", "python") if (p := shell.which(n))), None)
    if path is None:
        raise TargetError("no Python environment found; name one with `--python`, such as `--python .venv`")
    real = resolve_shim(shell, path)
    prefix = prefix_of(shell.files, real) if real else None
    if prefix is None:
        raise TargetError(f"`{path}`, the `python3` on PATH, does not belong to a Python environment; use `--python`")
    if _is_own(request, shell, prefix):
        raise TargetError(
            f"the `python3` on PATH is the one that runs qvl-doctor; if that is the environment to look at, "
            f"say so with `--python {real}`, else name the right one"
        )
    return Behind("python3 on PATH", real)


def _is_own(request: TargetRequest, shell: Shell, prefix: str) -> bool:
    return shell.files.root is None and os.path.realpath(prefix) == os.path.realpath(request.own_prefix)
