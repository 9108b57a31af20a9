"""Messages that are damaged, mixed and nested never make explain fail, whatever the refiners are given."""

from __future__ import annotations

import io
import random

from doctor.explain import explain_log
from doctor.explain.catalog import stubs
from doctor.report.json import log_to_json
from doctor.report.log import log_text

EXAMPLES = [s.load().example for s in stubs()]
PARTS = [
    "'",
    '"',
    "`",
    "(",
    ")",
    "[",
    "]",
    "\n",
    "9" * 40,
    "²",
    "٣",
    "\0",
    "{name}",
    "%s",
    "../" * 9,
    "\x1b[31m",
    ":",
    "==",
    "-",
]


def damaged(text: str, dice: random.Random) -> str:
    """`text` with up to four places cut, doubled or filled with something else."""
    for _ in range(dice.randint(1, 4)):
        at, end = sorted((dice.randrange(len(text) + 1), dice.randrange(len(text) + 1)))
        text = dice.choice((text[:at] + text[end:], text[:end] + text[at:], text[:at] + dice.choice(PARTS) + text[at:]))
    return text


def test_damaged_messages() -> None:
    dice = random.Random(7)
    for example in EXAMPLES * 2:
        error = damaged(example, dice)
        file = dice.choice(("transformers/models/auto/configuration_auto.py", "vllm/rotary.py", "lmdeploy/lite/a.py"))
        log = f'Traceback (most recent call last):\n  File "/e/site-packages/{file}", line 3, in f\n    go()\n{error}\n'
        found = explain_log(io.BytesIO((log + damaged(dice.choice(EXAMPLES), dice)).encode("utf-8", "replace")))
        text = log_text(found) + str(log_to_json(found, {}))
        assert found and "\x1b" not in text and "\0" not in text
