"""SGLang's share of a card, by its own files."""

import ast
import math
import re
import types
from pathlib import Path
from types import SimpleNamespace

from memory_engines_parts import Logger, Open, functions


def sglang(root):
    """`mem_fraction_static` as the release's own code computes it where the command names none."""
    hook = Path(root, "sglang/srt/arg_groups/memory_hook.py")
    share = _by_hook(hook) if hook.is_file() else _by_arguments(Path(root, "sglang/srt/server_args.py"))
    room = _adapted(Path(root, "sglang/srt/lora"))
    return lambda case: room(case) if "rank" in case else share(case)


def _adapted(folder):
    """Numbers of the pool of LoRA adapters for every matrix of one layer, on one GPU."""
    pool = ast.parse((folder / "mem_pool.py").read_text(encoding="utf-8"))
    helpers = ast.parse((folder / "utils.py").read_text(encoding="utf-8"))
    shapes = functions(pool, ("get_lora_A_shape", "get_lora_B_shape"), "LoRAMemoryPool")
    used = functions(helpers, ("get_hidden_dim", "get_default_hidden_dim", "get_stacked_multiply"))
    every = [n for n in (*pool.body, *helpers.body) if isinstance(n, (ast.Assign, ast.AnnAssign))]
    rows = [n for n in every if "LORA_NAMES" in ast.unparse(n).partition("=")[0]]
    for one in (*shapes, *used):
        one.returns = None
        for argument in one.args.args:
            argument.annotation = None
    code = ast.unparse(ast.Module([*rows, *used, *shapes], []))

    def answer(case):
        scope = {"divide": lambda a, b: a // b}
        exec(compile(code, "mem_pool", "exec"), scope)
        scope.setdefault("ROW_PARALLELISM_LINEAR_LORA_NAMES", ["o_proj", "down_proj"])
        config = SimpleNamespace(**case["config"])
        if "get_lora_A_shape" not in scope or "'kv_proj'" in code:
            return {}  # written out in the middle of another function; keys and values apart
        one = Open(base_hf_config=config, tp_size=case["gpus"], max_loras_per_batch=case["slots"],
                   max_lora_dim=case["rank"], _effective_tp_size=lambda name: case["gpus"],
                   _dense_local_dim=lambda *a: None, _get_effective_tp_size=lambda name: case["gpus"],
                   _column_parallel_lora_b_per_rank_dim=lambda name, size, gpus: size // gpus,
                   is_moe_module=lambda name: "moe" in name)  # fmt: skip
        numbers = 0
        for name in ("qkv_proj", "o_proj", "gate_up_proj", "down_proj"):
            for shape in ("get_lora_A_shape", "get_lora_B_shape"):
                told = scope[shape]
                given = (one, name, SimpleNamespace(), case["rank"], 0)
                numbers += math.prod(told(*given[: told.__code__.co_argcount]))
        return {"numbers": numbers}

    return answer


def _asked(case):
    eyes = SimpleNamespace(hidden_size=case["eyes"][1], num_hidden_layers=case["eyes"][0])
    model = Open(is_multimodal=case["vision"], hf_config=SimpleNamespace(vision_config=eyes))
    graphs = Open(
        decode=Open(backend="full"),
        prefill=Open(backend="full" if not (case["vision"] or case["drafter"] or case["pp"] > 1) else "disabled"),
    )
    copies = case.get("copies", 1)
    return Open(
        tp_size=case["tp"], pp_size=case["pp"], dp_size=copies, attn_dp_size=copies,
        speculative_algorithm=case["drafter"] or None,
        model=model, device="cuda", enable_dp_attention=copies > 1, disaggregation_mode="null", model_path="m",
        disable_piecewise_cuda_graph=graphs.prefill.backend == "disabled", cuda_graph_config=graphs,
        max_prefill_tokens=16384, page_size=1,
    )  # fmt: skip


def _by_hook(path):
    tree = ast.parse(Path(path).read_text(encoding="utf-8"))
    names = ("handle_gpu_memory_settings", "reserve_for_graph_mb", "reserve_for_deepep_a2a_mb",
             "adjust_mem_fraction_for_vlm")  # fmt: skip
    graphs = ast.parse(path.with_name("cuda_graph_hook.py").read_text(encoding="utf-8"))
    more = functions(graphs, ("generate_prefill_cuda_graph_batch_sizes",))
    code = ast.unparse(ast.Module([*more, *functions(tree, names)], []))
    code = re.sub(r"^ +from sglang[^\n]*?(\([^)]*\))?$", "", code, flags=re.MULTILINE)

    def answer(case):
        one = _asked(case)

        def declare(_args, _who, **values):
            vars(one).update(values)

        scope = {
            "Any": object, "copy": __import__("copy"), "logger": Logger(), "resolving_view": lambda a: a,
            "resolved_view": lambda a: a, "declare_resolution": declare, "model_config_of": lambda a: a.model,
            "post_capture_kv_sizing_planned": lambda a: False, "use_mla_backend": lambda a: False,
            "attn_dp_enabled_of": lambda a: a.attn_dp_size > 1, "get_platform": lambda: Open(is_xpu=False),
            "get_device_memory_capacity": lambda d: case["mib"],
            "Backend": Open(DISABLED="disabled", BREAKABLE="breakable"),
            "Phase": Open(PREFILL="prefill"), "envs": Open(), "generate_cpu_graph_batch_sizes": lambda a: [],
            "generate_decode_cuda_graph_batch_sizes": lambda a, n: [n],
            "_DEFAULT_PP_PREFILL_CUDA_GRAPH_MAX_TOKENS": 8192,
            "expand_multimodal_decode_graph_to_running_limit": lambda *a: None,
        }  # fmt: skip
        exec(compile(code, "memory_hook", "exec"), scope)
        scope["handle_gpu_memory_settings"](one)
        return {"share": one.mem_fraction_static}

    return answer


def _by_arguments(path):
    text = Path(path).read_text(encoding="utf-8")
    tree = ast.parse(text)
    owner = next(n for n in tree.body if isinstance(n, ast.ClassDef) and n.name == "ServerArgs")
    held = {n.name: n for n in owner.body if isinstance(n, ast.FunctionDef)}
    whole = held.get("_handle_gpu_memory_settings")
    body = whole.body if whole else [n for n in held["__post_init__"].body if _about_share(n)]
    taken = ast.arguments([], [ast.arg("self"), ast.arg("gpu_mem")], None, [], [], None, [])
    start = ast.FunctionDef("start", taken, body, [])
    rest = [n for name, n in held.items() if re.match(r"_generate_(piece|prefill)|reserve_for|adjust_mem", name)]
    code = ast.unparse(ast.fix_missing_locations(ast.Module([start, *rest], [])))
    code = re.sub(r"^ +from sglang[^\n]*$", "", code, flags=re.MULTILINE)
    code = code.replace("ModelConfig.from_server_args(self)", "self.model")
    factor = _of_runner(path) if whole is None and "is_multimodal" not in code else 1.0

    def answer(case):
        one, scope = _asked(case), {}
        scope.update(is_cuda=lambda: True, envs=Open(), logger=Logger(), resolved_view=lambda a: a,
                     Backend=Open(DISABLED="disabled"), is_hip=lambda: False, Optional=None)  # fmt: skip
        exec(compile(code, "server_args", "exec"), scope)
        for name in held:
            if name in scope:
                setattr(one, name, types.MethodType(scope[name], one))
        for name in ("_generate_cuda_graph_batch_sizes", "_generate_decode_cuda_graph_batch_sizes"):
            setattr(one, name, lambda *a: [a[-1] if a else 1])
        one.use_mla_backend = one.post_capture_kv_sizing_planned = lambda: False
        one.get_model_config, one._resolved = lambda: one.model, lambda: one
        scope["start"](one, case["mib"])
        return {"share": one.mem_fraction_static * (factor if case["vision"] else 1.0)}

    return answer


def _about_share(node):
    """A statement of __post_init__ that sets the share."""
    return isinstance(node, ast.If) and ast.unparse(node.test) == "self.mem_fraction_static is None"


def _of_runner(path):
    """By what the runner multiplies the share of a model with pictures."""
    runner = path.with_name("model_executor") / "model_runner.py"
    found = re.search(r"mem_fraction_static \*= (0\.\d+)", runner.read_text(encoding="utf-8"))
    return float(found[1]) if found else 1.0
