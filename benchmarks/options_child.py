"""Runs in the Python of an engine's own installation: answers what its real argument parser says to command lines.

Usage: options_child.py ENGINE. The first line of its output is a JSON description of the parser: each option's names,
choices, number of values and, for a settings class, its fields. Then each line of its input, a JSON list of command
lines, is answered by one line: why the parser refuses each, or null. No GPU is asked; vLLM is told that it has one.
"""

import argparse
import contextlib
import dataclasses
import io
import json
import os
import sys
import types
import typing

os.environ["VLLM_LOGGING_LEVEL"] = "CRITICAL"


def vllm():
    """`vllm serve`, with the checks that it makes of the parsed arguments."""
    for name in ("_C", "_C_stable_libtorch", "_moe_C", "_moe_C_stable_libtorch"):
        sys.modules[f"vllm.{name}"] = types.ModuleType(name)
    import vllm.platforms as platforms
    from vllm.platforms.cuda import NonNvmlCudaPlatform

    platforms._current_platform = NonNvmlCudaPlatform()
    from vllm.entrypoints.cli.serve import cmd_init
    from vllm.utils.argparse_utils import FlexibleArgumentParser

    serve = cmd_init()[0]
    parser = FlexibleArgumentParser(prog="vllm")
    inner = serve.subparser_init(parser.add_subparsers(required=False, dest="subparser"))

    def parse(line):
        args = parser.parse_args(["serve", *line])
        try:
            serve.validate(args)
        except Exception as error:
            raise ValueError(f"validate: {error}") from error
        within_limits(args)
        try:
            made_into_settings(args)
        except ValueError as error:
            raise ValueError(f"later: {error}") from error

    return inner, parse


def made_into_settings(args):
    """What vLLM refuses when it makes its settings of the options, as far as it needs no model and no GPU for that."""
    from pydantic import TypeAdapter
    from vllm.config import SpeculativeConfig
    from vllm.config.cache import is_known_kv_cache_dtype
    from vllm.reasoning import ReasoningParserManager

    if args.reasoning_parser and args.reasoning_parser not in ReasoningParserManager.list_registered():
        raise ValueError(f"--reasoning-parser: {args.reasoning_parser}")
    if not is_known_kv_cache_dtype(args.kv_cache_dtype):
        raise ValueError(f"--kv-cache-dtype: {args.kv_cache_dtype}")
    if args.enable_eplb and not args.enable_expert_parallel:
        raise ValueError("--enable-eplb")
    if args.enable_elastic_ep and (not args.enable_eplb or args.pipeline_parallel_size > 1):
        raise ValueError("--enable-elastic-ep")
    if None not in (args.max_num_batched_tokens, args.max_num_seqs) and args.max_num_batched_tokens < args.max_num_seqs:
        raise ValueError("--max-num-batched-tokens")
    data = args.speculative_config if isinstance(args.speculative_config, dict) else {}
    for key, value in ((k.replace("-", "_"), v) for k, v in data.items()):
        field = SpeculativeConfig.__pydantic_fields__.get(key)
        if field is None or (key == "tensor_parallel_size" and value is not None):
            raise ValueError(f"--speculative-config: {key}")
        if field.metadata or key in ("method", "model", "revision"):
            TypeAdapter(typing.Annotated[(field.annotation, *field.metadata)]).validate_python(value)


def within_limits(args):
    """What vLLM's configuration classes say of single numbers a little later, by their own pydantic fields."""
    import vllm.config as config
    from pydantic import TypeAdapter

    always = "Model Cache Parallel Scheduler Load Observability UVAOffload PrefetchOffload"
    for name in (f"{word}Config" for word in always.split()):
        for key, field in getattr(config, name).__pydantic_fields__.items():
            value = getattr(args, key, None)
            if isinstance(value, (int, float)) and any(
                hasattr(m, k) for m in field.metadata for k in ("ge", "gt", "le", "lt")
            ):
                try:
                    TypeAdapter(typing.Annotated[(float, *field.metadata)]).validate_python(value)
                except ValueError as error:
                    raise ValueError(f"later: --{key.replace('_', '-')}: {error.errors()[0]['msg']}") from error


def sglang():
    """`python -m sglang.launch_server` up to where its values are looked at together."""
    from sglang.srt.server_args import ServerArgs

    parser = argparse.ArgumentParser()
    ServerArgs.add_cli_args(parser)
    return parser, parser.parse_args


def lmdeploy():
    """`lmdeploy serve api_server`."""
    from lmdeploy.cli.cli import CLI
    from lmdeploy.cli.serve import SubCliServe

    CLI.add_parsers()
    SubCliServe.add_parsers()
    return SubCliServe.subparsers.choices["api_server"], lambda line: CLI.parser.parse_args(
        ["serve", "api_server", *line]
    )


def described(parser):
    """Each action of the parser."""
    names = {}
    for spelled, action in parser._option_string_actions.items():
        names.setdefault(id(action), []).append(spelled)
    out = []
    for action in parser._actions:
        found = classes(action.type)
        out.append({
            "names": names.get(id(action), []), "dest": action.dest, "nargs": action.nargs,
            "choices": None if action.choices is None else [str(c) for c in action.choices],
            "type": getattr(action.type, "__qualname__", str(action.type)), "fields": found and fields(found[0], 0),
        })  # fmt: skip
    return out


def classes(function):
    """The settings classes that a conversion function closes over."""
    out = []
    for held in (
        *(getattr(function, "__defaults__", None) or ()),
        *(c.cell_contents for c in getattr(function, "__closure__", None) or ()),
    ):
        out += [held] if dataclasses.is_dataclass(held) else classes(held) if callable(held) else []
    return out


def fields(cls, depth):
    """Its fields: choices of a Literal, the fields of a class in it, else the names of the types."""
    out = {}
    for field in dataclasses.fields(cls):
        parts = flat(field.type)
        inner = next((p for p in parts if dataclasses.is_dataclass(p)), None)
        choices = [a for p in parts if typing.get_origin(p) is typing.Literal for a in typing.get_args(p)]
        out[field.name] = (
            fields(inner, depth + 1)
            if inner and depth < 3
            else {"": [str(c) for c in choices], "type": str(field.type)[:80]}
        )
    return out


def flat(hint):
    """The parts of a union."""
    if typing.get_origin(hint) in (typing.Union, types.UnionType, typing.Annotated):
        return [p for a in typing.get_args(hint) for p in flat(a)]
    return [hint]


def answer(parse, line):
    """Why `parse` refuses the line; None where it takes it."""
    said = io.StringIO()
    try:
        with contextlib.redirect_stderr(said), contextlib.redirect_stdout(io.StringIO()):
            parse(line)
    except SystemExit as end:
        return (
            None
            if end.code in (0, None)
            else said.getvalue().strip().partition("error: ")[2] or said.getvalue().strip()[-300:]
        )
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return None


if __name__ == "__main__":
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # whatever the engine prints goes with the errors
    parser, parse = {"vllm": vllm, "sglang": sglang, "lmdeploy": lmdeploy}[sys.argv[1]]()
    print(json.dumps(described(parser)), file=out, flush=True)
    for asked in sys.stdin:
        print(json.dumps([answer(parse, line) for line in json.loads(asked)]), file=out, flush=True)
