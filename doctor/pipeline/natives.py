"""The shared libraries of an environment, looked at in a second process while the modules are linked in this one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from doctor.base.record import dataclass
from doctor.base.second import Gone, Second, second
from doctor.facts import Cause, Distributions, Natives, Target, Unavailable

if TYPE_CHECKING:
    from doctor.collect.native.libraries import LibraryReader

Seen = dict[str, tuple[int, int] | None]
Opened = tuple[str, bool]  # an extension module, and whether torch is in the process before it
_KINDS = ("missing-library", "missing-symbol")


class NativeGate:
    """Asks the loader's model whether an extension module would load, after what has been imported before it."""

    def __init__(self, libraries: LibraryReader, target: Target, distributions: Distributions) -> None:
        from doctor.link.loader.natives import NativeLinker

        self.linker = NativeLinker(libraries, target.paths, target.executable)
        torch = distributions.get("torch")
        self.torch = f"{torch.location}/torch" if torch else None

    def __call__(self, file: str, loaded: tuple[str, ...]) -> Cause | None:
        """Why `import` of this file fails in the loader, or None where it does not or cannot be known."""
        return self.cause(file, "torch" in loaded)

    def cause(self, file: str, after_torch: bool) -> Cause | None:
        """The same for a process that has torch or not."""
        before = self.linker.preload_of(self.torch) if self.torch and after_torch else ()
        verdict = self.linker.load(file, tuple(p for p in before if p.path != file))
        if verdict.status != "fail":
            return None
        kind = verdict.kind if verdict.kind in _KINDS else "error"
        return Cause(kind, verdict.name or "?", verdict.name, error="ImportError", text=verdict.text)  # type: ignore[arg-type]


@dataclass(frozen=True)
class Looked:
    """What the libraries say: the natives, why each extension asked about would fail, and which files tell so."""

    natives: Natives | Unavailable
    causes: tuple[Cause | None, ...]
    seen: Seen


class NativeWork:
    """Reads and judges the libraries of the distributions `names`, in this process."""

    def __init__(self, target: Target, distributions: Distributions, names: tuple[str, ...]) -> None:
        from doctor.collect.native.libraries import reader_for
        from doctor.collect.native.natives import collect_natives
        from doctor.link.loader.natives import judged

        self.libraries = reader_for(target)
        self.gate = NativeGate(self.libraries, target, distributions)
        natives = collect_natives(target, distributions, names, self.libraries)
        self.natives = judged(natives, self.gate.linker, distributions) if isinstance(natives, Natives) else natives
        self.libraries.release()

    def __call__(self, opened: tuple[Opened, ...]) -> Looked:
        """The answer to the extensions that were opened."""
        return Looked(self.natives, tuple(self.gate.cause(*one) for one in opened), self.libraries.seen)


class NativesMeanwhile:
    """The same work, in a second process where there is one, so that linking need not wait for it.

    Extensions that are opened first, torch's and those before it, are taken to load: they nearly always do, and where
    one does not, the modules are linked once more. Those of other packages after torch are asked about: there missing
    drivers show, and by then the second process has most answers.
    """

    def __init__(self, target: Target, distributions: Distributions, names: tuple[str, ...]) -> None:
        def work() -> NativeWork:
            return NativeWork(target, distributions, names)

        torch = distributions.get("torch")
        self._torch = f"{torch.location}/torch/" if torch is not None else ""
        self._work = work
        self._here: NativeWork | None = None
        self._other: Second | None = second(work)
        self._opened: dict[Opened, None] = {}

    def early(self, file: str, loaded: tuple[str, ...]) -> Cause | None:
        """The gate of the first linking: takes what is opened early to load."""
        if self._other is None or ("torch" in loaded and not file.startswith(self._torch)):
            return self.known(file, loaded)
        self._opened[file, "torch" in loaded] = None
        return None

    def known(self, file: str, loaded: tuple[str, ...]) -> Cause | None:
        """The gate that waits for each answer."""
        return self._asked(((file, "torch" in loaded),)).causes[0]

    def looked(self) -> Looked:
        """What came of it, with the causes of all that was taken to load."""
        return self._asked(tuple(self._opened))

    def close(self) -> None:
        """Ends the second process."""
        if self._other is not None:
            self._other.close()

    def _asked(self, opened: tuple[Opened, ...]) -> Looked:
        if self._other is not None:
            try:
                answer: Looked = self._other.ask(opened)
                return answer
            except Gone:
                self._other.close()
                self._other = None
        if self._here is None:
            self._here = self._work()
        return self._here(opened)
