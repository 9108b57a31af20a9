"""What stands around the engine's own command, taken off layer by layer: `env`, `nohup`, `bash -c`, scripts, `ssh`.

    alternatives(shell, ("nohup", "bash", "start.sh"))   # every command that may be the server, the likeliest first

A command that starts a server by itself needs nothing of what reads the others, and does not load it.
"""

from __future__ import annotations

from doctor.launch.innermost import Place, Unfolded
from doctor.launch.shell import Shell
from doctor.launch.starting import serves

__all__ = ["Place", "Unfolded", "alternatives", "unfolded"]


def unfolded(shell: Shell, argv: tuple[str, ...]) -> Unfolded:
    """The likeliest command inside `env A=b`, `nohup`, `bash -c "..."`, `bash start.sh`, `tmux` and many others."""
    return alternatives(shell, argv)[0]


def alternatives(shell: Shell, argv: tuple[str, ...]) -> tuple[Unfolded, ...]:
    """Every command that may be the server, the likeliest first, 8 at most and at least one."""
    if not argv or serves(argv):
        return (Unfolded(shell, argv),)
    from doctor.launch.unfolding import commands_inside

    return commands_inside(shell, argv)
