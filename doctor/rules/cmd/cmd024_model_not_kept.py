"""The container keeps none of its downloads, so every start downloads the model again.

Weights named by a hub repository go to the cache below `HF_HOME` (`~/.cache/huggingface`; in the official images,
`/root/.cache/huggingface`). Without a volume there, they live in the container's own layer and are gone when it is
recreated: tens of gigabytes are downloaded again, the start takes long, and a server behind a restart policy and a
health check may never come up.

What to do: mount a host folder at that path, or mount the model's folder and name it in the command.
"""

from __future__ import annotations

from collections.abc import Iterator

from doctor.derived.case import Case
from doctor.derived.container import container_of, key_in, set_in
from doctor.facts import Launch
from doctor.facts.launch import HUB_HOME
from doctor.findings import Evidence, Location, NotApplicable
from doctor.launch.options import model_word, option
from doctor.rules.rule import Rule, Verdict

NAMES = ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_HOME", "XDG_CACHE_HOME")


def check(rule: Rule, case: Case) -> Iterator[Verdict]:
    """One finding where the model comes from the hub and no volume holds the cache."""
    container, launch = container_of(case.facts), case.facts.launch
    word = model_word(case.facts)
    if container is None or not isinstance(launch, Launch) or word is None or not _of_hub(word):
        yield NotApplicable("no container fetches a model from the hub")
        return
    if launch.environ.get("VLLM_USE_MODELSCOPE", "").lower() in ("1", "true"):
        yield NotApplicable("the model comes from ModelScope")
        return
    places = _places(launch, option(case.facts, "--download-dir"))
    if any(_holds(volume, place) for volume in container.volumes for place in places):
        return
    text = f"- ~/.cache/huggingface:{HUB_HOME}"
    yield rule.finding(
        f"The container fetches `{word}` and keeps it nowhere: no volume holds `{places[0]}`",
        location=Location("argument", key_in(container, "volumes", "--volume", "volumeMounts")),
        evidence=[Evidence("volumes", ", ".join(container.volumes) or "none", places[0], container.how)],
        remediations=[
            set_in(
                container,
                f"volumes: {text}",
                f"-v ~/.cache/huggingface:{HUB_HOME}",
                f"mount a persistent volume at `{HUB_HOME}`",
            )
        ],
    )


def _of_hub(word: str) -> bool:
    """Whether it is the name of a repository: one slash, and no path."""
    return word.count("/") == 1 and not word.startswith(("/", ".", "~", "$")) and not word.endswith(".gguf")


def _places(launch: Launch, download_dir: str | None) -> tuple[str, ...]:
    told = tuple(p for p in (download_dir, *(launch.environ.get(n) for n in NAMES)) if p)
    return told or (HUB_HOME, "/.cache/huggingface")


def _holds(volume: str, place: str) -> bool:
    """Whether `host:inside[:ro]` is the place, a folder above it, or its part of the hub."""
    parts = [p for p in volume.split(":") if p.startswith("/")]
    inside = (parts[-1] if parts else "").rstrip("/")
    return bool(inside) and (f"{place}/".startswith(f"{inside}/") or inside.endswith(place) or inside.startswith(place))


RULE = Rule(code="CMD024", name="model-not-kept", severity="warning", check=check, needs=("launch",))
