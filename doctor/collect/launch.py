"""The launch command, taken apart as far as it can be without knowing the engines."""

from __future__ import annotations

import os
import re

from doctor.collect.files import Files
from doctor.collect.shell import PYTHON, Shell, unwrapped
from doctor.facts import Launch
from doctor.text import redact_argv

_RUNNERS = {"uv": ("run",), "poetry": ("run",), "pipenv": ("run",), "pdm": ("run",)}
_WORDS = 4


def read_launch(argv: tuple[str, ...], environ: dict[str, str] | None = None, cwd: str | None = None) -> Launch:
    """The program or `python -m` module that the command starts, and the words that follow it up to an option."""
    folder = cwd or os.getcwd()
    _, words = unwrapped(Shell(Files(None), environ or dict(os.environ), folder), argv)
    words = _without_runner(words)
    program = re.split(r"[\\/]", words[0])[-1] if words else None
    shown = redact_argv(argv)
    if program is None or not PYTHON.match(program):
        return Launch(shown, program=_bare(program), subcommand=_subcommand(words[1:]), workdir=folder)
    for at, word in enumerate(words[1:], 1):
        if word == "-m" and at + 1 < len(words):
            return Launch(shown, module=words[at + 1], subcommand=_subcommand(words[at + 2 :]), workdir=folder)
        if word.startswith("-m") and len(word) > 2 and not word.startswith("--"):
            return Launch(shown, module=word[2:], subcommand=_subcommand(words[at + 1 :]), workdir=folder)
        if not word.startswith("-"):
            script = re.split(r"[\\/]", word)[-1]
            return Launch(shown, program=_bare(script), subcommand=_subcommand(words[at + 1 :]), workdir=folder)
    return Launch(shown, workdir=folder)


def _without_runner(words: tuple[str, ...]) -> tuple[str, ...]:
    """`uv run -- lmdeploy ...` without its runner; options of the runner that take a value are not told apart."""
    runner = re.split(r"[\\/]", words[0])[-1] if words else ""
    if words[1:2] != _RUNNERS.get(runner, ()):
        return words
    rest = list(words[2:])
    while rest and rest[0].startswith("-"):
        if rest.pop(0) == "--":
            break
    return tuple(rest)


def _bare(program: str | None) -> str | None:
    return program.removesuffix(".exe") if program else None


def _subcommand(words: tuple[str, ...]) -> tuple[str, ...]:
    out = []
    for word in words[:_WORDS]:
        if word.startswith("-"):
            break
        out.append(word)
    return redact_argv(tuple(out))
