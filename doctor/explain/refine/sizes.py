"""Sizes that do not fit: what cannot be split over so many GPUs, and tensors of another shape than the parameter."""

from __future__ import annotations

import math
import re

from doctor.base.late import late_pattern
from doctor.explain.context import Digest
from doctor.explain.matching import Candidate
from doctor.explain.refine.refined import Refined, install, manual
from doctor.explain.stated import parallel_size, ranks_seen
from doctor.findings import Evidence, Remediation
from doctor.matrix.engines import serving_engines

_NUMBERS = late_pattern(r"(?P<size>\d{1,9})\D{1,80}?(?:divisible by|multiple of)\D{1,80}?(?P<unit>\d{1,7})")
_SHARE = late_pattern(r"(?i)block|group|thread|partition|quantiz|align|tile")
_SPLIT = late_pattern(r"(?i)tensor.parallel|world.size|\btp\b|tp_size|num.gpus|\branks?\b")
_SHAPES = late_pattern(r"torch\.Size\(\[(?P<dims>[\d, ]{1,80})\]\)")
MOST = 64


def divisible(candidate: Candidate, digest: Digest) -> Refined:
    """`A is not divisible by B`: whether B is the number of GPUs or a block that each GPU's share has to fill."""
    line = candidate.line.text
    numbers = _NUMBERS.search(line)
    if numbers is None:
        return Refined(remediations=(_fewer(None), _other_checkpoint()))
    size, unit = int(numbers["size"]), int(numbers["unit"])
    if not size or not unit or size % unit == 0:
        return Refined(remediations=(_fewer(None), _other_checkpoint()))
    gpus = parallel_size(digest)
    where = candidate.line.trace.where if candidate.line.trace else ""
    if _SHARE.search(line) and unit != gpus:
        return _share(size, unit, gpus or 0, digest)
    if unit == gpus or _SPLIT.search(line) or "ensure_divisibility" in where or "divide(" in where:
        return _heads(size, unit)
    return Refined(
        f"{size} is not divisible by {unit}, and this release requires that: a size of the model does not fit"
    )


def _heads(size: int, gpus: int) -> Refined:
    fit = [n for n in range(1, min(size, MOST) + 1) if size % n == 0]
    return Refined(
        f"the model cannot be split over {gpus} GPUs: {size} (heads, or another size) is not divisible by {gpus}",
        (manual(f"choose a tensor-parallel size (--tensor-parallel-size, --tp) that divides {size}: {_or(fit)}"),
         manual("use the other GPUs with --pipeline-parallel-size or --data-parallel-size")),
        evidence=(Evidence("computed", observed=f"{size} = {size // gpus} x {gpus} + {size % gpus}"),) if gpus else (),
    )  # fmt: skip


def _share(share: int, block: int, gpus: int, digest: Digest) -> Refined:
    """`share` is what is left of a size for one GPU, `gpus` 0 where the log does not say over how many."""
    text = f"the quantized weights cannot be split this way: each GPU's share of {share} is not divisible by {block}"
    fit = [n for n in range(1, gpus) if gpus and share * gpus % n == 0 and share * gpus // n % block == 0]
    if gpus > 1 or ranks_seen(digest) > 1:
        text = f"{text}; with {gpus or ranks_seen(digest)} GPUs or more the shares are too small"
    first = (
        manual(f"choose --tensor-parallel-size {_or(fit)}: {share * gpus} splits into whole blocks of {block}")
        if fit
        else _fewer(block)
    )
    return Refined(
        text,
        (
            first,
            manual("or use --pipeline-parallel-size (for experts --enable-expert-parallel) for the other GPUs"),
            _other_checkpoint(),
        ),
    )


def _fewer(block: int | None) -> Remediation:
    whole = f" so that each GPU's share is a multiple of {block}" if block else ""
    return manual(
        f"choose a smaller --tensor-parallel-size (tensor parallel, --tp){whole}; the failing one cannot work"
    )


def _other_checkpoint() -> Remediation:
    return manual("or use a checkpoint with padded sizes (padding), a smaller group size, or the unquantized one")


def _or(numbers: list[int]) -> str:
    return " or ".join(filter(None, (", ".join(map(str, numbers[:-1])), str(numbers[-1]))))


def shapes(candidate: Candidate, digest: Digest) -> Refined:
    """A tensor of the checkpoint that has another shape than the parameter: packed, split, or of another model."""
    trace = candidate.line.trace
    engine = digest.engine if digest.engine in serving_engines() else ""
    newer = (install(engine, "upgrade", title=f"upgrade {engine}: a newer release may load it"),) if engine else ()
    ways = (*newer, manual("or use another checkpoint of the model: unquantized, or quantized in another way"))
    gpus = parallel_size(digest) or ranks_seen(digest)
    text = "a tensor of the checkpoint has a different shape than the engine's parameter"
    found = _shapes(trace.message if trace else "")
    if len(found) == 2:
        loaded, parameter = map(math.prod, found)
        text += f": {loaded} elements in the checkpoint, {parameter} in the parameter"
        packed = next((k for k in (2, 4, 8) if parameter == loaded * k), 0)
        if packed and len(found[0]) == 2 and 1 in found[0]:
            text += f", {packed} values packed in each: this release's loader does not unpack that part of the model"
            return Refined(text, ways)
    if gpus == 1:
        return Refined(f"{text}: this release does not support the checkpoint", ways)
    split = manual(f"try another --tensor-parallel-size than {gpus} (tensor parallel)")
    return Refined(f"{text}: it does not fit when split across {gpus} GPUs, or is not supported", (split, *ways))


def _shapes(message: str) -> list[list[int]]:
    """The shapes that a message names, those without dimensions left out."""
    found = [[int(d) for d in re.findall(r"\d{1,12}", m["dims"])] for m in _SHAPES.finditer(message)]
    return [shape for shape in found if shape]
