"""What a server takes of a GPU beside weights and cache, as a range: no file tells it, an engine measures it at start.

Where it is from: the CUDA context with its libraries and kernels; buffers of the processes that share a model; what one
step computes (grows with the tokens of a step and the size of the vocabulary); the vision tower at work (grows with the
pictures); CUDA graphs. Together about 1 to 3 GiB for a small launch. The bounds hold what servers have reported
(`non_torch_memory takes 0.25GiB; PyTorch activation peak memory takes 0.19GiB` and the like, see the tests); vLLM's own
line `Available KV cache memory` is the truth for one machine.
"""

from __future__ import annotations

from doctor.base.record import dataclass
from doctor.launch.settings import Settings
from doctor.matrix.engines import engine_row
from doctor.memory.footprint import Footprint

GIB = 1 << 30
CONTEXT = (0.3 * GIB, 0.7 * GIB)
COUNTED_CONTEXT = (0.0, 0.5 * GIB)  # vLLM: most of it is there before it begins to count
SHARED = (0.05 * GIB, 0.5 * GIB)
GRAPHS = (0.05 * GIB, 0.9 * GIB)
LARGEST_BATCH = 1 << 20


@dataclass(frozen=True, slots=True)
class Overhead:
    """Bytes of one GPU, at least and at most, with the reasons: (what, least, most)."""

    least: int
    most: int
    reasons: tuple[tuple[str, int, int], ...] = ()


def overhead(found: Footprint, asked: Settings, batch: int, requests: int) -> Overhead:
    """The range for one GPU that computes `batch` tokens at once, of `requests` requests."""
    context = COUNTED_CONTEXT if engine_row(asked.engine).has("context_not_counted", asked.release) else CONTEXT
    rows: list[tuple[str, float, float]] = [("CUDA context and libraries", *context)]
    if asked.tp * asked.pp > 1:
        rows.append(("communication between GPUs", *SHARED))
    rows.append(("computation of one step", *_activations(found, asked, batch, requests)))
    if found.vision and asked.vision and asked.images != 0:
        rows.append(("image processing", *_pictures(found, asked)))
    if not asked.eager and asked.graphs_counted:
        rows.append(("CUDA graphs", *GRAPHS))
    told = tuple((what, int(least), int(most)) for what, least, most in rows)
    return Overhead(sum(r[1] for r in told), sum(r[2] for r in told), told)


def _activations(found: Footprint, asked: Settings, batch: int, requests: int) -> tuple[float, float]:
    """A few vectors of each token at once (its MLP's are the widest), and the probabilities of all words."""
    shape = found.shape
    if shape is None:
        return 0.1 * GIB, 1.5 * GIB
    tokens = min(batch, LARGEST_BATCH)
    wide = 2 * max(shape.intermediate, shape.heads * shape.head_dim) / asked.tp + 4 * shape.hidden
    step = tokens * wide * 2
    words = min(requests, tokens) * shape.vocabulary * 4
    sampling = max(min(5 * words, 2.0 * GIB), words)
    return 0.4 * step + 0.3 * words / asked.tp, 2 * step + sampling + 0.2 * GIB


def _pictures(found: Footprint, asked: Settings) -> tuple[float, float]:
    images = min(asked.images or 1, 16)
    each = min(max(found.vision / 2, 0.2 * GIB), 1.0 * GIB)  # a larger tower has wider vectors
    return 0.05 * GIB, each * (0.75 + 0.25 * images)
