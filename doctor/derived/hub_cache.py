"""Where a container keeps what it fetches from the hub, and whether a volume holds that place."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from doctor.derived.container import container_of
from doctor.facts import Facts, Launch
from doctor.facts.launch import HUB_HOME
from doctor.launch.options import model_word, option

NAMES = ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_HOME", "XDG_CACHE_HOME")


def fetched(facts: Facts) -> str | None:
    """The repository of the hub that the launch's container fetches; None where it fetches none."""
    launch, word = facts.launch, model_word(facts)
    if container_of(facts) is None or not isinstance(launch, Launch) or word is None or not _of_hub(word):
        return None
    modelscope = launch.environ.get("VLLM_USE_MODELSCOPE", "").lower() in ("1", "true")
    return None if modelscope else word


def _of_hub(word: str) -> bool:
    """Whether it is the name of a repository: one slash, and no path."""
    return word.count("/") == 1 and not word.startswith(("/", ".", "~", "$")) and not word.endswith(".gguf")


def cache_places(facts: Facts, environ: Mapping[str, str]) -> tuple[str, ...]:
    """The folders that the weights may be kept in, the likeliest first."""
    download_dir = option(facts, "--download-dir")
    told = tuple(p for p in (download_dir, *(environ.get(n) for n in NAMES)) if p)
    return told or (HUB_HOME, "/.cache/huggingface")


def held(volumes: Iterable[str], places: Iterable[str]) -> bool:
    """Whether one of the volumes, as written for `docker run`, holds one of the places."""
    return any(_holds(volume, place) for volume in volumes for place in places)


def _holds(volume: str, place: str) -> bool:
    """Whether `host:inside[:ro]` is the place, a folder above it, or its part of the hub."""
    parts = [p for p in volume.split(":") if p.startswith("/")]
    inside = (parts[-1] if parts else "").rstrip("/")
    return bool(inside) and (f"{place}/".startswith(f"{inside}/") or inside.endswith(place) or inside.startswith(place))
