"""`qvl-doctor mcp` as the official SDK's own client sees it; without the SDK, a sentence that says how to get it."""

from __future__ import annotations

import asyncio
import importlib.util
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.cli.running import doctor

THERE = importlib.util.find_spec("mcp") is not None
sdk = pytest.mark.skipif(not THERE, reason="the MCP SDK is not installed (pip install 'qvl-doctor[mcp]')")
ROOT = Path(__file__).parents[2]


@pytest.mark.skipif(THERE, reason="the MCP SDK is installed")
def test_without_the_sdk(tmp_path: Path) -> None:
    done = doctor("mcp", home=tmp_path)
    assert done.returncode == 3 and not done.stdout
    assert done.stderr.count("\n") == 1 and "pip install 'qvl-doctor[mcp]'" in done.stderr


def asked(home: Path, calls: list[tuple[str, dict[str, str]]]) -> tuple[list[Any], list[Any]]:
    """The tools that a server offers, and its results."""
    from mcp import Client
    from mcp.client.stdio import StdioServerParameters

    async def talk() -> tuple[list[Any], list[Any]]:
        environ = {"HOME": str(home), "XDG_CACHE_HOME": str(home / "cache"), "PYTHONPATH": str(ROOT), "PATH": os.environ["PATH"], "HF_HUB_OFFLINE": "1"}
        server = StdioServerParameters(command=sys.executable, args=["-m", "doctor", "mcp"], env=environ, cwd=str(home))
        async with Client(server) as client:
            tools = (await client.list_tools()).tools
            return tools, [await client.call_tool(name, values) for name, values in calls]

    return asyncio.run(asyncio.wait_for(talk(), 120))


@sdk
def test_tools_and_answers(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("vllm==0.11.0\ntransformers==4.40.0\n")
    tools, results = asked(tmp_path, [
        ("explain", {"source": "IMP001"}),
        ("check", {"command": "vllm serve Qwen/Qwen2-VL-7B-Instruct", "file": "requirements.txt", "gpu": "H100", "driver": "580"}),
        ("matrix", {"engine": "lmdeploy==0.11.1"}),
        ("check", {"python": "/nowhere"}),
        ("explain", {"source": "/dev/stdin"}),
        ("check", {"command": 3}),  # type: ignore[dict-item]
    ])  # fmt: skip
    assert [t.name for t in tools] == ["check", "plan", "explain", "matrix", "apply"]
    assert all(t.description and t.input_schema["type"] == "object" for t in tools)
    assert [t.annotations.read_only_hint for t in tools] == [True, True, True, True, False]
    assert [bool(r.is_error) for r in results] == [False, False, False, True, True, True]
    texts = ["".join(c.text for c in r.content) for r in results]
    assert "IMP001" in texts[0] and "transformers" in texts[1] and "works" in texts[2] and "/nowhere" in texts[3]
    assert all(len(text.encode()) <= 2000 for text in texts)
