"""A streamed answer: how long until its first token, and how fast after that."""

from __future__ import annotations

from doctor.findings import Finding
from doctor.probe.chat import is_garbage
from doctor.probe.checks.outcome import Outcome
from doctor.probe.faults import fault
from doctor.probe.saying import finding
from doctor.probe.stream import Streamed, read
from doctor.probe.talk import Reply, Talk

QUESTION = "Write the numbers from one to forty in English words."
TOKENS = 64
_HELD_PIECES, _HELD_SECONDS, _HELD_SHARE = 8, 1.0, 0.02


def check(talk: Talk) -> Outcome:
    """Asks for a stream, and times its pieces."""
    streamed = {"stream": True, "stream_options": {"include_usage": True}}
    reply = talk.chat("streaming request", QUESTION, max_tokens=TOKENS, **streamed)
    streams = reply.type == "text/event-stream" or any(p.data.lstrip().startswith(b"data:") for p in reply.pieces[:4])
    if reply.status == 200 and not streams and isinstance(reply.json(), dict) and reply.json().get("choices"):
        return Outcome((finding("SRV191", talk, reply, type=reply.type or "a whole answer"),))
    if not streams and (wrong := fault(talk, reply, "speed")) is not None:
        return Outcome((wrong,))
    stream = read(reply)
    if (wrong := _wrong(talk, reply, stream)) is not None:
        return Outcome((wrong,))
    talk.figures["first_token_seconds"] = round(stream.times[0], 4)
    rate = stream.rate
    if rate is not None:
        talk.figures["tokens_per_second"] = round(rate, 2)
    held = _held_back(talk, reply, stream)
    speed = f"{rate:.1f} tokens/s" if rate is not None and held is None else f"{stream.tokens} tokens, too few to time"
    return Outcome((held,) if held else (), f"first token after {stream.times[0]:.2f} s, {speed}")


def _wrong(talk: Talk, reply: Reply, stream: Streamed) -> Finding | None:
    if stream.error is not None:
        return finding("SRV194", talk, reply, said=talk.said(stream.error))
    if stream.broken is not None and reply.trouble is None:
        return finding("SRV192", talk, reply, said=talk.said(stream.broken, 60))
    if reply.trouble is not None and (reply.trouble.kind != "connection" or not stream.times):
        return fault(talk, reply, "speed")
    if not stream.finished:
        return finding("SRV190", talk, reply, tokens=len(stream.times))
    if not stream.times:
        return finding("SRV160", talk, reply)
    if is_garbage(stream.text):
        return finding("SRV161", talk, reply, said=talk.said(stream.text, 60))
    return None


def _held_back(talk: Talk, reply: Reply, stream: Streamed) -> Finding | None:
    """Many pieces at one moment, long after the question."""
    spread = stream.times[-1] - stream.times[0]
    late = len(stream.times) >= _HELD_PIECES and stream.times[-1] > _HELD_SECONDS
    if not late or spread > _HELD_SHARE * stream.times[-1]:
        return None
    return finding("SRV193", talk, reply, seconds=f"{stream.times[-1]:.1f}")
