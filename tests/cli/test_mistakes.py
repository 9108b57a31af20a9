"""What people write by mistake: each is answered in one good sentence, with the way out; and the help that prevents it."""

from __future__ import annotations

from pathlib import Path

import click
import pytest

from doctor.cli import COMMANDS, main
from doctor.cli.check import check
from doctor.cli.help import GROUPS
from doctor.derived.option_findings import OUR_OWN
from tests.cli.running import doctor

PINS = "vllm==0.11.0\ntransformers==4.57.1\ntorch==2.8.0\n"
MODEL = "Qwen/Qwen2.5-VL-3B-Instruct"


@pytest.fixture
def pins(tmp_path: Path) -> Path:
    (tmp_path / "r.txt").write_text(PINS)
    return tmp_path


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("check", "vllm", "serve", MODEL, "--tensor-parallel-size", "2"),
         "`--tensor-parallel-size` is not an option of qvl-doctor. Put `--` before the server's command: "
         "qvl-doctor check -- vllm serve ..."),
        (("fix", "--plan", "python", "-m", "lmdeploy", "--tp", "2"),
         "Put `--` before the server's command: qvl-doctor fix --plan -- python -m ..."),
        (("chekc",), "no such command 'chekc'; did you mean 'check'?"),
        (("vllm", "serve", MODEL), "To check it, write: qvl-doctor check -- vllm ..."),
        (("check", "--model", "./nope"), "`--model ./nope`: no such folder; give a folder that has `config.json`"),
        (("check", "--model", "D:\\models\\nope"), "`--model D:\\models\\nope`: no such folder"),
        (("check", "--gpu", "RTX 3O70"), "`--gpu RTX 3O70` is not a known GPU; did you mean `RTX 3070`"),
        (("check", "--gpu", "My Card"), "give its memory and compute capability: `--gpu 'My Card:24GB:8.9'`"),
        (("check", "--gpu", "My Card:8GB"), "give its memory and compute capability"),
    ],
)  # fmt: skip
def test_usage_errors_name_the_way_out(words: tuple[str, ...], said: str, tmp_path: Path) -> None:
    done = doctor(*words, home=tmp_path)
    assert done.returncode == 2 and said in " ".join(done.stderr.split()), done.stderr
    assert len(done.stderr.splitlines()[-1]) <= 280


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--limit-mm-per-prompt", "{image:3}"), "the shell removed the double quotes: put single quotes around the JSON"),
        (("--limit-mm-per-prompt", "'{\"image\":3}'"), "single quotes reached the server: in `cmd` write double quotes"),
        (("--limit-mm-per-prompt", "“{}”"), "contains a typographic quotation mark instead of a plain one"),
        (("`", "--dtype", "auto"), "``` is only the line continuation of PowerShell"),
        (("^", "--dtype", "auto"), "`^` is only the line continuation of cmd; a Linux shell continues a line after a backslash"),
        (("--download-dir", "D:\\models"), "`D:\\models` is a Windows path, which does not exist where the server runs"),
        (("--driver", "570"), "`--driver` is not an option of vllm 0.11.0: it is one of qvl-doctor, which goes in front of `--`"),
        (("--gpu", "RTX 4090"), "`--gpu` of qvl-doctor goes in front of `--`"),
        (("—dtype", "auto"), "contains an em dash instead of a hyphen"),
    ],
)  # fmt: skip
def test_mistakes_in_the_servers_command_name_the_way_out(words: tuple[str, ...], said: str, pins: Path) -> None:
    done = doctor(
        "check", "--requirements", "r.txt", "--offline", "--quiet", "--", "vllm", "serve", MODEL, *words, home=pins
    )
    full = doctor(
        "check", "--requirements", "r.txt", "--offline", "--", "vllm", "serve", MODEL, *words, home=pins, COLUMNS="100"
    )
    assert done.returncode == 1 and said in " ".join(done.stdout.split()), done.stdout
    assert "  fix  " in full.stdout, full.stdout


@pytest.mark.parametrize("line", [
    f"vllm serve {MODEL} --max-model-len 99999999", f"HF_TOKEN=x vllm serve '{MODEL}' \\\n  --max-model-len 99999999",
    f"nohup vllm serve {MODEL} --max-model-len 99999999 > log 2>&1 &",
])  # fmt: skip
def test_a_command_in_quotes_is_the_command(line: str, pins: Path) -> None:
    where = ("--requirements", "r.txt", "--offline", "--gpu", "A100", "--format", "brief")
    said = doctor("check", *where, "--", line, home=pins)
    assert said.stdout.startswith("✗") and "--max-model-len" in said.stdout, said.stdout + said.stderr
    assert doctor("check", *where, "--", f"vllm serve '{MODEL}", home=pins).returncode == 2
    assert doctor("check", *where, "--", "x" * 300 + " y", home=pins).returncode == 4


def test_options_that_belong_in_front_are_those_of_check() -> None:
    ours = {spelled for p in check.params for spelled in p.opts}
    assert ours >= OUR_OWN


def _commands() -> list[tuple[str, click.Command]]:
    out = list[tuple[str, click.Command]]()
    with click.Context(main, info_name="qvl-doctor") as context:
        for name in COMMANDS:
            command = main.get_command(context, name)
            assert command is not None
            out.append((name, command))
            if isinstance(command, click.Group):
                out += [(f"{name} {inner}", found) for inner, found in command.commands.items() if not found.hidden]
    return out


@pytest.mark.parametrize(("name", "command"), _commands(), ids=[n for n, _ in _commands()])
def test_help_has_an_example_groups_and_defaults(name: str, command: click.Command) -> None:
    with click.Context(main, info_name="qvl-doctor", **main.context_settings) as parent:
        text = command.get_help(click.Context(command, info_name=name, parent=parent))
    assert "Example" in text and "qvl-doctor" in text.partition("Example")[2].splitlines()[0]
    options = [p for p in command.params if isinstance(p, click.Option)]
    assert "RANGE" not in text
    for option in options:
        shown = option.default not in (None, False, ()) and not option.is_flag and not option.multiple
        assert (
            not shown
            or not isinstance(option.default, (str, int, float))
            or f"default: {option.default}" in " ".join(text.split())
        ), option.name
    if name in ("check", "fix"):
        titles = [title for title in (*GROUPS, "Options") if f"\n{title}:\n" in text]
        assert (
            titles[:2] == ["Environment", "Machine"] and titles[-2:] == ["Output", "Options"] and "Question" in titles
        )
        assert text.partition("\nOptions:\n")[2].count("\n  -") <= 2, "an option belongs to no group"
