"""What a chat answer says: its text, its reasoning, why it ended; and whether it is text at all."""

from __future__ import annotations

import zlib
from collections import Counter
from typing import Any

from doctor.base.record import dataclass
from doctor.findings import Finding
from doctor.probe.faults import fault, oddities
from doctor.probe.saying import finding
from doctor.probe.talk import Reply, Talk

LOOP = 160  # bytes of an answer in which a run of signs that comes back is more than chance
_FEWEST = 4  # characters that one sign over and over has to have to be garbage
_REASONING = ("reasoning_content", "reasoning")


@dataclass(frozen=True, slots=True)
class Said:
    """One message: `text` is what the user sees, `reasoning` what came before it, `tokens` those that were made."""

    text: str
    reasoning: str = ""
    finish: str | None = None
    tokens: int | None = None

    @property
    def everything(self) -> str:
        """The text, or what the model thought where it came no further."""
        return self.text if self.text.strip() else self.reasoning


def read(reply: Reply) -> Said | None:
    """The first choice of an answer; None where there is none."""
    data = reply.json()
    try:
        choice = data["choices"][0]
        message = choice["message"]
        finish, tokens = _text(choice.get("finish_reason")) or None, tokens_of(data.get("usage"))
        text, thought = _without_thinking(content_of(message))
        return Said(text, reasoning_of(message) or thought, finish, tokens)
    except (KeyError, IndexError, TypeError, AttributeError):
        return None


def _without_thinking(text: str) -> tuple[str, str]:
    """The answer and what was thought before it, where the server leaves both in one text."""
    start, _, rest = text.partition("<think>")
    if start.strip() or not rest:
        return text, ""
    thought, _, answer = rest.partition("</think>")
    return answer, thought


def content_of(message: Any) -> str:
    """The text of a message or of a piece of one, which some servers give as a list of parts."""
    content = message.get("content")
    if isinstance(content, list):
        return "".join(_text(p.get("text")) for p in content if isinstance(p, dict))
    return _text(content)


def reasoning_of(message: Any) -> str:
    """What a reasoning model thought, where the server keeps it apart."""
    return next((t for name in _REASONING if (t := _text(message.get(name)))), "")


def tokens_of(usage: Any) -> int | None:
    """The tokens that were generated, as the server counts them."""
    made = usage.get("completion_tokens") if isinstance(usage, dict) else None
    return made if isinstance(made, int) and not isinstance(made, bool) and 0 <= made < 1 << 31 else None


def answered(talk: Talk, reply: Reply, check: str) -> tuple[Said | None, list[Finding]]:
    """What was said, None where that is no text, and what is wrong with the answer apart from what it says."""
    if (wrong := fault(talk, reply, check)) is not None:
        return None, [wrong]
    odd = oddities(talk, reply)
    said = read(reply)
    if said is None:
        return None, [finding("SRV133", talk, reply), *odd]
    if not said.everything.strip():
        finish = f" (finish reason `{talk.said(said.finish, 40)}`)" if said.finish else ""
        return None, [finding("SRV160", talk, reply, finish=finish), *odd]
    if is_garbage(said.everything):
        return None, [finding("SRV161", talk, reply, said=talk.said(said.everything, 60)), *odd]
    return said, odd


def is_garbage(text: str) -> bool:
    """One sign, one word or one run of signs over and over, or bytes that are no text."""
    signs = "".join(text.split())
    if len(signs) < _FEWEST:
        return False
    (_, most), *_ = Counter(signs).most_common(1)
    words = text.split()
    repeated = len(words) >= 8 and len(set(words)) == 1
    data = signs.encode("utf-8", "replace")
    loops = len(data) >= LOOP and len(zlib.compress(data)) < 0.15 * len(data)
    return most >= 0.8 * len(signs) or repeated or loops or signs.count("\ufffd") > 0.3 * len(signs)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
