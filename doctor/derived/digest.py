"""Facts in the few bytes that tell whether two machines are alike: a digest for each section of SECTIONS.

Only what should be equal counts. Free memory, processes, addresses, identifiers of single cards, paths of caches and
the rank of a launch are left out.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import Any

from doctor.derived.interfaces import addresses_for_others, gloo_address, real_interfaces
from doctor.derived.nodes import variable
from doctor.facts import Distributions, Facts, Gpu, Host, Launch, Model, Natives, Network, Unavailable, Weights
from doctor.facts.node import SECTIONS, Digest
from doctor.launch.options import words_of

DIGITS = 12
GIB = 1 << 30
Values = Any  # plain JSON values: strings, numbers, lists, None
# variables that each machine has its own value of
OWN = ("VLLM_HOST_IP", "SGLANG_HOST_IP", "HOST_IP", "CUDA_VISIBLE_DEVICES", "NODE_RANK", "RANK", "LOCAL_RANK")
RANKED = ("--node-rank", "--node_rank", "--data-parallel-start-rank", "--headless", "--host")


def digest_of(facts: Facts) -> Digest:
    """The digest of one machine's facts."""
    network = facts.network if isinstance(facts.network, Network) else None
    address, why = gloo_address(network, variable(facts, "GLOO_SOCKET_IFNAME")) if network else (None, "")
    holding = next((i for i in network.interfaces or () if address in i.hosts), None) if network else None
    reachable = addresses_for_others(network) if network else ()
    return Digest(
        {name: _hash(section(facts, name)) for name in SECTIONS}, network.name if network else None, address, why,
        reachable[:4], holding.mtu if holding else None, network.clock if network else None,
    )  # fmt: skip


def section(facts: Facts, name: str) -> Values:
    """The stable values of one section, in plain JSON values; what is not known is named by its reason."""
    return _SECTIONS[name](facts)


def _hash(values: Values) -> str:
    data = json.dumps(values, sort_keys=True, ensure_ascii=True, separators=(",", ":")).encode()
    return hashlib.sha256(data).hexdigest()[:DIGITS]


def _packages(facts: Facts) -> Values:
    found = facts.distributions
    if isinstance(found, Unavailable):
        return found.reason
    return {d.key: [d.version, d.build, d.editable] for d in found.installed} | {"python": facts.target.python}


def _natives(facts: Facts) -> Values:
    found = facts.natives
    if not isinstance(found, Natives):
        return found.reason
    libraries = sorted(
        [x.path.removeprefix(x.location).lstrip("/"), [[g.count, list(g.archs)] for g in x.gpu]]
        for x in found.libraries
    )
    needs = sorted([f"{n.distribution} {n.soname}"] for n in found.cuda)
    return [libraries, needs, found.versions, list(found.torch_archs), found.machine]


def _engine(facts: Facts) -> Values:
    launch = facts.launch
    if not isinstance(launch, Launch) or not isinstance(facts.distributions, Distributions):
        return None
    read = [[r.distribution, r.version] for r in facts.releases]
    return [launch.engine, facts.version(launch.engine), facts.version("torch"), facts.version("ray"), read]


def _model(facts: Facts) -> Values:
    model = facts.model
    if not isinstance(model, Model):
        return model.reason
    weights = model.weights
    files = sorted([f.name, f.size, f.fault] for f in weights.files) if isinstance(weights, Weights) else None
    sums = [weights.by_dtype, weights.by_part, weights.declared] if isinstance(weights, Weights) else None
    return [model.config, model.preprocessor, files, sums, model.revision, list(model.remote_code)]


def _gpu(facts: Facts) -> Values:
    gpu = facts.gpu
    if not isinstance(gpu, Gpu):
        return gpu.reason
    return [[d.name, list(d.capability), d.memory_total, d.mig_enabled, len(d.mig)] for d in gpu.usable]


def _driver(facts: Facts) -> Values:
    gpu = facts.gpu
    if not isinstance(gpu, Gpu):
        return gpu.reason
    return [gpu.nvml, gpu.driver_version, gpu.kernel_module, gpu.user_library, gpu.driver_platform]


def _host(facts: Facts) -> Values:
    host = facts.host
    if not isinstance(host, Host):
        return host.reason
    memory = round(host.memory_total / GIB) if host.memory_total else None
    shm = round(host.shm_total / GIB) if host.shm_total else None
    libc = [host.libc.kind, host.libc.version] if host.libc else None
    return [
        host.machine, host.os_name, host.kernel, libc, memory, shm, host.cpu_count, host.cpu_model,
        list(host.open_files or ()), host.container,
    ]  # fmt: skip


def _network(facts: Facts) -> Values:
    network = facts.network
    if not isinstance(network, Network):
        return network.reason
    links = [[i.name, i.mtu] for i in real_interfaces(network)]
    rdma = [[p.device, p.port, p.active, p.link, [g.index for g in p.gids]] for p in network.rdma]
    return [links, rdma, list(network.ports or ()), list(network.locked_memory or ())]


def _environment(facts: Facts) -> Values:
    host = facts.host.environment if isinstance(facts.host, Host) else {}
    launch = facts.launch if isinstance(facts.launch, Launch) else None
    values = {**host, **(launch.environ if launch else {})}
    kept = {n: v for n, v in values.items() if n not in OWN and decides(n)}
    return [kept, _unranked(words_of(launch)) if launch else None]


_DECIDING = (
    "NCCL_", "GLOO_", "UCX_", "VLLM_", "SGLANG_", "SGL_", "LMDEPLOY_", "TM_", "TORCH_", "PYTORCH_", "TP_SOCKET",
)  # fmt: skip


def decides(name: str) -> bool:
    """Whether a variable changes how the ranks talk to each other, or what the engine does."""
    return name.startswith(_DECIDING)


def _unranked(words: tuple[str, ...]) -> list[str]:
    """The words without what each rank has of its own."""
    out, skip = list[str](), False
    for word in words:
        name, equals, _ = word.partition("=")
        if skip and not word.startswith("--"):
            skip = False
        elif name in RANKED:
            skip = not equals and name != "--headless"
        else:
            out.append(word)
            skip = False
    return out


_SECTIONS: dict[str, Callable[[Facts], Values]] = {
    "packages": _packages, "natives": _natives, "engine": _engine, "model": _model, "gpu": _gpu, "driver": _driver,
    "host": _host, "network": _network, "environment": _environment,
}  # fmt: skip
