"""The server: the answers as tools of the protocol, one at a time, over stdin and stdout."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from threading import Lock
from typing import Any

from doctor import __version__, api
from doctor.base.secrets.hide import redact_text
from doctor.base.text import one_line
from doctor.mcp import answers

NAME = "qvl-doctor"
ABOUT = (
    "Checks whether a vision-language model server (lmdeploy, vllm, sglang, transformers) will start, without running "
    "it. Begin with check; plan finds a fix; apply carries it out after the user has agreed; explain reads a crash log."
)
READING: tuple[Callable[..., str], ...] = (answers.check, answers.plan, answers.explain, answers.matrix)
# what the answers raise for what the user has to change, and where no answer was to be had
ERRORS = (ValueError, OSError, api.RepairError, RecursionError)
LONGEST = 1500  # characters of a sentence about an error


def serve() -> None:
    """Answers until stdin ends. Raises ImportError where the SDK is not installed."""
    built().run("stdio")


def built() -> Any:
    """The server with its tools, for any transport. Raises ImportError where the SDK is not installed."""
    from mcp.server.mcpserver import MCPServer
    from mcp_types import ToolAnnotations

    server = MCPServer(NAME, instructions=ABOUT, version=__version__, log_level="WARNING")
    for one in READING:
        server.add_tool(answering(one), annotations=ToolAnnotations(read_only_hint=True), structured_output=False)
    changing = ToolAnnotations(read_only_hint=False, destructive_hint=False)
    server.add_tool(answering(answers.apply), annotations=changing, structured_output=False)
    return server


_ONE_AT_A_TIME = Lock()


def answering(answer: Callable[..., str]) -> Callable[..., str]:
    """The answer as a tool: one at a time, and an error as a sentence that the agent can read."""
    from mcp.server.mcpserver.exceptions import ToolError

    @wraps(answer)
    def tool(**texts: str) -> str:
        with _ONE_AT_A_TIME:
            try:
                return answer(**texts)
            except ERRORS as error:
                raise ToolError(one_line(redact_text(str(error)), LONGEST)) from None

    return tool
