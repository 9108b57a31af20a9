"""vLLM's groups, blocks, tokens and requests, by its own files with dummies for everything that they import."""

import ast
import dataclasses
import importlib.abc
import importlib.machinery
import importlib.util
import re
import sys
import types
from pathlib import Path
from types import SimpleNamespace

from memory_engines_parts import SAID, Logger
from memory_engines_sight import adapted, tried_out

REAL = re.compile(r"vllm\.(v1\.core\.kv_cache_\w+|v1\.kv_cache_(interface|spec_registry|layout)|utils\.math_utils)")


class AnyName(type):
    """A class that has every name, as enumerations are asked for theirs."""

    def __getattr__(cls, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return name

    def __or__(cls, other):
        return cls

    __ror__ = __or__


class Dummy(metaclass=AnyName):
    """Stands for whatever is not here: a class, a decorator, a number of no meaning."""

    def __init__(self, *args, **kwargs):
        pass

    def __init_subclass__(cls, **kwargs):
        pass

    def __call__(self, *args, **kwargs):
        return args[0] if len(args) == 1 and callable(args[0]) else Dummy()

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return Dummy()

    def __class_getitem__(cls, item):
        return cls

    def __or__(self, other):
        return Dummy

    __ror__ = __or__

    def __bool__(self):
        return False

    def __iter__(self):
        return iter(())


class Dummies(types.ModuleType):
    """A module that has every name; classes may be made of them."""

    __path__ = ()

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        made = KNOWN.get(name) or type(name, (Dummy,), {})
        setattr(self, name, made)
        return made


def cdiv(a, b):
    return -(-a // b)


def element(dtype):
    return {"bfloat16": 2, "uint8": 1, "float32": 4}[str(dtype)]


KNOWN = {
    "cdiv": cdiv, "round_up": lambda a, b: cdiv(a, b) * b, "get_dtype_size": element, "init_logger": lambda _: Logger(),
    "logger": Logger(), "GiB_bytes": 1 << 30, "format_gib": lambda n: f"{n / (1 << 30):.2f}",
    "DataclassInstance": object,
    "current_platform": SimpleNamespace(get_kv_cache_config_builder_cls=lambda config: ""),
    "resolve_obj_by_qualname": lambda _: sys.modules["vllm.v1.core.kv_cache_planning"].DefaultKVCacheConfigBuilder,
    "get_hisparse_kv_cache_groups": lambda *a, **k: None, "get_hisparse_kv_cache_config": lambda *a, **k: None,
    "get_hisparse_host_pool_bytes": lambda *a, **k: 0,
}  # fmt: skip


LAYOUT = SimpleNamespace(
    is_block_outermost=False, is_layer_compact=True, is_block_compact=True, is_block_contiguous=True,
    value=(0, 1, 2, 3, 4), stride_order=(0, 1, 2, 3, 4), layer_view_order=(0, 1, 2, 3), name="LBHNC",
)  # fmt: skip


class Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """The few files that count are read, every other module of the engine and of torch is a dummy."""

    def __init__(self, root):
        self.root = root

    def find_spec(self, name, path=None, target=None):
        top = name.partition(".")[0]
        if top not in ("vllm", "torch", "msgspec", "cbor2", "numpy", "typing_extensions", "tqdm", "xxhash", "vllm_xpu"):
            return None
        file = Path(self.root, *name.split(".")).with_suffix(".py")
        if REAL.fullmatch(name) and file.is_file():
            return importlib.util.spec_from_file_location(name, file)
        return importlib.machinery.ModuleSpec(name, self, is_package=True)

    def create_module(self, spec):
        return Dummies(spec.name)

    def exec_module(self, module):
        pass


def made(cls, **values):
    """A dataclass with those of the values that this release has."""
    names = {f.name for f in dataclasses.fields(cls) if f.init}
    if "use_mla" in names:
        values["use_mla"] = False
    return cls(**{k: v for k, v in values.items() if k in names})


def specs_of(interface, case):
    """The layers of a case as the engine's own specs, in the model's order."""
    out = {}
    for at, kind in enumerate(case["layers"]):
        common = {"block_size": case["block"], "num_kv_heads": case["heads"], "head_size": case["dim"],
                  "dtype": case["dtype"], "sliding_window": None}  # fmt: skip
        if kind == "full":
            heads, dim = case["wide"]
            wide = {"num_kv_heads": heads, "head_size": dim} if dim else {}
            out[f"layer.{at}"] = made(interface.FullAttentionSpec, **{**common, **wide})
        elif kind == "sliding":
            out[f"layer.{at}"] = made(interface.SlidingWindowSpec, **{**common, "sliding_window": case["window"]})
        else:
            page = case["block"] * 2 * case["heads"] * case["dim"] * element(case["dtype"])
            out[f"layer.{at}"] = made(
                interface.MambaSpec, shapes=((case["state"],),), dtypes=("uint8",),
                block_size=case["block"] if case["mode"] == "align" else case["context"],
                page_size_padded=page, num_speculative_blocks=case["drafted"], mamba_cache_mode=case["mode"],
            )  # fmt: skip
    return out


def settings_of(case):
    """The engine's configuration, as far as these functions ask for it."""
    class Plain(SimpleNamespace):
        def __getattr__(self, name):
            return None

    drafts = Plain(num_speculative_tokens=case["drafted"], method="mtp") if case["drafted"] else None
    return Plain(
        model_config=Plain(max_model_len=case["context"], original_max_model_len=case["context"]),
        scheduler_config=Plain(max_num_batched_tokens=case["batch"], disable_hybrid_kv_cache_manager=False),
        cache_config=Plain(block_size=case["block"], mamba_cache_mode=case["mode"], enable_prefix_caching=False,
                           num_gpu_blocks_override=case.get("blocks"),
                           kv_cache_memory_bytes=None, mamba_block_size=case["block"],
                           get_resolved_kv_cache_layout=lambda: LAYOUT),
        parallel_config=Plain(decode_context_parallel_size=1, prefill_context_parallel_size=1, tensor_parallel_size=1,
                              pipeline_parallel_size=1),
        speculative_config=drafts and Plain(
            **vars(drafts), use_eagle=lambda: False, use_multi_module_mtp=lambda: False,
            use_eagle_block_drop=lambda: False,
        ),
        max_in_flight_tokens=2 * case["batch"], num_speculative_tokens=case["drafted"], num_lookahead_tokens=0,
        num_prefill_lookahead_tokens=0,
        device_config=Plain(device_type="cuda"), attention_config=Plain(),
    )  # fmt: skip


def usual_steps(tree):
    """Tokens and requests of one step of a server on a card, where the command names none."""
    every = (n.body for n in ast.walk(tree) if isinstance(n, ast.FunctionDef))
    chosen = [n for body in every for n in body if isinstance(n, ast.If) and "device_memory" in ast.unparse(n.test)]
    code = compile(ast.unparse(ast.Module(chosen, [])), "arg_utils", "exec")

    def answer(case):
        context = SimpleNamespace(LLM_CLASS="class", OPENAI_API_SERVER="server")
        scope = {"device_memory": case["gib"] << 30, "device_name": case["card"].lower(), "GiB_bytes": 1 << 30,
                 "is_gb10": "gb10" in case["card"].lower(), "UsageContext": context}  # fmt: skip
        exec(code, scope)
        seqs = scope["default_max_num_seqs"]
        return {"step": scope["default_max_num_batched_tokens"]["server"],
                "at_once": seqs["server"] if isinstance(seqs, dict) else seqs}  # fmt: skip

    return answer


def vllm(root):
    """Tokens and requests as the release's own functions log them."""
    sys.meta_path.insert(0, Finder(root))
    import vllm.v1.core.kv_cache_utils as utils
    import vllm.v1.kv_cache_interface as interface

    planner = utils
    if not any(hasattr(utils, n) for n in ("get_kv_cache_configs", "get_kv_cache_config")):
        import vllm.v1.core.kv_cache_planning as planner

    registry = getattr(sys.modules.get("vllm.v1.kv_cache_spec_registry"), "KVCacheSpecRegistry", None)
    for name in ("FullAttentionSpec", "SlidingWindowSpec", "MambaSpec"):  # the managers' module does so
        if registry is not None and hasattr(registry, "register"):
            kind = getattr(interface, name)
            registry.register(kind, Dummy, uniform_type_base_spec=kind)
    if registry is not None:
        registry._ensure_registered = classmethod(lambda cls, *args: None)

    batches = Path(root, "vllm/engine/arg_utils.py")
    usual = usual_steps(ast.parse(batches.read_text(encoding="utf-8"))) if batches.is_file() else None

    seen = tried_out(root) if Path(root, "vllm/model_executor/models/qwen2_vl.py").is_file() else None
    buffers = adapted(root) if Path(root, "vllm/lora/layers/base_linear.py").is_file() else None

    def answer(case):
        if "card" in case:
            return usual(case)
        if "pixels" in case:
            return seen(case)
        if "rank" in case:
            return buffers(case) if buffers else {}
        SAID.clear()
        config, specs, room = settings_of(case), specs_of(interface, case), case["room"]
        if hasattr(planner, "get_global_kv_cache_groups"):
            groups = planner.get_global_kv_cache_groups(config, [specs])
            made_of = planner.get_kv_cache_configs(config, [specs], [room], groups)
        elif hasattr(planner, "get_kv_cache_configs"):
            made_of = planner.get_kv_cache_configs(config, [specs], [room])
        else:
            made_of = [planner.get_kv_cache_config(config, specs, room)]
        if hasattr(utils, "update_kv_cache_capacity"):
            utils.update_kv_cache_capacity(config, made_of[0])
        text = "\n".join(SAID)
        tokens, many = re.search(r"KV cache size: ([\d,]+) tokens", text), re.search(r"([\d.]+)x", text)
        return {"tokens": int(tokens[1].replace(",", "")), "requests": float(many[1]), "starts": 1}

    return answer
