"""Texts that nobody wrote: the reader neither raises nor hangs."""

from __future__ import annotations

import random
import time

import pytest

from doctor.launch.shell_text import Setting, ways
from tests.launch.shell_text.cases import SCRIPTS

pytestmark = pytest.mark.alone

PIECES = (
    '"', "'", "$", "(", ")", "{", "}", ";", "\n", "`", "\\", "&", "|", "<", ">", "[", "]", "*", "#", "$A", "$((", "${", "<<E\n",
    "if ", "do ", "done ", "case x in ", "esac ", "while true; do ", 'eval "$0"\n', "f(){ f; f; }; f\n", "X=$X$X$X$X;",
    "A+=(\"${A[@]}\" \"${A[@]}\" x)\n", "${X//a/bb}", "((i++))", "$(", "[[ ", " ]]", "@(", "{1..99}", "{a,b}", "~", "=~ ",
)  # fmt: skip
BOMBS = {
    "substitutions": "vllm " + "$(" * 5000, "defaults": "vllm " + "${A:-" * 3000, "arrays": "A=(" * 4000,
    "parentheses": "((((" * 10000, "arithmetic": "vllm $((" + "(" * 5000, "sum": "vllm $((" + "1+" * 5000 + "1))",
    "unary": "vllm $((" + "-" * 3000 + "1))", "power": "vllm $((9**9**9**9))", "quotes": '"$' * 30000,
    "braces": "vllm " + "{a,b}" * 60, "nested braces": "vllm " + "{a," * 3000, "doubling": "X=aaaaaaaa\n" + "X=$X$X\n" * 60,
    "array doubling": "A=(a)\n" + 'A+=("${A[@]}")\n' * 60, "functions": "f() { f; f; }; f", "two": "a() { b; b; }; b() { a; a; }; a",
    "eval": "X='eval \"$X\"; eval \"$X\"'; eval \"$X\"", "forks": "curl a && b=$b1 || c=$c1\n" * 2000,
    "loops": "for a in {1..99}; do for b in {1..99}; do for c in {1..99}; do curl && x=$x$a; done; done; done",
    "endless": "while true; do i=$((i+1)); done", "case": "case $A in " + "a) b=$b1;; " * 3000 + "esac",
    "pattern": f"X={'a' * 4000}; vllm ${{X##*a*a*a*a*a*b}} ${{X//a*a*a*b/}}",
    "expression": f"[[ {'a' * 400} =~ (a*)*(a*)*b ]] && vllm; [[ {'a' * 400} =~ a*a*a*a*a*b ]]",
    "grep": f"echo {'a' * 300} | grep -E 'a*a*a*a*b' && vllm; echo {'a' * 300} | sed 's/a*a*a*a*b/c/'",
    "here": "cat <<A\n" * 3000, "ifs": "if a; then " * 5000, "not": "! " * 20000, "pipes": "a | " * 10000 + "a",
    "groups": "{ " * 10000, "conditions": "[[ " + "! " * 5000 + "a ]]", "brackets": "[ " + "! " * 20000 + "a ]",
    "words": "vllm " + "a " * 30000, "assignments": "x=1 " * 20000, "long": "vllm a\n" * 9000, "ref": "a=b; b=a; vllm $((a)) ${!a}",
    "extended": "vllm @(" * 3000, "backticks": "`" * 3001, "exports": "export $(cat f | xargs)\n" * 3000,
}  # fmt: skip


def read_soon(text: str, seconds: float = 2.0) -> None:
    began = time.process_time()
    files = {"/w/f": "A=1\n" * 9000}
    assert ways(text, Setting({"PATH": "/bin"}, "/w", ("-a", "b"), "/w", read=files.get))
    assert time.process_time() - began < seconds


@pytest.mark.parametrize("name", BOMBS)
def test_bombs(name: str) -> None:
    read_soon(BOMBS[name][: 1 << 17])


@pytest.mark.parametrize("seed", range(8))
def test_scripts_that_were_broken(seed: int) -> None:
    chance = random.Random(seed)
    for _ in range(60):
        text = list("\n".join(chance.choice(SCRIPTS).text for _ in range(chance.choice((1, 2, 6)))))
        for _ in range(chance.choice((1, 3, 12))):
            at = chance.randrange(len(text))
            if chance.random() < 0.5:
                del text[at : at + chance.choice((1, 5))]
            text.insert(at, chance.choice(PIECES))
        read_soon("".join(text))


@pytest.mark.parametrize("seed", range(4))
def test_noise(seed: int) -> None:
    chance = random.Random(seed)
    for _ in range(100):
        read_soon("".join(chance.choice(PIECES) for _ in range(chance.choice((5, 40, 400)))))
        read_soon(chance.randbytes(chance.choice((20, 500))).decode("latin-1"))
