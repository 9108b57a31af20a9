"""`qvl-doctor mcp`: the same answers for agents."""

from __future__ import annotations

import click

from doctor.cli.help import Helped

INSTALL = "`qvl-doctor mcp` needs the MCP SDK; install it with: pip install 'qvl-doctor[mcp]'"


@click.command(cls=Helped)
def mcp() -> None:
    """Answers agents over the Model Context Protocol, on stdin and stdout: check, plan, explain, matrix, apply.

    Example:  {"mcpServers": {"qvl-doctor": {"command": "qvl-doctor", "args": ["mcp"]}}}
    """
    from doctor.cli.answer.output import failure

    try:
        from doctor.mcp.server import serve

        serve()
    except ImportError as error:
        if (error.name or "").partition(".")[0] not in ("mcp", "mcp_types"):
            raise
        raise failure(INSTALL) from None
