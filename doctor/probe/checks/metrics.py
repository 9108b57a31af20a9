"""Are there numbers for Prometheus, and are they those of the server that answered?"""

from __future__ import annotations

from doctor.probe.checks.outcome import Outcome
from doctor.probe.faults import fault, is_html
from doctor.probe.numbers import cache_usage, counting, parsed
from doctor.probe.saying import finding
from doctor.probe.talk import LARGE, Reply, Talk

_REQUEST = "metrics request"


def before(talk: Talk) -> dict[str, float] | None:
    """The numbers before anything is generated, to be compared with those after."""
    reply = _asked(talk)
    return parsed(reply.text) if reply.status == 200 and not is_html(reply) else None


def check(talk: Talk, earlier: dict[str, float] | None, generated: bool) -> Outcome:
    """Asks once more; `generated`: at least one answer came in between."""
    reply = _asked(talk)
    if reply.trouble is not None and (wrong := fault(talk, reply, "metrics", json=False)) is not None:
        return Outcome((wrong,))
    if reply.status in (401, 403):
        return Outcome((), f"the metrics need a key (status {reply.status})", open=True)
    if reply.status != 200:
        return Outcome((finding("SRV200", talk, reply),))
    numbers = None if is_html(reply) else parsed(reply.text)
    if numbers is None:
        return Outcome((finding("SRV201", talk, reply),))
    if (usage := cache_usage(numbers)) is not None:
        talk.figures["kv_cache_usage"] = round(usage, 4)
    if "num_gpu_blocks" in numbers:
        talk.figures["kv_cache_blocks"] = numbers["num_gpu_blocks"]
    counters = counting(numbers)
    if generated and counters and earlier is not None and all(v <= earlier.get(n, 0.0) for n, v in counters.items()):
        name, value = next(iter(counters.items()))
        return Outcome((finding("SRV202", talk, reply, metric=name, value=f"{value:g}"),))
    return Outcome((), f"{len(numbers)} metrics" + ("" if counters else ", none of them counts requests or tokens"))


def _asked(talk: Talk) -> Reply:
    return talk.get(_REQUEST, f"{talk.address.root}/metrics", LARGE, patient=False)
