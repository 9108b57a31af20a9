"""Is it up? The engine's health route; a gateway's own one, since LiteLLM's `/health` asks every model behind it."""

from __future__ import annotations

from doctor.probe.checks.outcome import Outcome
from doctor.probe.faults import fault, is_html
from doctor.probe.saying import finding
from doctor.probe.talk import Talk

_REQUEST = "health request"
_NO_ROUTE = (404, 405, 501)


def check(talk: Talk) -> Outcome:
    """Asks until the server is ready or patience ends."""
    alive = talk.get(_REQUEST, f"{talk.address.root}/health/liveliness", patient=False)
    if alive.status == 200 and not is_html(alive) and "alive" in alive.text[:200].lower():
        talk.server = "LiteLLM"
        return Outcome((), "the gateway answers at `/health/liveliness`")
    if alive.trouble is not None and (wrong := fault(talk, alive, "health", json=False)) is not None:
        return Outcome((wrong,))
    reply = talk.get(_REQUEST, f"{talk.address.root}/health")
    if reply.status in _NO_ROUTE or (reply.status in (401, 403) and not talk.options.key):
        return Outcome((), f"no health route that may be asked (status {reply.status})", idle=True)
    if (wrong := fault(talk, reply, "health", json=False)) is not None:
        return Outcome((wrong,))
    if is_html(reply):
        return Outcome((), "a web page came, which says nothing of the server", open=True)
    if reply.at_first:
        late = finding("SRV147", talk, reply, status=reply.at_first, seconds=f"{reply.waited:.0f}")
        return Outcome((late,), f"ready after {reply.waited:.0f} s with status {reply.at_first}")
    return Outcome((), f"status {reply.status} after {reply.seconds * 1000:.0f} ms")
