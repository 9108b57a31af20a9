"""One short question, whose answer is known."""

from __future__ import annotations

from doctor.base.late import late_pattern
from doctor.probe.chat import answered
from doctor.probe.checks.outcome import Outcome
from doctor.probe.saying import finding
from doctor.probe.talk import Talk

QUESTION = "What is 2 + 3? Reply with the number only."
_RIGHT = late_pattern(r"(?i)(?<!\d)5(?!\d)|\bfive\b|五")
TOKENS = 64


def check(talk: Talk) -> Outcome:
    """Asks; a model that is not known under the wanted name is replaced by a listed one for the checks that follow."""
    reply = talk.chat("text request", QUESTION, max_tokens=TOKENS)
    said, wrong = answered(talk, reply, "text")
    if said is None:
        if wrong[0].rule == "SRV150" and talk.served and talk.model not in talk.served:
            talk.model = talk.served[0]
        elif wrong[0].rule == "SRV150" and talk.served:  # the next request would be refused just so
            talk.mute = f"{wrong[0].rule} ({wrong[0].name})"
        return Outcome(tuple(wrong))
    talk.figures["text_seconds"] = round(reply.seconds, 3)
    shown = talk.said(said.everything, 60)
    if not said.text.strip():
        return Outcome(tuple(wrong), f"only reasoning within {TOKENS} tokens, in {reply.seconds:.2f} s")
    if not _RIGHT.search(said.text):
        return Outcome((finding("SRV162", talk, reply, said=shown, question=QUESTION), *wrong))
    return Outcome(tuple(wrong), f"`{shown}` in {reply.seconds:.2f} s")
