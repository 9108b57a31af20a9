"""Fixes of several errors are said once, in one sentence, and do not contradict each other."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from doctor.cli import main
from doctor.derived.merged_title import title
from doctor.findings import Action

CASES = [
    ("RTX 4090x2", "--tp 1", ["use `Qwen/Qwen2.5-VL-32B-Instruct-AWQ` with a context of 32,768 tokens on 2 GPUs", "remove `--tp`"]),
    ("RTX 4090x4", "--tp 2 --max-model-len 65536", ["use `--tensor-parallel-size 4` and `--max-model-len 28672`, without `--tp`"]),
]


@pytest.mark.parametrize(("gpu", "options", "wanted"), CASES, ids=range(len(CASES)))
def test_weights_that_do_not_fit_with_an_option_that_is_unknown(tmp_path, gpu: str, options: str, wanted: list[str]) -> None:  # type: ignore[no-untyped-def]
    pins = tmp_path / "r.txt"
    pins.write_text("vllm==0.11.0\n")
    words = ["check", "--offline", "--gpu", gpu, "--driver", "570.86", "--requirements", str(pins), "--python-version", "3.12", "--format", "brief"]
    done = CliRunner().invoke(main, [*words, "--", "vllm", "serve", "Qwen/Qwen2.5-VL-32B-Instruct", *options.split()])
    said = [line.removeprefix("fix: ") for line in done.output.splitlines() if line.startswith("fix: ")]
    assert said[: len(wanted)] == wanted, done.output


def test_actions_in_one_sentence() -> None:
    def option(name: str, value: str | None) -> Action:
        return Action("set_argument", name=name, value=value)

    assert title([option("--a", "1"), option("--b", ""), option("--c", None)]) == "use `--a 1` and `--b`, without `--c`"
    assert title([option("--c", None), option("--d", None)]) == "remove `--c` and `--d`"
    install = Action("install", package="torch", specifier=">=2.8", direction="upgrade")
    assert title([install, option("--a", "1"), option("--b", None)]) == "upgrade torch to >=2.8; use `--a 1`, without `--b`"
