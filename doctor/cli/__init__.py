"""The command line: parse, call, print. Each command lives in a module of its own, imported when it is used."""

from __future__ import annotations

import gc
import importlib
from typing import TYPE_CHECKING, Any

import click

from doctor import __version__

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

COMMANDS = {
    "check": "check whether a server will start here; runs no code of the environment",
    "fix": "find a fix and prove it; apply it with --apply",
    "link": "list the modules of a distribution that cannot be imported here, and why",
    "facts": "save what check sees, redacted, to check it on another machine",
    "run": "start a server, keep its output, and report how it ended",
    "runs": "manage earlier runs: list, show, follow, prune, export",
    "report": "show again how a run ended, or fill in a project's bug form",
    "probe": "ask a running server: text, picture, JSON schema, speed, metrics, GPU",
    "explain": "explain a crash from its log, or a rule code",
    "rules": "list every rule",
    "mcp": "answer the same questions for agents, over the Model Context Protocol",
    "fleet": "check several nodes that serve one model, or start it on each",
    "matrix": "show what published releases require, accept and provide",
    "completion": "print or install command completion for bash, zsh or fish",
    "man": "print the manual page",
}


# Commands that end within seconds make many objects that stay: a search for garbage among them is a tenth of the start.
SHORT_LIVED = (100_000, 50, 50)


class LazyGroup(click.Group):
    """A group whose commands are imported only when they are called; the help needs none of them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The commands in the order a user needs them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command `doctor.cli.<name>.<name>`, or None for an unknown one."""
        if cmd_name not in COMMANDS:
            return None
        if cmd_name != "run":  # lives as long as its server
            gc.set_threshold(*SHORT_LIVED)
        module = importlib.import_module(f"doctor.cli.{cmd_name}")
        command: click.Command = getattr(module, cmd_name)
        return command

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """The commands from the table: completing a name imports none of them."""
        from click.shell_completion import CompletionItem

        found = [CompletionItem(name, help=text) for name, text in COMMANDS.items() if name.startswith(incomplete)]
        return found or click.Command.shell_complete(self, ctx, incomplete)

    def invoke(self, ctx: click.Context) -> Any:
        """As click does; Ctrl-C ends with 130, as shells expect, and no message brings a terminal's control codes."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            ctx.exit(130)
        except click.ClickException as error:  # words of the user, or of a file, are in it as they are
            from doctor.base.text import clean

            vars(error)["message"] = clean(error.message)
            raise

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Lists the commands from the table above."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        """As click does, with what was meant by a first word that is no command."""
        if args and args[0] not in COMMANDS:
            from doctor.cli.help import no_such_command

            if (said := no_such_command(args, COMMANDS)) is not None:
                raise click.UsageError(said, ctx)
        return super().resolve_command(ctx, args)


@click.command(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "show_default": True})
@click.version_option(__version__, prog_name="qvl-doctor")
def main() -> None:
    """Checks whether a vision-language model server will start here; if not, says why, and how to fix it.

    Start with:  qvl-doctor check -- lmdeploy serve api_server MODEL
    """
