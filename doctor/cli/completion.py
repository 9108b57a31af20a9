"""`qvl-doctor completion`: the script with which a shell completes our commands and options."""

from __future__ import annotations

import os
from pathlib import Path

import click

from doctor.cli.help import Helped

NAME, VARIABLE = "qvl-doctor", "_QVL_DOCTOR_COMPLETE"
# where a shell looks by itself, below the variable's folder or the usual one; zsh has no such place of its own
PLACES = {
    "bash": ("XDG_DATA_HOME", ".local/share", "bash-completion/completions/qvl-doctor"),
    "zsh": ("XDG_DATA_HOME", ".local/share", "zsh/site-functions/_qvl-doctor"),
    "fish": ("XDG_CONFIG_HOME", ".config", "fish/completions/qvl-doctor.fish"),
}
NEXT = {
    "bash": "open a new shell; without the bash-completion package, add to ~/.bashrc: source {path}",
    "zsh": "add to ~/.zshrc before compinit: fpath+=({folder})",
    "fish": "open a new shell",
}


@click.command(cls=Helped)
@click.argument("shell", type=click.Choice(tuple(PLACES)))
@click.option("--install", is_flag=True, help="write it where the shell looks for it, for this user")
def completion(shell: str, install: bool) -> None:
    """Prints the completion script for a shell, or installs it.

    Example:  qvl-doctor completion bash --install
    """
    from doctor.cli.answer.output import write

    if not install:
        write(script(shell), None)
        return
    path = place(shell)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        from doctor.cli.answer.output import failure

        raise failure(f"{path.parent} cannot be made: {error.strerror}") from None
    write(script(shell), str(path))
    click.echo(f"installed {path}; {NEXT[shell].format(path=path, folder=path.parent)}")


def script(shell: str) -> str:
    """The text that a shell reads; filled in here, as click would start bash first to ask for its version."""
    from click.shell_completion import ShellComplete, get_completion_class

    kind = get_completion_class(shell)
    assert kind is not None
    return ShellComplete.source(kind(click.get_current_context().find_root().command, {}, NAME, VARIABLE)) + "\n"


def place(shell: str) -> Path:
    """Where the script belongs for this user."""
    variable, usual, file = PLACES[shell]
    base = os.environ.get(variable, "")
    return (Path(base) if base.startswith("/") else Path.home() / usual) / file
