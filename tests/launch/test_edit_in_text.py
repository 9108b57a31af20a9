"""A command changed in a shell text: only its own words change, and never where that is not plain."""

from __future__ import annotations

import pytest

from doctor.base.quoting import joined
from doctor.launch.edit_in_text import in_text

BEFORE = ("vllm", "serve", "M", "--tp", "2", "--max-model-len", "8192")
AFTER = ("vllm", "serve", "M", "--tensor-parallel-size", "2", "--max-model-len", "4096")

EDITED = [
    ("pip install x && vllm serve M --tp 2 --max-model-len 8192", "pip install x && vllm serve M --tensor-parallel-size 2 --max-model-len 4096"),
    ("set -e\n# vllm serve M --tp 2\nexec vllm serve M \\\n  --tp 2 \\\n  --max-model-len 8192\n",
     "set -e\n# vllm serve M --tp 2\nexec vllm serve M \\\n  --tensor-parallel-size 2 \\\n  --max-model-len 4096\n"),
    ("/opt/bin/vllm serve 'M' --tp \"2\" --max-model-len '8192' 2>&1 | tee log", "/opt/bin/vllm serve 'M' --tensor-parallel-size \"2\" --max-model-len 4096 2>&1 | tee log"),
    ("vllm serve $MODEL --tp 2 --max-model-len 8192; echo done", "vllm serve $MODEL --tensor-parallel-size 2 --max-model-len 4096; echo done"),
    ("(vllm serve M --tp 2 --max-model-len 8192 &) ; wait", "(vllm serve M --tensor-parallel-size 2 --max-model-len 4096 &) ; wait"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "wanted"), EDITED, ids=range(len(EDITED)))
def test_the_words_that_change_are_replaced(text: str, wanted: str) -> None:
    assert in_text(text, BEFORE, AFTER, joined) == wanted


@pytest.mark.parametrize("text", [
    "vllm serve M --tp $TP --max-model-len 8192", "vllm serve M --tp 2 --max-model-len $LEN",  # computed
    "vllm serve M --tp 2 --max-model-len 8192 || vllm serve M --tp 2 --max-model-len 8192",  # which of the two
    "bash serve.sh", "", "vllm serve", "x" * 100_000,
])  # fmt: skip
def test_what_is_not_plain_stays(text: str) -> None:
    assert in_text(text, BEFORE, ("vllm", "serve", "M", "--tensor-parallel-size", "1", "--max-model-len", "4096"), joined) is None


def test_words_that_come_and_go() -> None:
    text = "a; vllm serve M \\\n  --tp 2 \\\n  --max-model-len 8192 \\\n  && b"
    assert in_text(text, BEFORE, BEFORE[:3] + BEFORE[5:], joined) == "a; vllm serve M \\\n  --max-model-len 8192 \\\n  && b"
    assert in_text(text, BEFORE, (*BEFORE, "--hf-overrides", '{"a": 1}'), joined) == (
        "a; vllm serve M \\\n  --tp 2 \\\n  --max-model-len 8192 --hf-overrides '{\"a\": 1}' \\\n  && b"
    )


def test_a_secret_stays_as_it_is_written() -> None:
    before, after = ("vllm", "serve", "M", "--api-key", "***", "--tpp", "2"), ("vllm", "serve", "M", "--api-key", "***", "--tp", "2")
    assert in_text('vllm serve M --api-key "$KEY" --tpp 2', before, after, joined) == 'vllm serve M --api-key "$KEY" --tp 2'
