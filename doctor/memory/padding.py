"""What an engine adds to weights so that its kernels can read them: no file holds it, and the server counts it.

vLLM rounds the experts of MXFP4 checkpoints up: `create_weights` of quantization/mxfp4.py (0.10.1 to 0.16),
`mxfp4_round_up_hidden_size_and_intermediate_size` of fused_moe/oracle/mxfp4.py (since).
"""

from __future__ import annotations

from doctor.launch.settings import Settings
from doctor.memory.divided import sharing
from doctor.memory.engines import takes_whole_card
from doctor.memory.footprint import Footprint

Capability = tuple[int, int]
HOPPER = 9
MODEL, INSIDE = 256, 128  # multiples for Marlin's kernels and for those of the data-center Blackwell
ALONE = 1  # Triton's, on Hopper, keep the inner width; 64.38 GiB of gpt-oss-120b on an H100 (vLLM 0.11.0) fit only this


def padding(found: Footprint, asked: Settings, capability: Capability | None) -> int:
    """Bytes on one GPU of this compute capability (None: not known)."""
    if found.method != "mxfp4" or not found.narrow or found.shape is None or not takes_whole_card(asked):
        return 0
    inside = ALONE if capability and capability[0] == HOPPER else INSIDE
    grown = _grown(found.shape.hidden, MODEL) * _grown(-(-found.narrow // max(asked.tp, 1)), inside)
    return int(found.experts / max(asked.tp * asked.pp * sharing(asked), 1) * (grown - 1))


def _grown(size: int, multiple: int) -> float:
    return -(-size // multiple) * multiple / size
