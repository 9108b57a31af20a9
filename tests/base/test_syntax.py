"""The one parser: whatever a source file holds, the answer is a tree or one named error, never the process's end."""

from __future__ import annotations

import ast
import gc
import subprocess
import sys
from pathlib import Path

import pytest

from doctor.base.stack import stack_left, with_stack
from doctor.base.syntax import LARGEST, Unparsable, expression, literal, parse

CHAIN = 150_000  # levels, in two characters each
CHAINS = {
    "attributes": "x = a" + ".b" * CHAIN,
    "calls": "x = a" + "()" * CHAIN,
    "sums": "x = a" + "+b" * CHAIN,
    "over lines": "x = (a\n" + ".b\n" * CHAIN + ")",
    "a pattern": "match a:\n case a" + ".b" * CHAIN + ": 0\n",
    "signs": "x = " + "-" * CHAIN + "a",
    "lambdas": "x = " + "lambda:" * CHAIN + "a",
    "conditions": "x = " + "a if b else " * CHAIN + "c",
    "branches": "if a: 0\n" + "elif a: 0\n" * CHAIN,
    "brackets": "x = " + "[" * CHAIN + "]" * CHAIN,
}
ROOT = Path(__file__).parents[2]
METADATA = "Metadata-Version: 2.1\nName: transformers\nVersion: 4.45.0\n"


@pytest.mark.parametrize("name", CHAINS)
def test_text_without_end_is_an_error(name: str) -> None:
    with pytest.raises(Unparsable) as error:
        parse(CHAINS[name])
    assert str(error.value)


@pytest.mark.parametrize("kib", [512, 1024, 8192])
def test_a_small_stack_of_the_process_is_enough(tmp_path: Path, kib: int) -> None:
    """Every chain, in the main thread, with the stack that `ulimit -s` leaves; and a tree that is deep but allowed."""
    script = tmp_path / "each.py"
    script.write_text(
        "from doctor.base.syntax import Unparsable, parse\n"
        "from tests.base.test_syntax import CHAINS\n"
        "for text in CHAINS.values():\n"
        "    try:\n        parse(text)\n    except Unparsable:\n        print('error')\n"
        "print(len(parse('x = a' + '.b' * 900 + '\\ny = [' + '1, ' * 100_000 + ']').body))\n"
    )
    done = _limited(kib, [sys.executable, str(script)])
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.split() == ["error"] * len(CHAINS) + ["2"]


def test_a_check_of_an_environment_with_such_files_ends_with_an_answer(tmp_path: Path) -> None:
    package = tmp_path / "transformers"
    package.mkdir()
    (tmp_path / "transformers-4.45.0.dist-info").mkdir()
    (tmp_path / "transformers-4.45.0.dist-info" / "METADATA").write_text(METADATA)
    (package / "__init__.py").write_text(CHAINS["attributes"])
    (package / "version.py").write_text("# 4.45.0+\nx = a" + ".b" * 15_000)
    (package / "dependency_versions_check.py").write_text(CHAINS["sums"])
    (package / "dependency_versions_table.py").write_text(CHAINS["calls"])
    (tmp_path / "__editable___x_finder.py").write_text(CHAINS["attributes"])
    (tmp_path / "__editable__.x.pth").write_text("import __editable___x_finder; __editable___x_finder.install()\n")
    words = ["check", "--path", str(tmp_path), "--offline", "--format", "json", "--", "vllm", "serve", "x"]
    done = _limited(1024, [sys.executable, "-m", "doctor", *words])
    assert done.returncode in (0, 1), done.stderr[-2000:]
    assert done.stdout.startswith("{")


def _limited(kib: int, words: list[str]) -> subprocess.CompletedProcess[str]:
    if sys.platform != "linux":
        pytest.skip("ulimit -s is that of Linux here")
    return subprocess.run(
        ["sh", "-c", f'ulimit -s {kib}; exec "$@"', "sh", *words],
        cwd=ROOT, env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"}, capture_output=True, text=True, timeout=120,
    )  # fmt: skip


def test_a_syntax_error_has_its_line_and_nul_bytes_are_an_error() -> None:
    with pytest.raises(Unparsable) as error:
        parse("a = 1\nb = = 2\n")
    assert (error.value.reason, error.value.line) == ("syntax", 2) and "\n" not in str(error.value)
    with pytest.raises(Unparsable):
        parse("a = '\0'")


def test_more_than_is_read_is_given_up() -> None:
    with pytest.raises(Unparsable) as error:
        parse(b"#" * (LARGEST + 1))
    assert error.value.reason == "bounds"


def test_a_grammar_older_than_ours() -> None:
    with pytest.raises(Unparsable):
        parse("match a:\n  case 1: pass\n", (3, 9))
    assert isinstance(parse("match a:\n  case 1: pass\n").body[0], ast.Match)


def test_bytes_say_their_own_encoding() -> None:
    (statement,) = parse("# coding: latin-1\nx = 'é'".encode("latin-1")).body
    assert isinstance(statement, ast.Assign) and ast.literal_eval(statement.value) == "é"
    with pytest.raises(Unparsable):
        parse(b"# coding: nothing-known\n")


@pytest.mark.parametrize(
    "text", ["{[1]: 2}", "a", "f()", "1 +", "-" * 5_000 + "1", "[" * 300, "9" * 5_000 + "j" * 2, ""]
)
def test_what_is_no_literal_is_an_error(text: str) -> None:
    with pytest.raises(Unparsable):
        literal(text)


def test_literals_and_expressions() -> None:
    assert literal(" {'a': (1, -2)}") == {"a": (1, -2)}
    assert literal(expression("[None]")) == [None]


def test_collecting_is_as_it_was() -> None:
    assert gc.isenabled()
    parse("a")
    assert gc.isenabled()


def test_a_stack_of_ones_own() -> None:
    def deep(levels: int) -> int:
        return 0 if levels == 0 else 1 + deep(levels - 1)

    assert with_stack(lambda: deep(20_000), 128 << 20, 30_000) == 20_000
    assert with_stack(stack_left, 64 << 20) == 4 << 20
    assert with_stack(lambda: with_stack(stack_left, 16 << 20), 64 << 20) == 1 << 20
    with pytest.raises(ZeroDivisionError):
        with_stack(lambda: 1 // 0, 1 << 20)


@pytest.mark.parametrize(
    "text", ["import " + "a." * 40_000 + "b", "from " + "a." * 40_000 + "b import c", "import " + "a .\\\n " * 5_000 + "b"]
)
def test_a_dotted_name_without_end_takes_no_memory(text: str) -> None:
    with pytest.raises(Unparsable, match="imports a name") as error:
        parse(text)
    assert error.value.reason == "bounds"


def test_long_lines_and_joined_lines_are_no_names() -> None:
    assert len(parse("import a\nx = '" + "a." * 20_000 + "'\n" + "y = 1" + " + \\\n 1" * 500).body) == 3


SHORTER = 40_000
OTHERS = {
    "nots": "x = " + "not " * SHORTER + "a",
    "f-strings": "x = " + "f'{" * 150 + "a" + "}'" * 150,
    "decorators": "@a\n" * SHORTER + "def f(): pass\n",
    "decorators of chains": "@a" + ".b" * SHORTER + "\ndef f(): pass\n",
    "comparisons": "x = a" + "<b" * SHORTER,
    "powers": "x = a" + "**b" * SHORTER,
    "subscripts": "x = a" + "[0]" * SHORTER,
    "assignments": "a=" * SHORTER + "0",
    "annotations": "x: a" + "|b" * SHORTER + " = 0",
    "awaits": "async def f():\n " + "await " * SHORTER + "a",
    "stars": "f(" + "*" * SHORTER + "a)",
    "comprehensions": "x = [a " + "for a in b " * SHORTER + "]",
    "withs": "with a" + ", a" * SHORTER + ": pass",
    "tries": "".join(" " * n + "try:\n" for n in range(90)),
    "strings": "x = " + "'a' " * SHORTER,
    "types": "def f(a: " + "b[" * SHORTER + "]" * SHORTER + "): pass",
}


def test_no_text_of_other_kinds_ends_the_process() -> None:
    """Each is a tree or an error; on Python 3.10 some of these ended the process with the stack that it has."""
    script = (
        "import resource; resource.setrlimit(resource.RLIMIT_AS, (3 << 30, 3 << 30))\n"
        "from doctor.base.syntax import Unparsable, parse\n"
        "from tests.base.test_syntax import OTHERS\n"
        "for text in OTHERS.values():\n"
        "    try:\n        parse(text)\n    except Unparsable:\n        pass\n"
        "peak = next(line for line in open('/proc/self/status') if line.startswith('VmHWM'))\n"  # rusage has the parent's
        "print('alive', int(peak.split()[1]) >> 10)\n"
    )
    done = _limited(8192, [sys.executable, "-c", script])
    assert done.stdout.startswith("alive"), done.stderr[-2000:]
    assert int(done.stdout.split()[1]) < 500
