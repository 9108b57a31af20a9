"""The reference of commands, from click: what each prints as its help, with every option in a table."""

from __future__ import annotations

import inspect
from collections.abc import Iterator

import click

from doctor.cli import COMMANDS, main
from doctor.cli.help import EXAMPLES
from website.pages.page import Page, block, escaped, table


def pages() -> Iterator[Page]:
    """The list of commands, and a page for each; the commands of a group stand on its page."""
    rows = ((f"[`{name}`]({name}.md)", escaped(text)) for name, text in COMMANDS.items())
    lead = "# Commands\n\nData goes to stdout, progress and logs to stderr.\n\n"
    codes = table(("status", "meaning"), STATUS)
    yield Page(
        "commands/index.md", f"{lead}{table(('command', 'what it does'), rows)}\n## Exit status\n\n{codes}", "Commands"
    )
    with click.Context(main, info_name="qvl-doctor") as context:
        for name in COMMANDS:
            command = main.get_command(context, name)
            if command is None:
                raise ValueError(f"`{name}` is listed and is not a command")
            yield Page(f"commands/{name}.md", "".join(_command(command, context, name, 1)), name)


STATUS = (
    ("0", "nothing at or above `--fail-on`"), ("1", "findings"), ("2", "usage error"), ("3", "doctor could not do its work"),
    ("4", "a command was given, and no server was found in it"),
)  # fmt: skip


def _command(command: click.Command, parent: click.Context, name: str, level: int) -> Iterator[str]:
    with click.Context(command, info_name=name, parent=parent) as context:
        yield f"{'#' * level} {context.command_path}\n\n"
        yield block(" ".join([context.command_path, *command.collect_usage_pieces(context)]), "text") + "\n"
        yield from (_paragraph(text) for text in inspect.cleandoc(command.help or "").replace("\b", "").split("\n\n"))
        rows = [row for option in command.params if (row := _option(option, context)) is not None]
        if rows:
            yield table(("option", "meaning"), rows) + "\n"
        if isinstance(command, click.Group):
            for inner in command.list_commands(context):
                if (found := command.get_command(context, inner)) is not None:
                    yield from _command(found, context, inner, level + 1)


def _paragraph(text: str) -> str:
    """A paragraph of a help; examples are a block of their own."""
    if not text.startswith(EXAMPLES):
        return f"{escaped(' '.join(text.split()))}\n\n"
    lines = text.partition(":")[2] if text.startswith("Example") else text
    return block("\n".join(line.strip() for line in lines.splitlines() if line.strip()), "sh") + "\n"


def _option(option: click.Parameter, context: click.Context) -> tuple[str, str] | None:
    if not isinstance(option, click.Option) or (record := option.get_help_record(context)) is None:
        return None
    return f"`{record[0].replace('|', chr(92) + '|')}`", escaped(record[1])
