"""Words for a shell: what comes back is the word, and what is printed can be seen."""

from __future__ import annotations

import subprocess

import pytest
import yaml

from doctor.base.quoting import joined, quoted
from doctor.base.text import UNSEEN
from doctor.report.plan.dumped import dumped

WORDS = ["", "a", "a b", "it's", "$(x)", "a\nb\n", "\u202eb", "a\u202e\u2066 c\u200b", "x\x1b[31m", "\r", "'\u202e'", "%s\\n\u202e", "名前"]


@pytest.mark.parametrize("word", WORDS)
def test_a_shell_reads_the_word_again(word: str) -> None:
    line = quoted(word)
    assert not UNSEEN.search(line)
    done = subprocess.run(["sh", "-c", f"printf '[%s]' {line}"], capture_output=True, check=True)
    assert done.stdout.decode() == f"[{word}]"


def test_a_line_of_words() -> None:
    assert joined(["vllm", "serve", "a b"]) == "vllm serve 'a b'"


@pytest.mark.parametrize("word", WORDS)
def test_a_compose_file_holds_the_word_and_shows_it(word: str) -> None:
    text = dumped({"services": {"server": {"command": [word], "environment": {word: "x"}}}})
    assert not UNSEEN.search(text)
    assert yaml.safe_load(text)["services"]["server"] == {"command": [word], "environment": {word: "x"}}
