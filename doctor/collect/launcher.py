"""The interpreter behind a launch command: what would run `lmdeploy` or `python -m x`; nothing is run here."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from doctor.collect.files import Files

_EXEC = re.compile(rb"""'''exec' (?:"([^"\n]{1,4096})"|'([^'\n]{1,4096})'|([^\s"'$\n]{1,4096})) """)
_EXEC_NEIGHBOUR = re.compile(rb"""'''exec' "\$\(dirname [^\n]{1,200}?\)"/'?([A-Za-z0-9_.\-]{1,64})'? """)
_WINDOWS_SHEBANG = re.compile(rb"#!\"?([A-Za-z]:\\[^\"\r\n]{1,1024}?python[^\"\r\n]{0,20}\.exe)")
_PYTHON = re.compile(r"(?:python|pypy)[0-9.]{0,6}t?(?:\.exe)?$")
_ASSIGNMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*=")
# commands that run another command, with those of their options that take a value
_WRAPPERS = {
    "env": {"-u", "--unset", "-C", "--chdir"}, "nohup": set(), "exec": {"-a"}, "time": {"-f", "-o"}, "setsid": set(),
    "nice": {"-n", "--adjustment"}, "ionice": {"-c", "-n"}, "sudo": {"-u", "-g", "-U"}, "stdbuf": {"-i", "-o", "-e"},
    "timeout": {"-s", "-k", "--signal", "--kill-after"}, "taskset": set(), "numactl": {"-N", "-m", "-C"}, "chrt": set(),
}  # fmt: skip
_POSITIONAL = {"timeout": 1, "taskset": 1, "chrt": 1}
_UV_VALUES = {
    "--with", "--with-editable", "--with-requirements", "--extra", "--group", "--only-group", "--env-file", "--index",
    "--index-url", "-i", "--extra-index-url", "--find-links", "-f", "--cache-dir", "--config-file", "--package",
}  # fmt: skip
_SCRIPT_LIMIT = 4096


@dataclass(frozen=True)
class Behind:
    """What would run the launch command: an interpreter, or a prefix; `why` in a few words.

    `flags` are the interpreter's `-E -I -s -S -P`; `front` is the folder that would come first on `sys.path`.
    """

    why: str
    executable: str | None = None
    prefix: str | None = None
    flags: frozenset[str] = frozenset()
    front: str | None = None


@dataclass(frozen=True)
class Shell:
    """Where a command is typed: the file system, the environment variables, the working directory."""

    files: Files
    environ: Mapping[str, str]
    cwd: str

    def which(self, name: str, skip: frozenset[str] = frozenset()) -> str | None:
        """The file that a shell would run for `name`; folders in `skip` (real paths) are passed over."""
        if os.sep in name or (os.altsep and os.altsep in name):
            path = os.path.join(self.cwd, name)
            path = self.files.inside(path) if os.path.isabs(name) else path
            return os.path.normpath(path) if self.files.isfile(path) else None
        for folder in self.path_folders():
            if self.files.real(folder) in skip:
                continue
            for suffix in ("", ".exe") if os.name == "nt" else ("",):
                path = os.path.join(folder, name + suffix)
                if self.files.isfile(path):
                    return path
        return None

    def path_folders(self) -> list[str]:
        """The folders of PATH, absolute; below `--root` the usual ones too."""
        value = self.environ.get("PATH", "")
        usual = ["/opt/venv/bin", "/opt/conda/bin", "/usr/local/bin", "/usr/bin", "/bin"] if self.files.root else []
        folders = [p for p in value.split(os.pathsep) if p] + usual
        return [self.files.inside(os.path.join(self.cwd, p)) for p in folders]


def behind(shell: Shell, argv: tuple[str, ...]) -> Behind | None:
    """The interpreter behind a launch command, or None where the command does not tell."""
    shell, argv = _unwrap(shell, argv)
    if not argv:
        return None
    name = os.path.basename(argv[0])
    if name == "uv" and (found := _uv_run(shell, argv)):
        return found
    if name in ("conda", "mamba", "micromamba") and (found := _conda_run(shell, argv)):
        return found
    path = shell.which(argv[0])
    if path is None:
        return None
    if _PYTHON.match(name):
        real = resolve_shim(shell, path)
        if real is None:
            return None
        flags, front = _python_arguments(shell, argv[1:])
        return Behind(f"{name} of the launch command", real, flags=flags, front=front)
    return behind_script(shell, path)


def unwrapped(shell: Shell, argv: tuple[str, ...]) -> tuple[Shell, tuple[str, ...]]:
    """The command without `env A=b`, `nohup`, `timeout 10` and the like, and the shell with what they set."""
    return _unwrap(shell, argv)


def _unwrap(shell: Shell, argv: tuple[str, ...]) -> tuple[Shell, tuple[str, ...]]:
    words = list(argv)
    environ = dict(shell.environ)
    for _ in range(8):
        while words and _ASSIGNMENT.match(words[0]):
            key, _, value = words.pop(0).partition("=")
            environ[key] = value
        name = os.path.basename(words[0]) if words else ""
        if name not in _WRAPPERS:
            break
        words = _skip_options(words[1:], _WRAPPERS[name])[_POSITIONAL.get(name, 0) :]
    return replace(shell, environ=environ), tuple(words)


def _skip_options(words: list[str], with_value: set[str]) -> list[str]:
    while words and words[0].startswith("-"):
        option = words.pop(0)
        if option == "--":
            break
        if option in with_value and words:
            words.pop(0)
    return words


def _python_arguments(shell: Shell, words: tuple[str, ...]) -> tuple[frozenset[str], str | None]:
    """The flags that change the search path, and the folder that comes first on it: `-m`, `-c`: cwd; script: its own."""
    flags: set[str] = set()
    front: str | None = None
    rest = list(words)
    while rest:
        word = rest.pop(0)
        if not word.startswith("-") or word == "-":
            front = os.path.dirname(os.path.join(shell.cwd, word)) if word != "-" else shell.cwd
            break
        if word in ("-X", "-W") and rest:
            rest.pop(0)
            continue
        if word.startswith("--"):
            continue
        letters = word[1:].partition("m")[0].partition("c")[0]
        flags.update(c for c in letters if c in "EIsSP")
        if len(letters) < len(word) - 1:
            front = shell.cwd
            break
    safe = flags & {"I", "P"} or (shell.environ.get("PYTHONSAFEPATH") and "E" not in flags)
    return frozenset(flags), None if safe else front


def behind_script(shell: Shell, path: str, name: str | None = None, depth: int = 0) -> Behind | None:
    """The interpreter that a script's first lines name; None for a program that is none of ours."""
    name = name or os.path.basename(path)
    why = f"shebang of {name}"
    head = shell.files.head(path, _SCRIPT_LIMIT)
    return (
        _by_shebang(shell, path, name, why, head, depth)
        or _windows_launcher(shell, path, name)
        or _beside(shell, path, name)
    )


def _by_shebang(shell: Shell, path: str, name: str, why: str, head: bytes, depth: int) -> Behind | None:
    if not head.startswith(b"#!"):
        return None
    if b"pyenv" in head and b" exec " in head and depth == 0:
        real = _pyenv(shell, os.path.basename(path), path)
        return behind_script(shell, real, name, 1) if real else None
    words = head[2:].split(b"\n", 1)[0].decode("utf-8", "replace").split()
    base = os.path.basename(words[0]) if words else ""
    if base == "env":
        _, rest = _unwrap(shell, tuple(w for w in words if w != "-S"))
        found = shell.which(rest[0]) if rest and _PYTHON.match(rest[0]) else None
        return _shebang(shell, why, found, rest[1:]) if found else None
    if _PYTHON.match(base):
        line = head[2:].split(b"\n", 1)[0].decode("utf-8", "replace").strip()
        return _shebang(shell, why, *_split_shebang(shell, line))
    if base in ("sh", "bash", "dash"):
        return _shell_trick(shell, path, head, why)
    return None


def _split_shebang(shell: Shell, line: str) -> tuple[str, tuple[str, ...]]:
    """The interpreter of a shebang line, which may hold blanks, and its one argument."""
    exe, _, argument = line.partition(" ")
    if argument and not argument.lstrip().startswith("-") and shell.files.exists(shell.files.inside(line)):
        return line, ()
    return exe, tuple(argument.split())


def _shebang(shell: Shell, why: str, executable: str, words: tuple[str, ...]) -> Behind | None:
    flags, _ = _python_arguments(shell, words)
    real = resolve_shim(shell, shell.files.inside(executable))
    return Behind(why, real, flags=flags) if real else None


def _shell_trick(shell: Shell, path: str, head: bytes, why: str) -> Behind | None:
    """pip's, distlib's and uv's `#!/bin/sh` with an `exec` line, for interpreters whose path is long or movable."""
    if match := _EXEC.search(head):
        exe = next(g for g in match.groups() if g).decode("utf-8", "replace")
        return Behind(why, shell.files.inside(exe)) if os.path.isabs(exe) else None
    if match := _EXEC_NEIGHBOUR.search(head):
        folder = os.path.dirname(shell.files.real(path))
        return Behind(why, os.path.normpath(os.path.join(folder, match[1].decode())))
    return None


def _windows_launcher(shell: Shell, path: str, name: str) -> Behind | None:
    if not name.lower().endswith(".exe"):
        return None
    data = shell.files.maybe(path, 4 << 20) or b""
    match = _WINDOWS_SHEBANG.search(data)
    return Behind(f"launcher of {name}", match[1].decode("utf-8", "replace")) if match else None


def _beside(shell: Shell, path: str, name: str) -> Behind | None:
    """A program whose first lines tell nothing, but which stands in the `bin` of a venv."""
    folder = os.path.dirname(shell.files.real(path))
    prefix = os.path.dirname(folder)
    if os.path.basename(folder) in ("bin", "Scripts") and shell.files.isfile(os.path.join(prefix, "pyvenv.cfg")):
        return Behind(f"folder of {name}", prefix=prefix)
    return None


def resolve_shim(shell: Shell, path: str) -> str | None:
    """The interpreter behind a pyenv shim, None where pyenv has no version for it; any other path as it is."""
    head = shell.files.head(path, 512)
    if head.startswith(b"#!") and b"pyenv" in head:
        return _pyenv(shell, os.path.basename(path), path)
    return path


def _pyenv(shell: Shell, name: str, shim: str) -> str | None:
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


def _uv_run(shell: Shell, argv: tuple[str, ...]) -> Behind | None:
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
        _python_arguments(shell, tuple(words[1:])) if words and _PYTHON.match(words[0]) else (frozenset(), None)
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


def _conda_run(shell: Shell, argv: tuple[str, ...]) -> Behind | None:
    """`conda run -n NAME X` and `-p PREFIX X`."""
    words = list(argv[1:])
    for option, value in zip(words, words[1:], strict=False):
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
