"""`qvl-doctor man`: the manual page, made from the commands' own help."""

from __future__ import annotations

from collections.abc import Iterator

import click

from doctor.cli.help import Helped


@click.command(cls=Helped)
@click.option("--output", metavar="FILE", help="write to FILE instead of stdout")
def man(output: str | None) -> None:
    """Prints the manual page.

    Example:  qvl-doctor man --output qvl-doctor.1 && man ./qvl-doctor.1
    """
    from doctor.cli.answer.output import write

    write("".join(f"{line}\n" for line in page()), output)


def page() -> Iterator[str]:
    """The page in the language of `man`, line by line."""
    from doctor import __version__

    main = click.get_current_context().find_root().command
    yield f'.TH QVL\\-DOCTOR 1 "" "qvl\\-doctor {_roff(__version__)}"'
    yield from (".SH NAME", "qvl\\-doctor \\- checks whether a vision\\-language model server will start here")
    yield from (".SH SYNOPSIS", ".B qvl\\-doctor", ".I COMMAND", "[ARGS]...", ".SH DESCRIPTION")
    yield from _paragraphs(main.help or "")
    yield ".SH COMMANDS"
    with click.Context(main, info_name="qvl-doctor") as context:
        group = main if isinstance(main, click.Group) else click.Group()
        for name in group.list_commands(context):
            command = group.get_command(context, name)
            if command is not None:
                yield from _command(command, name, context)
    yield ".SH EXIT STATUS"
    yield "0 nothing found, 1 findings, 2 usage error, 3 doctor failed, 4 no server command found."


def _command(command: click.Command, name: str, parent: click.Context) -> Iterator[str]:
    with click.Context(command, info_name=name, parent=parent) as context:
        yield f".SS {_roff(' '.join([name, *command.collect_usage_pieces(context)]))}"
        yield from _paragraphs(command.help or "")
        for option in command.params:
            if isinstance(option, click.Option) and (record := option.get_help_record(context)) is not None:
                yield from (".TP", f".B {_roff(record[0])}", _roff(record[1]))
        if isinstance(command, click.Group):
            for inner in command.list_commands(context):
                if (found := command.get_command(context, inner)) is not None:
                    yield from _command(found, f"{name} {inner}", context)


def _paragraphs(text: str) -> Iterator[str]:
    for paragraph in text.split("\n\n"):
        if paragraph.strip():
            yield from (".PP", _roff(" ".join(paragraph.split())))


def _roff(text: str) -> str:
    """Text that is no request and has no escapes."""
    text = " ".join(text.split()).replace("\\", "\\e").replace("-", "\\-")
    return f"\\&{text}" if text.startswith((".", "'")) else text
