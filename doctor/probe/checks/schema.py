"""One request with a JSON schema. Its keys stand nowhere in the question, so that only the schema can bring them."""

from __future__ import annotations

import json
from typing import Any

from doctor.probe.chat import answered
from doctor.probe.checks.outcome import Outcome
from doctor.probe.saying import finding
from doctor.probe.talk import Talk

QUESTION = "Three green apples lie on a table. Describe the apples in JSON."
COLORS = ("red", "green", "blue")
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "hue": {"type": "string", "enum": list(COLORS)},
        "pieces": {"type": "integer"},
    },
    "required": ["hue", "pieces"],
    "additionalProperties": False,
}
TOKENS = 128


def check(talk: Talk) -> Outcome:
    """Asks, and compares the answer with the schema."""
    wanted = {"type": "json_schema", "json_schema": {"name": "apples", "schema": SCHEMA, "strict": True}}
    reply = talk.chat("JSON schema request", QUESTION, max_tokens=TOKENS, response_format=wanted)
    said, wrong = answered(talk, reply, "schema")
    if said is None:
        return Outcome(tuple(wrong))
    shown = talk.said(said.everything, 80)
    why = violation(said.text)
    if why is None:
        return Outcome(tuple(wrong), f"`{shown}` in {reply.seconds:.2f} s")
    if said.finish == "length" and (not said.text.strip() or said.text.lstrip().startswith("{")):
        return Outcome((finding("SRV183", talk, reply, tokens=said.tokens or TOKENS), *wrong))
    if why == "":
        return Outcome((finding("SRV181", talk, reply, said=shown), *wrong))
    return Outcome((finding("SRV182", talk, reply, why=why), *wrong))


def violation(text: str) -> str | None:
    """What is wrong with an answer under the schema; empty for one that is not JSON, None for a valid one."""
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        return ""
    if not isinstance(data, dict):
        return "it is not an object"
    missing, more = [k for k in SCHEMA["required"] if k not in data], [k for k in data if k not in SCHEMA["properties"]]
    if missing:
        return f"`{missing[0]}` is missing"
    if more:
        return f"it has a key that the schema does not allow: `{more[0][:40]}`"
    if data["hue"] not in COLORS:
        return "`hue` is not one of its values"
    whole = isinstance(data["pieces"], int) and not isinstance(data["pieces"], bool)
    return None if whole else "`pieces` is not an integer"
