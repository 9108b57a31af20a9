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
from doctor.derived.hub_cache import cache_places, fetched, held
from doctor.facts import Launch
from doctor.findings import Evidence, Location, NotApplicable
from doctor.rules.rule import Rule, Verdict


def check(rule: Rule, case: Case) -> Iterator[Verdict]:
    """One finding where the model comes from the hub and no volume holds the cache."""
    container, launch, word = container_of(case.facts), case.facts.launch, fetched(case.facts)
    if container is None or not isinstance(launch, Launch) or word is None:
        yield NotApplicable("no container fetches a model from the hub")
        return
    places = cache_places(case.facts, launch.environ)
    if held(container.volumes, places):
        return
    place = places[0]
    yield rule.finding(
        f"The container downloads `{word}` again on every start: no volume is mounted at `{place}`",
        location=Location("argument", key_in(container, "volumes", "--volume", "volumeMounts")),
        evidence=[Evidence("volumes", ", ".join(container.volumes) or "none", place, container.how)],
        remediations=[
            set_in(
                container,
                f"volumes: - ~/.cache/huggingface:{place}",
                f"-v ~/.cache/huggingface:{place}",
                f"mount a persistent volume at `{place}`",
            )
        ],
    )


RULE = Rule(code="CMD024", name="model-not-kept", severity="warning", check=check, needs=("launch",))
