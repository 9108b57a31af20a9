"""The tool and reasoning parsers that a vLLM release registers, and the limits that its settings classes check.

Registered by a table (since 0.11.1), else by decorators. The server stops for a name that is not registered, unless a
plugin may bring it; that becomes a condition over the parsed options, as its own checks are kept.
"""

from __future__ import annotations

import ast

from doctor.matrix.extract.files import Files
from doctor.matrix.extract.flags import Flag
from doctor.matrix.extract.literals import constants
from doctor.matrix.extract.registered import registered_names

TOOLS = ("vllm/tool_parsers", "vllm/entrypoints/openai/tool_parsers")
REASONING = ("vllm/reasoning", "vllm/entrypoints/openai/reasoning_parsers")
CHECKED_IN = (
    "vllm/entrypoints/launchers/launcher.py",
    "vllm/entrypoints/common/cli_args.py",
    "vllm/entrypoints/openai/api_server.py",
    "vllm/entrypoints/openai/serving_chat.py",
)


def refused_parsers(files: Files, flags: dict[str, Flag]) -> dict[str, str]:
    """Conditions over `args.x` on which the server refuses the name of a parser -> what it says then."""
    out: dict[str, str] = {}
    text = "".join(files.text(m) for m in CHECKED_IN if files.has(m))
    tools = _names(files, TOOLS, "_TOOL_PARSERS_TO_REGISTER", "ToolParserManager")
    refused = "invalid tool call parser" in text or "which has not been registered" in text
    if tools and refused and "--enable-auto-tool-choice" in flags and "--tool-call-parser" in flags:
        asked = "args.tool_call_parser is not None and args.enable_auto_tool_choice"
        out |= _condition(asked, "tool_call_parser", "tool_parser_plugin", tools, flags)
    thinking = _names(files, REASONING, "_REASONING_PARSERS_TO_REGISTER", "ReasoningParserManager")
    if thinking and "invalid reasoning parser" in text and not {"--enable-reasoning"} & set(flags):
        out |= _condition("args.reasoning_parser", "reasoning_parser", "reasoning_parser_plugin", thinking, flags)
    return out


def _condition(asked: str, name: str, plugin: str, names: list[str], flags: dict[str, Flag]) -> dict[str, str]:
    brings = f" and not args.{plugin}" if f"--{plugin.replace('_', '-')}" in flags else ""
    flag = f"--{name.replace('_', '-')}"
    return {f"{asked}{brings} and args.{name} not in {tuple(names)!r}": f"{flag} takes one of {', '.join(names)}"}


def _names(files: Files, folders: tuple[str, ...], table: str, manager: str) -> list[str]:
    """The registered names, sorted; empty where one of them cannot be told."""
    out: set[str] = set()
    for member in (m for folder in folders for m in files.below(folder)):
        if table not in files.text(member) and f"{manager}.register" not in files.text(member):
            continue
        found = constants(files.tree(member)).get(table)
        out |= {str(k) for k in found} if isinstance(found, dict) else set()
        for names in registered_names(files.tree(member), manager):
            if names is None:
                return []
            out |= set(names)
    return sorted(out)


def highest_share(files: Files) -> bool:
    """Whether the settings of the cache refuse a share of the GPU's memory above 1: `_verify_args` of `CacheConfig`."""
    for member in ("vllm/config.py", "vllm/config/__init__.py", "vllm/config/cache.py"):
        for node in files.tree(member).body if files.has(member) else ():
            if isinstance(node, ast.ClassDef) and node.name == "CacheConfig":
                tests = (n for n in ast.walk(node) if isinstance(n, ast.If) and isinstance(n.body[0], ast.Raise))
                return any(ast.unparse(n.test) == "self.gpu_memory_utilization > 1.0" for n in tests)
    return False
