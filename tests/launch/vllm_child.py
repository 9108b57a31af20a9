"""Runs in a child process: vLLM's own argument parser over command lines. Usage: vllm_child.py LINES FOLDER...

vLLM's Python files and torch, pydantic and the like are real; what else it imports (transformers, mistral-common) is a
stand-in of tests/matrix/child.py. Prints a JSON list: why the parser refuses each line, or null. No GPU is asked.
"""

import json
import os
import pathlib
import sys

file, *folders = sys.argv[1:]
sys.path[:0] = [str(pathlib.Path(__file__).parents[1] / "matrix"), *folders]
os.environ["VLLM_LOGGING_LEVEL"] = "ERROR"

import child  # noqa: E402

STAND_INS = {
    "transformers", "msgspec", "cachetools", "blake3", "gguf", "mistral_common", "uvloop", "openai_harmony", "cpuinfo",
    "prometheus_fastapi_instrumentator", "llguidance", "diskcache", "lark", "compressed_tensors", "depyf", "watchfiles",
    "scipy", "ninja", "cbor2", "setproctitle", "six", "xgrammar", "cv2", "soundfile", "numba", "tokenizers", "ray",
    "huggingface_hub", "safetensors",
}  # fmt: skip


class Finder(child.Finder):
    def find_spec(self, name, path=None, target=None):
        return super().find_spec(name, path, target) if name.partition(".")[0] in STAND_INS else None


child.Stand.__init_subclass__ = classmethod(lambda cls, **more: None)
sys.meta_path.append(Finder(set()))

from vllm.entrypoints.openai.cli_args import make_arg_parser  # noqa: E402
from vllm.utils import FlexibleArgumentParser  # noqa: E402

parser = make_arg_parser(FlexibleArgumentParser())
lines = json.loads(pathlib.Path(file).read_text(encoding="utf-8"))
print(json.dumps(child.verdicts(parser.parse_args, lines)))
