"""What `qvl-doctor link` answers: the verdict on every module of the distributions that were named."""

from __future__ import annotations

from doctor.collect.target import TargetError, find_target
from doctor.facts import Modules
from doctor.pipeline import Request
from doctor.pipeline.environment import NativeGate, all_modules


def link_distributions(names: tuple[str, ...], request: Request) -> Modules:
    """The verdicts. Raises TargetError where a distribution is not installed in the target."""
    from doctor.collect.distributions import read_distributions
    from doctor.collect.libraries import reader_for
    from doctor.collect.modules import ModuleReader
    from doctor.link.environment import LinkRequest, link_environment
    from doctor.link.natives import NativeLinker

    target = find_target(request.target)
    distributions = read_distributions(target)
    for name in names:
        if distributions.get(name) is None:
            raise TargetError(f"the distribution `{name}` is not installed in this environment ({target.why})")
    reader = ModuleReader(target, distributions, names, request.environ)
    reader.loader = NativeGate(NativeLinker(reader_for(target), target.paths, target.executable), distributions)
    modules = all_modules(reader, distributions, names)
    return link_environment(reader, LinkRequest(names, modules), request.progress)
