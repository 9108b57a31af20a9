"""One small picture, whose color and shape the answer must name."""

from __future__ import annotations

import random

from doctor.probe.chat import answered
from doctor.probe.checks.outcome import Outcome
from doctor.probe.picture import COLORS, NAMES, PIXELS, data_url, named
from doctor.probe.saying import finding
from doctor.probe.talk import Talk

QUESTION = "Which shape is in the picture, and which color does it have? Reply with the color and the shape."
TOKENS = 128


def check(talk: Talk) -> Outcome:
    """Sends the picture as a data URL; which one it is, is left to chance, so that no guess is right each time."""
    color, shape = talk.options.picture or (random.choice(tuple(COLORS)), random.choice(tuple(NAMES)))
    parts = [
        {"type": "image_url", "image_url": {"url": data_url(color, shape)}},
        {"type": "text", "text": QUESTION},
    ]
    reply = talk.chat("image request", parts, max_tokens=TOKENS)
    said, wrong = answered(talk, reply, "image")
    if said is None:
        return Outcome(tuple(wrong))
    shown = talk.said(said.everything, 60)
    has_color, has_shape = named(said.everything, color, shape)
    facts = {"color": color, "shape": shape, "said": shown, "pixels": PIXELS}
    if has_color and has_shape:
        return Outcome(tuple(wrong), f"`{shown}` for a {color} {shape} in {reply.seconds:.2f} s")
    if not said.text.strip():
        return Outcome(tuple(wrong), f"only reasoning within {TOKENS} tokens", open=True)
    if has_color or has_shape:
        part = "color" if has_color else "shape"
        return Outcome((finding("SRV174", talk, reply, part=part, **facts), *wrong))
    return Outcome((finding("SRV173", talk, reply, **facts), *wrong))
