"""Ways out of a quantization that is refused: another backend, release, engine or format, judged by the tables."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from doctor.derived.engine import Chosen
from doctor.derived.packages.other_releases import other_release
from doctor.derived.quantization.served import KINDS, refusal, too_old
from doctor.facts import Quantization
from doctor.findings import Action, Remediation
from doctor.matrix.engines import serving_engines
from doctor.matrix.models.quantization import Need, fitting, spelled
from doctor.matrix.models.turbomind import served_by

FORMATS = ("gptq", "awq", "compressed-tensors", "fp8", "bitsandbytes")


def ways(chosen: Chosen, backends: tuple[str, ...], need: Need) -> Iterator[Remediation]:
    """The ways out, those that keep the most first; what the same tables would refuse is not among them."""
    yield from _other_backend(chosen, backends, need)
    found = fitting(chosen.name, need)
    if found is not None and not found.contains(chosen.version):
        yield from other_release(chosen.name, found, chosen.version)
    yield from engines_serving(chosen.name, need)
    if formats := _formats(chosen, backends, need):
        text = f"use the same model quantized with one of: {', '.join(formats)}"
        yield Remediation(text, (Action("use_model", text=text),))


def engines_serving(but: str, need: Need) -> Iterator[Remediation]:
    """The other engines of which some release serves the checkpoint on this GPU, with those releases."""
    for name in (e for e in serving_engines() if e != but):
        other = fitting(name, need)
        if other is not None and other.newest:
            text = f"use {name} {other.spec()}".strip()
            yield Remediation(text, (Action("use_engine", name=name, text=text),), "manual")


def _other_backend(chosen: Chosen, backends: tuple[str, ...], need: Need) -> Iterator[Remediation]:
    row = chosen.row(*KINDS)
    for backend in chosen.data.backends:
        has = not need.architectures or need.architectures[0] in row.get(f"architectures.{backend}", {})
        if backend == "turbomind" and has:
            has = all(served_by(row, a, need.config, need.quantization.method) for a in need.architectures)
        if backend not in backends and has and refusal(chosen, backend, need) is None:
            action = Action("set_argument", name="--backend", value=backend)
            yield Remediation(f"use `--backend {backend}`, which supports it", (action,), "unsafe")


def _formats(chosen: Chosen, backends: tuple[str, ...], need: Need) -> list[str]:
    """Methods that checkpoints come in, and that this release takes on this GPU."""
    row, out = chosen.row(*KINDS), []
    for method in FORMATS:
        for backend in backends:
            other = replace(need, quantization=Quantization(method), config={})
            taken = spelled(row.get(f"quantization.{backend}", {}), method) is not None
            if taken and method != need.quantization.method and not too_old(chosen, backend, other, need.capability):
                out.append(method)
                break
    return out
