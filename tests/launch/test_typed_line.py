"""One text as words or as a script: the Python API and the configuration decide alike."""

from __future__ import annotations

import pytest

from doctor.launch.typed_line import argv_of


@pytest.mark.parametrize(("text", "words"), [
    ("vllm serve M --tp 2", ("vllm", "serve", "M", "--tp", "2")),
    ("vllm serve M --limit-mm-per-prompt '{\"image\": 4}'", ("vllm", "serve", "M", "--limit-mm-per-prompt", '{"image": 4}')),
    ('vllm serve "a b" --x \\$HOME', ("vllm", "serve", "a b", "--x", "$HOME")),
    ("  vllm serve 'a|b;c&d' \n", ("vllm", "serve", "a|b;c&d")),
])  # fmt: skip
def test_words_alone_are_split(text: str, words: tuple[str, ...]) -> None:
    assert argv_of(text) == words


@pytest.mark.parametrize("text", [
    "A=1 vllm serve M", "vllm serve $MODEL", 'vllm serve "$MODEL"', "a && vllm serve M", "vllm serve M | tee log", "vllm serve M\necho b",
    "vllm serve M \\\n --tp 2", "vllm serve ~/models/*", "vllm serve `cat m`", "vllm serve M # note", "(vllm serve M)", "vllm serve {a,b}",
])  # fmt: skip
def test_more_than_words_is_a_script(text: str) -> None:
    assert argv_of(text) == ("bash", "-c", text)


def test_an_open_quote_is_an_error() -> None:
    with pytest.raises(ValueError, match="closing quotation"):
        argv_of("vllm serve 'a")
