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
from doctor.memory.sight import tried

GIB = 1 << 30
CONTEXT = (0.3 * GIB, 0.7 * GIB)
TRIED_CONTEXT = (0.0, 0.3 * GIB)
# The experts' work space, kept since v1/worker/workspace.py is there: Qwen3-30B-A3B, DeepSeek-V2-Lite, Qwen1.5-MoE
TRIED_EXPERTS = (0.2 * GIB, 0.55 * GIB)
# CUDA graphs, taken off since 0.21 (v1/worker/gpu_worker.py): 0.53 GiB of Qwen2.5-VL-7B on an A100, 0.49 of Qwen3.6-27B
# on two RTX 3090
GRAPHS = (0.2 * GIB, 0.8 * GIB)
# Where the memory is the system's, what the kernel keeps of files and what others take at that time counts as the
# engine's: 5 GiB as graphs and 6 more of MiniMax-M2.7 on two GB10; another model's cache had 12 to 18 GiB by its loader
SYSTEMS_MEMORY = (1.0 * GIB, 13.0 * GIB)
OF_BOARDS = ((12, 1), (11, 0), (8, 7), (7, 2))  # GB10, Jetson Thor, Orin and Xavier
# NCCL, the engine's own all-reduce and their graphs: vLLM 0.9 to 0.19 on two and four H100 logged 1.9 to 2.5 GiB
TOGETHER_LARGE, TOGETHER = (1.85 * GIB, 2.4 * GIB), (0.1 * GIB, 0.6 * GIB)
TOGETHER_FIRST = (0.0, 0.3 * GIB)
FIRST_WIDE = 3  # both halves of the MLP and their product: nothing is compiled into one kernel
LONG = 32_768  # tokens
LARGE = 70 * GIB
COUNTED_CONTEXT = (0.0, 0.5 * GIB)  # vLLM: most of it is there before it begins to count
HALF = 2.0  # bytes
SHARED = (0.05 * GIB, 0.5 * GIB)
LARGEST_BATCH = 1 << 20


@dataclass(frozen=True, slots=True)
class Overhead:
    """Bytes of one GPU, at least and at most, with the reasons: (what, least, most)."""

    least: int
    most: int
    reasons: tuple[tuple[str, int, int], ...] = ()


def overhead(
    found: Footprint, asked: Settings, batch: int, requests: int, card: int = 0,
    capability: tuple[int, int] | None = None,
) -> Overhead:  # fmt: skip
    """The range for one GPU of `card` bytes that computes `batch` tokens at once, of `requests` requests."""
    times = _sampler(asked)
    if times is None:
        rows = _usual(found, asked, batch, requests)
    else:
        rows = _tried(found, asked, (batch, requests), card, times)
        if capability in OF_BOARDS:
            rows.append(("files and programs in the same memory", *SYSTEMS_MEMORY))
    told = tuple((what, int(least), int(most)) for what, least, most in rows)
    return Overhead(sum(r[1] for r in told), sum(r[2] for r in told), told)


def _sampler(asked: Settings) -> float | None:
    """The engine's row for its sampler; None for one that sizes its cache without having tried a step."""
    return engine_row(asked.engine).memory.sampler_of(asked.release)


def _first(asked: Settings) -> bool:
    """Whether it is vLLM's first engine, which takes whole prompts at once."""
    return engine_row(asked.engine).has("whole_prompts", asked.release, unknown=False)


def _tried(
    found: Footprint, asked: Settings, step: tuple[int, int], card: int, times: float
) -> list[tuple[str, float, float]]:
    """vLLM: what its trial step takes at its peak, the picture's, the layers' or the sampler's.

    `step` is as `overhead` has it: tokens at once, requests.
    """
    rows: list[tuple[str, float, float]] = [("CUDA context and libraries", *TRIED_CONTEXT)]
    if asked.tp > 1:
        usual = TOGETHER_FIRST if _first(asked) else TOGETHER_LARGE if card >= LARGE else TOGETHER
        rows.append(("communication between GPUs", *usual))
    least, most = _step(found, asked, step, times)
    rows.append(("computation of one step", least, most))
    row = engine_row(asked.engine)
    if not asked.eager and row.has("counts_graphs", asked.release):
        rows.append(("CUDA graphs", *GRAPHS))
    if found.experts and row.has("keeps_work_space", asked.release):
        rows.append(("computation of the experts", *TRIED_EXPERTS))
    if found.vision and asked.vision and (asked.images != 0 or asked.videos != 0):
        low, high, kept = _sight(found, asked, step)
        rows.append(("image processing", max(low - least, kept), max(high - most, kept) + 0.15 * GIB))
    return rows


def _step(found: Footprint, asked: Settings, step: tuple[int, int], times: float) -> tuple[float, float]:
    """The larger of the layers and the sampler; the last stage of a pipeline alone has one."""
    batch, requests = step
    vocabulary = found.shape.vocabulary if found.shape else 150_000
    sampler = times * min(requests, max(batch, 1)) * vocabulary * 4
    if _first(asked):
        layers = _layers(found, asked, batch, FIRST_WIDE)
        sampler = 0.0 if in_chunks(found, asked) else sampler
        return max(0.95 * sampler, 0.95 * layers), max(1.05 * sampler, 1.1 * layers)
    layers = _layers(found, asked, batch)
    least, most = max(sampler * 0.9, 0.4 * layers), max(sampler * 1.1, 1.2 * layers)
    return (0.2 * least if asked.pp > 1 else least), most


def in_chunks(found: Footprint, asked: Settings) -> bool:
    """Whether vLLM's first engine cuts prompts into chunks by itself: long contexts, no pictures."""
    return not found.vision and (asked.context or (found.shape.usual if found.shape else 0)) > LONG


def _layers(found: Footprint, asked: Settings, batch: int, inner: int = 2) -> float:
    """Bytes of the widest layer's vectors for all tokens of a step, with `inner` vectors of the MLP's width."""
    if found.shape is None:
        return 0.5 * GIB
    shape = found.shape
    wide = inner * max(shape.intermediate, shape.heads * shape.head_dim) / asked.tp + 4 * shape.hidden
    return min(batch, LARGEST_BATCH) * wide * 2


def _sight(found: Footprint, asked: Settings, step: tuple[int, int]) -> tuple[float, float, float]:
    """The vision tower at work on what the engine tries out; nothing where the command leaves that out.

    The bytes of a patch are those of the widest layer: Qwen2.5-VL-7B on vLLM 0.23 took 16.04 GiB for a video of 114,688
    tokens. What it says of them is kept (the last figure) while the layers are tried out. Towers of one size of picture
    know how many patches they have.
    """
    if asked.untried:
        return 0.0, 0.0, 0.0
    if not found.sight.patch:
        return 0.05 * GIB, min(max(found.vision / 2, 0.2 * GIB), 1.0 * GIB), 0.0
    if not found.sight.merge:
        return 0.0, 0.3 * GIB, 0.0
    context = asked.context or (found.shape.usual if found.shape else 0)
    tokens = tried(found.sight, asked, context, step)
    most = found.sight.bytes_of(tokens, asked.attending if asked.vision_split else 1)
    kept = tokens * found.shape.hidden * HALF if found.shape else 0.0
    return 0.75 * most, 1.15 * most, kept


def _usual(found: Footprint, asked: Settings, batch: int, requests: int) -> list[tuple[str, float, float]]:
    """Engines of which no law is known: wide."""
    context = COUNTED_CONTEXT if engine_row(asked.engine).has("context_not_counted", asked.release) else CONTEXT
    rows: list[tuple[str, float, float]] = [("CUDA context and libraries", *context)]
    if asked.tp * asked.pp > 1:
        rows.append(("communication between GPUs", *SHARED))
    rows.append(("computation of one step", *_activations(found, asked, batch, requests)))
    if not asked.eager and engine_row(asked.engine).memory.budget == "free_at_start":
        rows.append(("CUDA graphs", *GRAPHS))
    if found.vision and asked.vision and asked.images != 0:
        rows.append(("image processing", *_pictures(found, asked)))
    return rows


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
    if asked.pixels and found.sight.merge:
        each = min(each, max(1.1 * found.sight.bytes_of(found.sight.image(asked)), 0.05 * GIB))
    return 0.05 * GIB, each * (0.75 + 0.25 * images)
