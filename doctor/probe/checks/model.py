"""Which model is served, and under which name."""

from __future__ import annotations

import dataclasses
from typing import Any

from doctor.base.text import one_line
from doctor.findings import Finding
from doctor.matrix.engines import names_of_engines
from doctor.probe.checks.outcome import Outcome
from doctor.probe.faults import fault, oddities
from doctor.probe.saying import finding
from doctor.probe.talk import LARGE, Reply, Talk

ANY = "default"  # the name that is asked where none is known: some servers answer to every name
_MOST = 1000
_FRAMEWORKS = ("uvicorn", "hypercorn", "gunicorn")  # these do not say who answers


def check(talk: Talk) -> Outcome:
    """Reads `/v1/models`; the model that is asked from now on is the wanted one, else the first that is listed."""
    reply = talk.get("list of models", f"{talk.address.api}/models", LARGE)
    if (wrong := fault(talk, reply, "model")) is not None:
        return Outcome((_without_key(talk, reply, wrong),))
    odd = oddities(talk, reply)
    rows = _rows(reply.json())
    talk.served = tuple(one_line(r["id"], 200) for r in rows)
    talk.server = talk.server or _server(rows, reply.headers.get("server", ""))
    if not talk.served:
        return Outcome((_unlisted(talk, reply), *odd))
    if talk.model is None:
        talk.model = next((m for m in talk.served if "*" not in m), None)
        if talk.model is None:
            return Outcome(tuple(odd), "only patterns are listed; name a model with `--model`", open=True)
    elif talk.model not in talk.served:
        return Outcome(tuple(odd), f"`{talk.model}` is not listed; served: {_some(talk.served)}", open=True)
    return Outcome(tuple(odd), talk.model + _context(rows, talk.model) + _others(talk))


def _without_key(talk: Talk, reply: Reply, wrong: Finding) -> Finding:
    """LiteLLM without its database package fails with 500 while it refuses a request without a key."""
    if talk.server == "LiteLLM" and reply.status == 500 and not talk.options.key:
        return dataclasses.replace(finding("SRV120", talk, reply), confidence="medium")
    return wrong


def _unlisted(talk: Talk, reply: Reply) -> Finding:
    """Nothing is listed: an error, unless the wanted name, or any name at all, gets an answer."""
    wrong = finding("SRV151", talk, reply)
    named, talk.model = talk.model, talk.model or ANY
    if named is None and fault(talk, talk.chat("text request", "Hello", max_tokens=1), "text") is not None:
        talk.model = None
        return wrong
    return dataclasses.replace(wrong, severity="warning")


def _rows(data: Any) -> list[dict[str, Any]]:
    rows = data.get("data", data.get("models")) if isinstance(data, dict) else None
    return [r for r in rows[:_MOST] if isinstance(r, dict) and isinstance(r.get("id"), str) and r["id"]] if isinstance(
        rows, list) else []  # fmt: skip


def _server(rows: list[dict[str, Any]], header: str) -> str:
    """The engine, from the owner that it gives its model; else what the web server calls itself."""
    owners = {str(r.get("owned_by", "")).lower() for r in rows[:20]}
    engine = next((n for n in (*names_of_engines(), "llamacpp") if n in owners), None)
    return engine or ("" if header.lower() in _FRAMEWORKS else one_line(header, 40))


def _context(rows: list[dict[str, Any]], model: str) -> str:
    length = next((r.get("max_model_len") for r in rows if r["id"] == model), None)
    return f" (context {length:,} tokens)" if isinstance(length, int) and 0 < length < 1 << 40 else ""


def _others(talk: Talk) -> str:
    left = [m for m in talk.served if m != talk.model]
    return f"; also served: {_some(tuple(left))}" if left else ""


def _some(names: tuple[str, ...], most: int = 4) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(f"`{n}`" for n in names[:most]) + more
