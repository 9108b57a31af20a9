"""Changes of a launch that leave more room, the mildest first: what each sets, and the settings that follow."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from doctor.base.quoting import joined
from doctor.base.record import dataclass
from doctor.base.text import plural
from doctor.launch.settings import Settings
from doctor.matrix.engines import engine_row
from doctor.memory.engines import default_share
from doctor.memory.fit import Fit, steps
from doctor.memory.footprint import Footprint

BITS = {"4": 4}
WIDE = ("auto", "0", "", "bfloat16", "float16")
REQUESTS = (1024, 512, 256, 128, 64, 32, 16, 8)
BATCHES = (16_384, 8192, 4096, 2048)
Arguments = tuple[tuple[str, "str | None"], ...]


@dataclass(frozen=True, slots=True)
class Change:
    """One change: `kind` is what it is about, `arguments` are (flag, value) to set, None to leave the flag out.

    `mild`: few who ask for what the launch asks for would miss it; `own`: it takes back what the command itself asks
    for beyond the engine's default. `footprint` is the model, where it changes.
    """

    kind: str
    title: str
    settings: Settings
    arguments: Arguments
    mild: bool = False
    own: bool = False
    footprint: Footprint | None = None

    @property
    def named(self) -> str:
        """The title with the words of the command."""
        if all(value is None for _, value in self.arguments):
            return self.title
        return f"{self.title} (`{joined(filter(None, self.arguments[0]))}`)"


def brief(now: Fit, meaning: str) -> str | None:
    """The engine's option for it."""
    return engine_row(now.settings.engine).brief(meaning)


def share_of(now: Fit) -> float:
    """The engine's share of the launch, its own where the command names none."""
    said = now.settings.share
    return default_share(now.settings, now.card, now.footprint) if said is None else said


def candidates(
    now: Fit, numbers: tuple[int, ...], kinds: tuple[str, ...], lighter: Footprint | None = None
) -> Iterator[Change]:
    """Settings to try: `numbers` of GPUs, `kinds` of the release's cache, `lighter` the model in its own format."""
    asked = now.settings
    if lighter is not None and (flag := brief(now, "dtype")):
        title = f"remove `{flag} {asked.dtype}`"
        yield Change("dtype", title, replace(asked, dtype=None), ((flag, None),), True, True, lighter)
    if asked.cache and (flag := brief(now, "cache_bytes")):
        yield Change("size", f"remove `{flag}`", replace(asked, cache=None), ((flag, None),), True, True)
    if asked.blocks and (flag := brief(now, "cache_blocks") or brief(now, "cache_tokens")):
        yield Change("blocks", f"remove `{flag}`", replace(asked, blocks=None), ((flag, None),), True, True)
    yield from _pictures(now)
    yield from _steps(now)
    yield from _shares(now)
    if gpus := brief(now, "tensor_parallel"):
        for tp in numbers:
            yield Change("gpus", f"use {tp} GPUs", replace(asked, tp=tp), ((gpus, str(tp)),))
    flag = brief(now, "kv_cache_dtype")
    for kind in engine_row(asked.engine).memory.narrow_caches if flag else ():
        if flag and kind in kinds and asked.kv in WIDE:
            title = f"store the KV cache in {BITS.get(kind, 8)} bits"
            yield Change(title, title, replace(asked, kv=kind), ((flag, kind),))
    if not asked.eager and takes_graphs(now) and (flag := brief(now, "eager")):
        yield Change("eager", "Do without CUDA graphs, which is slower", replace(asked, eager=True), ((flag, ""),))


def takes_graphs(now: Fit) -> bool:
    """Whether graphs are among what is taken off before the cache."""
    return any("graph" in what for what, _, _ in now.overhead.reasons)


def _shares(now: Fit) -> Iterator[Change]:
    """The engine's own share where the command's is smaller, else the largest that is wise."""
    asked, flag = now.settings, brief(now, "memory_share")
    usual = default_share(replace(asked, share=None), now.card, now.footprint)
    lower = share_of(now) < usual - 0.01
    most = usual if lower else engine_row(asked.engine).memory.largest_share
    if flag and now.rule.rule.startswith("`--") and most > share_of(now):
        title = f"give the engine a share of {most:.3g}"
        yield Change("share", title, replace(asked, share=float(f"{most:.3g}")), ((flag, f"{most:.3g}"),), lower, lower)


def _pictures(now: Fit) -> Iterator[Change]:
    """No videos, which vLLM tries out at their longest, and then one picture in a request."""
    asked, row, flag = now.settings, engine_row(now.settings.engine), brief(now, "images_per_prompt")
    if not flag or not now.footprint.vision or not asked.vision or not row.has("images_counted", asked.release):
        return
    if asked.videos != 0 and now.footprint.sight.videos:
        kept = f'"image": {asked.images}, ' if asked.images is not None else ""
        value = f'{{{kept}"video": 0}}'
        yield Change("pictures", "accept no videos", replace(asked, videos=0), ((flag, value),), True)
    if asked.images is None or asked.images > 1:
        said = '{"image": 1, "video": 0}' if now.footprint.sight.videos else '{"image": 1}'
        changed = replace(asked, images=1, videos=0 if now.footprint.sight.videos else asked.videos)
        yield Change("pictures", "limit requests to one image", changed, ((flag, said),), True)


def _steps(now: Fit) -> Iterator[Change]:
    """Fewer requests at once, then fewer tokens of a step."""
    asked = now.settings
    batch, requests = steps(asked, now.card, now.footprint)
    usual = steps(replace(asked, batch=None, requests=None), now.card, now.footprint)
    if flag := brief(now, "requests"):
        for many in (n for n in REQUESTS if n < requests):
            title, own = f"Run at most {plural(many, 'request')} at once", usual[1] <= many
            yield Change("requests", title, replace(asked, requests=many), ((flag, str(many)),), own, own)
    if flag := brief(now, "batch_tokens"):
        for many in (n for n in BATCHES if requests <= n < batch):
            title, own = f"Compute at most {plural(many, 'token')} at once", usual[0] <= many
            yield Change("batch", title, replace(asked, batch=many), ((flag, str(many)),), own, own)
