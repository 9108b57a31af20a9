"""Evaluates, in a process of its own, what an engine's own files say of memory; the rest of the engine is a dummy.

Usage: memory_engines_child.py vllm|sglang|lmdeploy FOLDER. FOLDER holds some files of a wheel. Its input is a JSON list
of cases, its output the list of the answers; a case that the files cannot answer is answered by a text that says why.
"""

import ast
import json
import logging
import re
import sys
import types
from pathlib import Path
from types import SimpleNamespace

from memory_engines_parts import Logger, Open, functions
from memory_engines_sglang import sglang
from memory_engines_vllm import vllm


def lmdeploy(root):
    """What is set aside for a step, the share of the rest, and requests at once by the card's name."""
    base = Path(Path(root, "lmdeploy/pytorch/engine/executor/base.py")).read_text(encoding="utf-8")
    names = ("_get_runtime_size", "_get_rank_cache_block_sizes", "_get_min_num_gpu_blocks", "_get_num_gpu_blocks",
             "_get_dsa_score_workspace_size")  # fmt: skip
    held = functions(ast.parse(base), names, "ExecutorBase")
    for one in held:
        one.decorator_list, one.returns = [], None
        for argument in one.args.args:
            argument.annotation = None
    scope: dict[str, object] = {"logger": Logger()}
    exec(compile(ast.unparse(ast.Module(held, [])), "base", "exec"), scope)
    utils = ast.parse(Path(root, "lmdeploy/utils.py").read_text(encoding="utf-8"))
    by_name = ast.unparse(ast.Module(functions(utils, ("get_max_batch_size",)), []))
    messages = Path(root, "lmdeploy/messages.py").read_text(encoding="utf-8")
    share = re.findall(r"cache_max_entry_count: float = ([0-9.]+)", messages)

    def answer(case):
        torch = types.ModuleType("torch")
        torch.cuda = SimpleNamespace(get_device_name=lambda _: case["card"])
        sys.modules["torch"] = torch
        inner = dict(scope)
        exec(compile(by_name, "utils", "exec"), inner)
        requests = inner["get_max_batch_size"]("cuda")
        config = Open(cache_max_entry_count=0.8, max_prefill_token_num=8192, max_batches=requests)
        block = SimpleNamespace(target=case["block"], spec=0, total=case["block"])
        one = Open(
            cache_config=config, _get_dsa_score_workspace_size=lambda: 0,
            _get_rank_cache_block_sizes=lambda *a: [block],
            _get_min_num_gpu_blocks=lambda m, b: min(m) // case["block"],
        )  # fmt: skip
        several = "free_mems" in base[base.index("def _get_runtime_size") :][:200]
        free = [case["free"]] if several else case["free"]
        sized = [block] if "cache_block_sizes: list" in base else block if several else case["block"]
        aside = inner["_get_runtime_size"](one, free, sized, case["vocabulary"])[0]
        return {"aside": aside, "share": float(share[-1]), "requests": requests}

    return answer


def main():
    logging.disable(logging.CRITICAL)
    answer = {"vllm": vllm, "sglang": sglang, "lmdeploy": lmdeploy}[sys.argv[1]](sys.argv[2])
    out = []
    for case in json.load(sys.stdin):
        try:
            out.append(answer(case))
        except Exception as error:
            longest = re.search(r"maximum model length is (\d+)", str(error))
            refused = {} if "KV cache is needed" in str(error) else f"{type(error).__name__}: {str(error)[:200]}"
            out.append({"longest": int(longest[1])} if longest else refused)
    print(json.dumps(out))


if __name__ == "__main__":
    main()
