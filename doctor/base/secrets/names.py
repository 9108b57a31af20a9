"""Which names announce a secret."""

from __future__ import annotations

import re
from functools import cache

_SECRET_NAME = re.compile(
    r"(?i)(?:^|[_\-.])(?:tokens?|secrets?|passw(?:or)?ds?|passwd|access[_\-]?keys?|credentials?|authorization)"
    r"(?:$|[_\-.])|api[_\-]?key|passw(?:or)?d$"
)
_NOT_SECRET = re.compile(
    r"(?i)tokenizer|max[\w\-]*tokens?|num[\w\-]*tokens?|tokens?[_\-](?:limit|count|per)|batched[_\-]tokens"
)
_ALSO_SECRET = (
    r"(?i)(?:^|[_\-.])(?:pass|passphrase|pwd|auth|bearer|private[_\-]?key|account[_\-]?key|signing[_\-]?key|session[_\-]?(?:id|key|token)"
    r"|client[_\-]?secret|webhook|dsn|sas|secret[_\-]?key|encryption[_\-]?key|license[_\-]?key|master[_\-]?key)$|accountkey$|sharedaccesskey"
)
_MODEL_TOKEN = (
    r"(?i)(?:eos|bos|pad|unk|sep|cls|mask|image|video|audio|vision|stop|start|end|special|next|first|last|prompt|input|output|new"
    r"|generated|cached|total|completion|chunked|draft)[_\-]?tokens?$"
)


def is_secret_name(name: str) -> bool:
    """Whether an environment variable or option of this name holds a secret (`HF_TOKEN`, not `max_tokens`)."""
    return bool(_SECRET_NAME.search(name)) and not _NOT_SECRET.search(name)


def is_secret_key(name: str) -> bool:
    """The same for a name in a text, where more is secret (`pwd=`) and the words of models are not (`eos_token`)."""
    also, model = _inside_texts()
    return (is_secret_name(name) and not model.search(name)) or bool(also.search(name))


@cache
def _inside_texts() -> tuple[re.Pattern[str], re.Pattern[str]]:
    """Compiled when the first text is looked through: a check of an environment does without."""
    return re.compile(_ALSO_SECRET), re.compile(_MODEL_TOKEN)
