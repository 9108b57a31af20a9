"""Runs in a child process: asks a real package what it is, with everything it cannot import replaced by a stand-in.

Usage: child.py FOLDER QUESTION [LINES]. Prints JSON: what the package says of itself, or, for a JSON file of command
lines, whether its own argument parser takes each (the text of its refusal, or null). The package's own code runs for real; what lies outside FOLDER and the
standard library (torch, ray, ...) is a stand-in that can be called, subclassed and subscripted, and does nothing.
"""

import argparse
import contextlib
import importlib.abc
import importlib.machinery
import io
import json
import pathlib
import sys
import types


class _Meta(type):
    def __getattr__(cls, name):
        if name.startswith("__") and name != "__version__":
            raise AttributeError(name)
        return "99.0" if name == "__version__" else Stand

    def __getitem__(cls, item):
        return Stand

    def __or__(cls, other):
        return Stand

    __ror__ = __or__

    def __int__(cls):
        return 0

    def __iter__(cls):
        return iter(())

    def __len__(cls):
        return 0

    def __lt__(cls, other):
        return False

    __gt__ = __le__ = __ge__ = __lt__


class Stand(metaclass=_Meta):
    def __new__(cls, *args, **kwargs):
        if cls is Stand:
            return args[0] if len(args) == 1 and callable(args[0]) and not kwargs else Stand
        return super().__new__(cls)

    def __init__(self, *args, **kwargs):
        pass


class _Module(types.ModuleType):
    def __getattr__(self, name):
        if name.startswith("__") and name != "__version__":
            raise AttributeError(name)
        return "99.0" if name == "__version__" else Stand


class Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    def __init__(self, real):
        self.real = real

    def find_spec(self, name, path=None, target=None):
        top = name.partition(".")[0]
        if top in self.real or top in sys.stdlib_module_names:
            return None
        return importlib.machinery.ModuleSpec(name, self, is_package=True)

    def create_module(self, spec):
        return _Module(spec.name)

    def exec_module(self, module):
        module.__path__ = []


def actions(parser):
    out = {}
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction) or "-h" in action.option_strings:
            continue
        names = action.option_strings or [action.dest]
        long = [n for n in names if n.startswith("--")]
        choices = None if action.choices is None else list(action.choices)
        out[(long or names)[0]] = {
            "aliases": sorted(n for n in names if n != (long or names)[0]),
            "choices": choices,
            "default": action.default if isinstance(action.default, (str, int, float, list, type(None))) else "?",
        }
    return out


def lmdeploy():
    import lmdeploy.cli.serve as serve

    serve.SubCliServe.add_parsers()
    return actions(serve.SubCliServe.subparsers.choices["api_server"])


def sglang():
    from sglang.srt.server_args import ServerArgs

    parser = argparse.ArgumentParser()
    ServerArgs.add_cli_args(parser)
    return actions(parser)


def verdicts(parse, lines):
    """Why `parse` refuses each of the lines; None where it takes it."""
    out = []
    for line in lines:
        said = io.StringIO()
        try:
            with contextlib.redirect_stderr(said), contextlib.redirect_stdout(io.StringIO()):
                parse(line)
            out.append(None)
        except SystemExit as end:
            out.append(None if end.code in (0, None) else said.getvalue().strip().splitlines()[-1])
        except Exception as error:
            out.append(f"{type(error).__name__}: {error}")
    return out


def lmdeploy_lines(lines):
    from lmdeploy.cli.cli import CLI
    from lmdeploy.cli.serve import SubCliServe

    CLI.add_parsers()
    SubCliServe.add_parsers()
    return verdicts(lambda line: CLI.parser.parse_args(["serve", "api_server", *line]), lines)


def sglang_lines(lines):
    from sglang.srt.server_args import ServerArgs

    parser = argparse.ArgumentParser()
    ServerArgs.add_cli_args(parser)
    return verdicts(parser.parse_args, lines)


def transformers():
    import transformers
    from transformers.dependency_versions_check import pkgs_to_check_at_runtime
    from transformers.dependency_versions_table import deps
    from transformers.models.auto.configuration_auto import CONFIG_MAPPING_NAMES

    return {
        "names": sorted(set(transformers._class_to_module) | set(transformers._objects)),
        "model_types": sorted(CONFIG_MAPPING_NAMES),
        "checks": {p: deps[p] for p in pkgs_to_check_at_runtime},
    }


if __name__ == "__main__":
    folder, question = sys.argv[1:3]
    sys.path[:] = [folder, *[p for p in sys.path[1:] if "site-packages" not in p]]
    if question != "transformers":
        sys.meta_path.insert(0, Finder({question}))
    if len(sys.argv) > 3:
        told = json.loads(pathlib.Path(sys.argv[3]).read_text(encoding="utf-8"))
        print(json.dumps({"lmdeploy": lmdeploy_lines, "sglang": sglang_lines}[question](told)))
        sys.exit()
    print(json.dumps({"lmdeploy": lmdeploy, "sglang": sglang, "transformers": transformers}[question]()))
