"""Finds and reads the target's modules as files: what `doctor.link` calls a Reader. Nothing is run."""

from __future__ import annotations

import os
import posixpath
import sys
import sysconfig
from collections.abc import Callable, Mapping

from doctor.base.late import late_pattern
from doctor.collect.python.shim import COPY, has_distutils_of_setuptools
from doctor.collect.python.sources import Sources
from doctor.collect.python.stdlib import compiled_exports, compiled_names, stdlib_names
from doctor.facts import Cause, Distributions, Target, normalize
from doctor.facts.source import Found

FILES_LIMIT = 20_000
_NAME = late_pattern(r"^\s*([A-Za-z0-9][A-Za-z0-9._-]*)")
_STACK = frozenset(
    ("transformers", "huggingface-hub", "torch", "tokenizers", "accelerate", "lmdeploy", "vllm", "sglang")
)
_WINDOWS = frozenset(("winreg", "msvcrt", "nt", "winsound", "_winapi", "_overlapped", "_msi"))
_INTERPRETED = frozenset(("transformers", "huggingface-hub"))


class ModuleReader(Sources):
    """The modules of one target.

    Remembers for the cache what it looked at: files and folders (`seen`), and the variables it was asked for (`asked`).
    """

    def __init__(
        self, target: Target, distributions: Distributions, chosen: tuple[str, ...] = (),
        environ: Mapping[str, str] | None = None, *, thorough: bool = False,
    ) -> None:  # fmt: skip
        super().__init__(target.python_minor or sys.version_info[:2], target.root)
        self.target = target
        self.distributions = distributions
        self.platform = target.platform or "linux-x86_64"
        self.paths = target.paths
        self.thorough = thorough
        self.driverless = False
        self.chosen = frozenset(normalize(c) for c in chosen)
        self.environ = environ or {}
        self.asked: set[str] = set()
        self._listings: dict[str, dict[str, bool]] = {}
        self._stems: dict[str, frozenset[str]] = {}  # for each folder, what its names are before their first dot
        self._locked: set[str] = set()  # folders that may not be listed
        self._editable = dict(target.editable)
        self._suffixes = _suffixes(self.python, self.platform)
        self._on_stack: dict[str, bool] = {}
        self._standard_tops: set[str] = set()
        self._owners = self._owner_table()
        self.loader: Callable[[str, tuple[str, ...]], Cause | None] | None = None

    # -- finding -------------------------------------------------------------------------------------------------

    def find(self, name: str, search: list[str] | None) -> Found | None:
        """The module `name`: top-level on the search path (`search` None), else in its parent's folders."""
        if search is not None:
            found = self._in_folders(name, name.rpartition(".")[2], search)
            return _as_standard(found) if found and name.partition(".")[0] in self._standard_tops else found
        found = self._shimmed(name) or self._standard(name) or self._mapped(name)
        return found or self._in_folders(name, name, self.target.paths)

    def _shimmed(self, name: str) -> Found | None:
        """`distutils`, where a `.pth` line of setuptools serves it."""
        if name != "distutils" or not has_distutils_of_setuptools(self.target, self.environment):
            return None
        folder = next((f"{p}/{COPY}" for p in self.paths if self.is_file(f"{p}/{COPY}/__init__.py")), None)
        return None if folder is None else self._made(name, f"{folder}/__init__.py", ".py", (folder,))

    def _standard(self, name: str) -> Found | None:
        folders = self.target.stdlib or (self._own_stdlib() if self.python == sys.version_info[:2] else ())
        if name not in stdlib_names(self.python):
            return None
        found = self._in_folders(name, name, folders) if folders else None
        if found is not None and found.kind == "unreadable":
            return None if name in compiled_names() else found
        if found is not None and found.kind != "namespace":
            self._standard_tops.add(name)
            return _as_standard(found)
        if name in _WINDOWS and not self.platform.startswith("win"):
            return None
        if not folders or name in compiled_names():
            return Found(name, "stdlib", None, () if name in ("xml", "concurrent", "os") else None)
        return None

    def compiled_exports(self, name: str) -> frozenset[str] | None:
        """The names of a module compiled into the interpreter, where the target's Python is of our own version."""
        return compiled_exports(name) if self.python == sys.version_info[:2] and not self.target.root else None

    def _own_stdlib(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys((sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib"))))

    def _mapped(self, name: str) -> Found | None:
        """Editable installs whose finder maps a top-level name to a folder."""
        path = self._editable.get(name)
        if path is None:
            return None
        return self._in_folders(name, posixpath.basename(path).removesuffix(".py"), [posixpath.dirname(path)])

    def bring(self, name: str, folder: str) -> None:
        """Makes a folder importable under a top-level name, beside the search path."""
        self._editable[name] = folder

    def _in_folders(self, name: str, tail: str, folders: tuple[str, ...] | list[str]) -> Found | None:
        portions: list[str] = []
        stem = tail.partition(".")[0]
        for folder in folders:
            listing = self._list(folder)
            if stem not in self._stems[folder]:  # most names that are asked for are no modules
                continue
            if listing.get(tail):
                inner = f"{folder}/{tail}"
                inside = self._list(inner)
                for suffix in (*self._suffixes, ".py", ".pyc"):
                    if inside.get(f"__init__{suffix}") is False:
                        return self._made(name, f"{inner}/__init__{suffix}", suffix, (inner,))
            for suffix in (*self._suffixes, ".py", ".pyc"):
                if listing.get(f"{tail}{suffix}") is False:
                    return self._made(name, f"{folder}/{tail}{suffix}", suffix, None)
            if listing.get(tail):
                portions.append(f"{folder}/{tail}")
        locked = next((p for p in (*portions, *folders) if p in self._locked), None)
        if locked is not None:
            return Found(name, "unreadable", None, (locked,), self._owner(name))
        if portions:
            return Found(name, "namespace", None, tuple(portions), self._owner(name))
        return None

    def _made(self, name: str, file: str, suffix: str, search: tuple[str, ...] | None) -> Found:
        kind = {".py": "source", ".pyc": "bytecode"}.get(suffix, "extension")
        return Found(name, kind, file, search, self._owner(name))

    def _list(self, folder: str) -> dict[str, bool]:
        """The names in a folder, each with whether it is a folder; empty where it cannot be listed."""
        known = self._listings.get(folder)
        if known is not None:
            return known
        out: dict[str, bool] = {}
        try:
            with os.scandir(self.files.at(folder)) as entries:
                for entry in entries:
                    try:
                        linked = not self.files.own and entry.is_symlink()
                        out[entry.name] = self.files.isdir(f"{folder}/{entry.name}") if linked else entry.is_dir()
                    except OSError:  # a loop of links
                        continue
        except PermissionError:
            self._locked.add(folder)
        except (OSError, ValueError):
            pass
        self.note(folder)
        self._listings[folder] = out
        self._stems[folder] = frozenset([name.partition(".")[0] for name in out])
        return out

    # -- what else is there --------------------------------------------------------------------------------------

    def version(self, distribution: str) -> str | None:
        """The version in the metadata of an installed distribution, or None."""
        found = self.distributions.get(distribution)
        return None if found is None else found.version

    def build(self, distribution: str) -> str | None:
        """Its full version with the local part, where one is known."""
        found = self.distributions.get(distribution)
        return None if found is None else found.build

    def _owner_table(self) -> dict[str, tuple[str, ...]]:
        out: dict[str, tuple[str, ...]] = {}
        for distribution in self.distributions.installed:
            for top in distribution.top_level:
                out[top] = (*out.get(top, ()), distribution.name)
        return out

    def owners(self, top_level: str) -> tuple[str, ...]:
        """The distributions (as named in their metadata) that bring this importable name."""
        return self._owners.get(top_level, ())

    def has_entry_points(self, group: str) -> bool:
        """Whether an installed distribution declares an entry point of this group."""
        return any(group == of for d in self.distributions.installed for of, _, _ in d.entry_points)

    def _owner(self, name: str) -> str | None:
        owners = self.owners(name.partition(".")[0])
        return normalize(owners[0]) if owners else None

    def surface(self, distribution: str | None) -> bool:
        """Whether this distribution's modules are only looked at as text.

        Interpreted are the distributions asked about, and, where `thorough`, those that sit on the model stack: there
        releases stop fitting each other. Where text says that something is amiss, the interpreter decides.
        """
        if distribution is None or distribution in self.chosen or distribution in _INTERPRETED:
            return False
        return not (self.thorough and self.on_stack(distribution))

    def on_stack(self, distribution: str) -> bool:
        """Whether a distribution sits on the model stack: is part of it, or requires torch, transformers and such."""
        if distribution not in self._on_stack:
            found = self.distributions.get(distribution)
            names = {required_name(r) for r in (found.requires if found else ())}
            above = bool(names & _STACK) and distribution != "torch"
            self._on_stack[distribution] = above or distribution in _INTERPRETED
        return self._on_stack[distribution]

    def python_files(self, folder: str) -> list[str]:
        """The `.py` files below `folder`, as paths relative to it with `/`, sorted."""
        out: list[str] = []
        stack = [""]
        while stack and len(out) < FILES_LIMIT:
            inner = stack.pop()
            for name, is_dir in self._list(f"{folder}/{inner}".rstrip("/")).items():
                path = f"{inner}/{name}" if inner else name
                if is_dir and name != "__pycache__" and path.count("/") < 12:
                    stack.append(path)
                elif not is_dir and name.endswith(".py"):
                    out.append(path)
        return sorted(out)

    def module_files(self, folder: str) -> list[str]:
        """The modules below `folder`, compiled ones included, each as the `.py` file that it is or might be."""
        out = dict.fromkeys(self.python_files(folder))
        inners = {posixpath.dirname(f) for f in out} | {""}
        for inner in sorted(inners):
            for name, is_dir in self._list(f"{folder}/{inner}".rstrip("/")).items():
                suffix = next((s for s in self._suffixes if name.endswith(s)), None)
                if suffix and not is_dir and not name.startswith("lib"):
                    out[posixpath.join(inner, name.removesuffix(suffix) + ".py")] = None
        return sorted(out)

    def names(self, folder: str) -> list[str]:
        """The names in `folder`, sorted; empty where it cannot be listed."""
        return sorted(self._list(folder))

    def is_dir(self, path: str) -> bool:
        """Whether a folder of this path is in the environment."""
        return self._list(posixpath.dirname(path)).get(posixpath.basename(path)) is True

    def is_file(self, path: str) -> bool:
        """Whether a file of this path is in the environment."""
        return self._list(posixpath.dirname(path)).get(posixpath.basename(path)) is False

    def native(self, file: str, loaded: tuple[str, ...]) -> Cause | None:
        """Why the dynamic loader would refuse this extension; without a loader model, nothing is known against it."""
        return self.loader(file, loaded) if self.loader is not None else None

    def environment(self, name: str) -> str | None:
        """The value of an environment variable that the launch would see, if it may be known."""
        self.asked.add(name)
        return self.environ.get(name)


def _as_standard(found: Found) -> Found:
    return Found(found.name, "stdlib", found.file if found.kind == "source" else None, found.search)


def required_name(requirement: str) -> str:
    """The name in a Requires-Dist line; empty for a line that only an extra asks for."""
    if "extra" in requirement.partition(";")[2]:
        return ""
    match = _NAME.match(requirement)
    return normalize(match[1]) if match else ""


def _suffixes(python: tuple[int, int], platform: str) -> tuple[str, ...]:
    major, minor = python
    if platform.startswith("win"):
        return (f".cp{major}{minor}-win_amd64.pyd", ".pyd")
    machine = platform.rpartition("-")[2]
    if platform.startswith("macosx"):
        return (f".cpython-{major}{minor}-darwin.so", ".abi3.so", ".so")
    return (f".cpython-{major}{minor}-{machine}-linux-gnu.so", f".cpython-{major}{minor}m-{machine}-linux-gnu.so",
            ".abi3.so", ".so")  # fmt: skip
