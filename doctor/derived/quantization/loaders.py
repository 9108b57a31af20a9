"""What transformers needs to load quantized weights itself: packages, their releases, and what those import in turn."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from packaging.specifiers import SpecifierSet
from packaging.version import InvalidVersion, Version

from doctor.base.record import dataclass
from doctor.facts import Distributions
from doctor.matrix.helpers import Through, helpers
from doctor.matrix.models.decision import UNKNOWN, holds
from doctor.matrix.providers import releases_with

ASKED = ("is_", "_available")
# the distribution behind `is_..._available`, where its name is another one: transformers/utils/import_utils.py
NAMES = {
    "auto-awq": "autoawq", "flute": "flute-kernel", "hadamard": "fast-hadamard-transform", "quark": "amd-quark",
    "spqr": "spqr-quant",
}  # fmt: skip
# what is no package of the index but a question about the machine
MACHINE = ("torch-cuda", "torch-xpu", "torch-npu", "torch-mps")


@dataclass(frozen=True, slots=True)
class Lack:
    """What is not there: one of `packages`, in the releases `needs` ("" for any). `here` is the release that is there.

    `by` states it. `sure` is False where it hangs on what cannot be told.
    """

    packages: tuple[str, ...]
    by: str
    needs: str = ""
    here: str | None = None
    sure: bool = True


def lacking(distributions: Distributions, quantizer: dict[str, Any], method: str, by: str) -> Iterator[Lack]:
    """First what transformers itself tests (`quantizer`, stated by `by`), then what the library behind it demands."""
    found = list(_tested(distributions, quantizer, by))
    yield from found
    named = {p for lack in found for p in lack.packages}
    for row in _rows(distributions, method, helpers().through):
        if row.library not in named:
            yield from (lack for lack in _demanded(distributions, row) if not named & set(lack.packages))


def _tested(distributions: Distributions, quantizer: dict[str, Any], by: str) -> Iterator[Lack]:
    """For each test of the quantizer on which it stops, the packages of which one is missing or too old."""

    def version(name: str) -> Any:
        found = distributions.get(name)
        return _version(found.version) if found else UNKNOWN

    for test in quantizer.get("lacking", ()):
        asked = _asked(test)
        names: dict[str, Any] = {f: _there(distributions, p) for f, p in asked.items()}
        fails = holds(test, {**names, ".version": version, ".parse": _version, ".is_available": lambda *_: UNKNOWN})
        absent = tuple(p for f, p in asked.items() if not names[f]() and p not in MACHINE)
        if fails and absent:
            yield Lack(absent, by)
        elif fails and asked:
            yield _too_old(distributions, tuple(asked.values()), test, by)
        elif fails is None and asked and not absent:
            yield Lack(tuple(asked.values()), by, sure=False)


def _too_old(distributions: Distributions, packages: tuple[str, ...], test: Any, by: str) -> Lack:
    """The package whose release a comparison of the test does not take."""
    for name, least in _floors(test):
        found = distributions.get(name)
        if found is not None and _version(found.version) is not UNKNOWN and _version(found.version) < _version(least):
            return Lack((found.key,), by, f">={least}", found.version)
    first = distributions.get(packages[0])
    return Lack(packages, by, here=first.version if first else None)


def _floors(test: Any) -> Iterator[tuple[str, str]]:
    """`version.parse(metadata.version("x")) < version.parse("1.2")` as x and 1.2."""
    if isinstance(test, list):
        if len(test) == 3 and test[0] == "<":
            names, least = list(_constants(test[1])), list(_constants(test[2]))
            if names and least:
                yield names[-1].replace("_", "-"), least[-1]
        for part in test[1:]:
            yield from _floors(part)


def _constants(test: Any) -> Iterator[str]:
    if isinstance(test, list):
        if len(test) == 2 and test[0] == "c" and isinstance(test[1], str):
            yield test[1]
        for part in test[1:]:
            yield from _constants(part)


def lacking_beside(distributions: Distributions, engine: str, method: str) -> Iterator[Lack]:
    """What the engine imports itself when it loads weights of the method, and does not require."""
    for row in _rows(distributions, method, tuple(r for r in helpers().engines if r.library == engine)):
        have = distributions.get(engine)
        if have is not None and SpecifierSet(row.releases).contains(have.version, prereleases=True):
            yield from _demanded(distributions, row)


def _rows(distributions: Distributions, method: str, known: tuple[Through, ...]) -> list[Through]:
    """The row of each library that is here, of its release; of one that has none, the first row of the library."""
    out = dict[str, Through]()
    for row in known:
        have = distributions.get(row.library)
        if row.method == method and have is not None:
            fits = SpecifierSet(row.releases).contains(have.version, prereleases=True)
            if fits or row.library not in out:
                out[row.library] = row
    return list(out.values())


def _demanded(distributions: Distributions, row: Through) -> Iterator[Lack]:
    have = distributions.get(row.library)
    if have is None:
        return
    by = f"{row.library} {have.version}"
    if row.module and (lack := _without(row, have.version, by)) is not None:
        yield lack
        return
    there = {p: found for p in row.packages if (found := distributions.get(p)) is not None}
    if not there:
        yield Lack(tuple(row.packages), by)
    for name, found in there.items():
        if row.packages[name] and not SpecifierSet(row.packages[name]).contains(found.version, prereleases=True):
            yield Lack((name,), by, row.packages[name], found.version)


def _without(row: Through, version: str, by: str) -> Lack | None:
    """The library itself, where its release does not have what is imported from it."""
    having = releases_with(row.library, row.module, row.name)
    has = having.contains(version) if having is not None else None
    if having is None or has is None:
        return Lack((row.library,), by, sure=False)
    return None if has else Lack((row.library,), f"`{row.name}` from `{row.module}`", having.spec(), version)


def _there(distributions: Distributions, package: str) -> Any:
    """Stands for `is_..._available(at_least)`."""

    def answer(least: str | None = None) -> Any:
        if package in MACHINE:
            return package == "torch-cuda"  # a machine with a GPU is what is asked about
        found = distributions.get(package)
        return found is not None and (least is None or _version(found.version) >= _version(least))

    return answer


def _version(text: Any) -> Any:
    try:
        return text if isinstance(text, Version) else Version(str(text))
    except InvalidVersion:
        return UNKNOWN


def _asked(test: Any) -> dict[str, str]:
    """The functions `is_..._available` in a test, each with its package."""
    out: dict[str, str] = {}
    if isinstance(test, list):
        if len(test) >= 2 and test[0] == "call" and str(test[1]).startswith(ASKED[0]) and test[1].endswith(ASKED[1]):
            plain = str(test[1])[len(ASKED[0]) : -len(ASKED[1])].replace("_", "-")
            out[str(test[1])] = NAMES.get(plain, plain)
        for part in test[1:]:
            out |= _asked(part)
    return out
