"""What `qvl-doctor link` answers: the verdict on every module of the distributions that were named."""

from __future__ import annotations

from typing import TYPE_CHECKING

from doctor.base.late import late_pattern
from doctor.collect.python.target import TargetError, find_target
from doctor.facts import Modules
from doctor.facts.source import SourceProblem
from doctor.pipeline.environment import kernels_of
from doctor.pipeline.natives import NativeGate
from doctor.pipeline.reach import all_modules, source_of
from doctor.pipeline.request import Request

if TYPE_CHECKING:
    from doctor.collect.python.modules import ModuleReader


_MEETS_THE_STACK = late_pattern(rb"(?:from|import)\s+transformers\b")


def in_order(reader: ModuleReader, modules: tuple[str, ...]) -> tuple[str, ...]:
    """The order in which one process imports them all: by name, those that meet the model stack themselves first.

    A package that fails may leave submodules behind that were imported before it failed; as in Python, importing one
    of those afterwards succeeds. Judging first what uses transformers itself puts its verdicts before such effects.
    """

    def key(name: str) -> tuple[bool, str]:
        file = source_of(reader, name)
        try:
            meets = file is not None and bool(_MEETS_THE_STACK.search(reader.text(file)))
        except SourceProblem:
            meets = False
        return not meets, name

    return tuple(sorted(modules, key=key))


def link_distributions(names: tuple[str, ...], request: Request) -> Modules:
    """The verdicts. Raises TargetError where a distribution is not installed in the target."""
    from doctor.collect.native.libraries import reader_for
    from doctor.collect.packages.distributions import read_distributions
    from doctor.collect.python.modules import ModuleReader
    from doctor.derived.packages.hidden import hidden_in
    from doctor.link.python.environment import LinkRequest, link_environment

    target = find_target(request.target)
    distributions = read_distributions(target)
    for name in names:
        hidden = hidden_in(distributions, target, name) if distributions.get(name) is None else None
        if hidden is not None:
            raise TargetError(f"whether the distribution `{name}` is installed is not known: {hidden.message}")
        if distributions.get(name) is None:
            raise TargetError(f"the distribution `{name}` is not installed in this environment ({target.why})")
    reader = ModuleReader(target, distributions, (*names, *kernels_of(names)), request.environ, thorough=True)
    libraries = reader_for(target)
    reader.driverless = reader.platform.startswith("linux") and not libraries.cached("libcuda.so.1")
    reader.loader = NativeGate(libraries, target, distributions)
    modules = in_order(reader, all_modules(reader, distributions, names))
    return link_environment(reader, LinkRequest(names, modules), request.progress)
