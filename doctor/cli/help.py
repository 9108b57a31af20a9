"""The help of the commands: options in groups, examples on lines of their own; and what people write by mistake."""

from __future__ import annotations

import inspect
import sys
from typing import Any

import click

# by parameter; what is in none of them stands under "Options"
GROUPS: dict[str, tuple[str, ...]] = {
    "Environment": ("python", "paths", "python_version", "platform", "requirements", "image", "compose", "env_files",
                    "deployments", "values_files", "service", "root", "facts_file"),
    "Machine": ("gpu", "driver"),
    "Action": ("do", "in_place", "yes", "generations", "to"),
    "Question": ("model", "gateway", "named", "config", "no_config", "select", "ignore", "baseline", "write_baseline",
                 "deep", "all_models", "all_modules", "offline", "no_cache", "find_links", "keep", "prefer",
                 "beside"),
    "Output": ("fail_on", "form", "output", "lang", "verbose", "quiet"),
}  # fmt: skip
# a server's command begins with one of these, or with an engine
STARTERS = ("docker", "podman", "python", "python3", "torchrun", "uv", "uvx", "env", "nohup", "sh", "bash", "srun")
EXAMPLES = ("Example:", "Examples:", " ")  # how a paragraph begins that is a line to copy


class Helped(click.Command):
    """A command whose help is in groups, and that says where `--` belongs."""

    def format_help_text(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """As click does, but examples are whole lines, to be copied."""
        for paragraph in inspect.cleandoc(self.help or "").split("\n\n"):
            formatter.write_paragraph()
            with formatter.indentation():
                if paragraph.startswith(EXAMPLES):
                    formatter.write(f"{'':>{formatter.current_indent}}{paragraph}\n")
                else:
                    formatter.write_text(" ".join(paragraph.split()))

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The options in the groups' order; one list where they are few."""
        options = [p for p in self.get_params(ctx) if isinstance(p, click.Option)]
        records = [(_group(p, len(options)), p.get_help_record(ctx)) for p in options]
        for title in (*GROUPS, "Options"):
            if rows := [record for group, record in records if group == title and record]:
                with formatter.section(title):
                    formatter.write_dl(rows, col_max=26)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """As click does; an option of the server in front of `--` is answered with the place where it belongs."""
        words = list(args)
        try:
            return super().parse_args(ctx, args)
        except click.NoSuchOption as error:
            at = next((n for n, word in enumerate(words) if begins_command(word)), None)
            if "--" in words or at is None or not any(p.name in ("launch", "run") for p in self.params):
                raise
            raise click.UsageError(
                f"`{error.option_name}` is not an option of qvl-doctor. Put `--` before the server's command: "
                f"{' '.join([ctx.command_path, *words[:at], '--', *words[at : at + 2]])} ...", ctx,
            ) from None  # fmt: skip


class HelpedGroup(click.Group):
    """A group of such commands, and one itself."""

    command_class = Helped
    format_help_text = Helped.format_help_text


def begins_command(word: str) -> bool:
    """Whether a word is a program that starts a server, so that the words behind it are a launch command."""
    from doctor.matrix.engines import names_of_engines

    name = word.replace("\\", "/").rpartition("/")[2]
    return name in STARTERS or name in names_of_engines()


def no_such_command(words: list[str], commands: Any) -> str | None:
    """What to write in place of a first word that is no command of ours; None where nobody knows."""
    import difflib

    word = words[0]
    if begins_command(word):
        return f"`{word}` is not a command of qvl-doctor. To check it, write: qvl-doctor check -- {word} ..."
    near = difflib.get_close_matches(word, commands, 1)
    return f"no such command {word!r}; did you mean {near[0]!r}?" if near else None


def _group(option: click.Option, count: int) -> str:
    if count <= 6:
        return "Options"
    return next((title for title, names in GROUPS.items() if option.name in names), "Options")


def model_at(path: str) -> str | None:
    """What is wrong with a model named as a path; None where it exists, or is a name on the hub."""
    from pathlib import Path

    named = path.startswith((".", "/", "~", "\\")) or (path[1:3] in (":\\", ":/") and sys.platform != "win32")
    if not named or Path(path).expanduser().exists():
        return None
    return f"`--model {path}`: no such folder; give a folder that has `config.json`, or a name on the hub"
