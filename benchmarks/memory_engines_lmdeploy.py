"""LMDeploy's shares, what it sets aside for a step, and how it deals out its GPUs, by its own files."""

import ast
import dataclasses
import enum
import re
import sys
import types
from pathlib import Path
from types import SimpleNamespace

from memory_engines_parts import Logger, Open, functions


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
        if "dp" in case:
            return dealt(root, case)
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


def dealt(root, case):
    """GPUs of one copy, copies, and who shares attention, MLP and experts; nothing where it refuses."""
    asked = (case["tp"], case["dp"], case["ep"])
    return _ranks(root, *asked) if case["backend"] == "pytorch" else _turbomind(root, *asked, case["cards"])


def _ranks(root, tp, dp, ep):
    path = Path(root, "lmdeploy/pytorch/config.py")
    tree = ast.parse(path.read_text(encoding="utf-8"))
    held = [n for n in tree.body if isinstance(n, ast.ClassDef) and n.name in ("TPMode", "DistConfig")]
    module = types.ModuleType("dist")
    sys.modules["dist"] = module
    vars(module).update(dataclass=dataclasses.dataclass, enum=enum, PytorchEngineConfig=object)
    exec(compile(ast.unparse(ast.Module(held, [])), "dist", "exec"), vars(module))
    try:
        found = module.DistConfig(dp=dp, tp=tp, ep=ep)
    except AssertionError:
        return {}
    if tp > found.world_size:
        return {}  # a group for the MLP that has more places than there are processes
    attention = found.attn_tp if hasattr(found, "attn_tp") else found.attn_config.tp
    dense = found.mlp_tp if hasattr(found, "mlp_tp") else tp
    many = found.moe_tp * ep if hasattr(found, "moe_tp") else None
    told = {"gpus": found.world_size, "attention": attention, "dense": dense, "experts": many}
    return {name: value for name, value in told.items() if value is not None}


def _turbomind(root, tp, dp, ep, cards):
    path = Path(root, "lmdeploy/turbomind/parallel_config.py")
    scope = {"__name__": "layout"}
    sys.modules["layout"] = types.ModuleType("layout")
    if path.is_file():
        exec(compile(path.read_text(encoding="utf-8"), "layout", "exec"), scope)
        try:
            found = scope["derive_parallel_config"](dp, tp, ep, 1, None, cards)
        except AssertionError:
            return {}
        return {"gpus": found.device_num, "attention": found.attn_tp_size, "dense": found.mlp_tp_size,
                "experts": found.mlp_tp_size * found.mlp_ep_size}  # fmt: skip
    tree = ast.parse(path.with_name("turbomind.py").read_text(encoding="utf-8"))
    held = functions(tree, ("update_parallel_config",))
    held[0].args.args[0].annotation = None
    scope.update(torch=SimpleNamespace(cuda=SimpleNamespace(device_count=lambda: cards)),
                 complete_parallel_config=lambda cfg: False)  # fmt: skip
    exec(compile(ast.unparse(ast.Module(held, [])), "layout", "exec"), scope)
    asked = Open(dp=dp, tp=tp, cp=1, nnodes=1)
    try:
        scope["update_parallel_config"](asked)
    except (AssertionError, ZeroDivisionError):
        return {}
    return {"gpus": asked.device_num, "attention": asked.attn_tp_size, "dense": asked.mlp_tp_size}
