"""What vLLM tries its tower out with, and its LoRA buffers, by the release's own functions."""

import ast
import math
from collections import namedtuple
from pathlib import Path
from types import SimpleNamespace

from memory_engines_parts import Logger, Open, functions

NAMES = (
    "_get_vision_info", "get_num_image_tokens", "get_num_video_tokens", "get_image_size_with_most_features",
    "get_max_image_tokens", "_get_max_video_frames", "get_num_frames_with_most_features", "get_max_video_tokens",
)  # fmt: skip


def smart_resize(height, width, factor, min_pixels, max_pixels):
    """transformers 4.57.3, models/qwen2_vl/image_processing_qwen2_vl.py."""
    if max(height, width) / min(height, width) > 200:
        raise ValueError("absolute aspect ratio must be smaller than 200")
    rows, columns = round(height / factor) * factor, round(width / factor) * factor
    if rows * columns > max_pixels:
        beta = math.sqrt((height * width) / max_pixels)
        rows = max(factor, math.floor(height / beta / factor) * factor)
        columns = max(factor, math.floor(width / beta / factor) * factor)
    elif rows * columns < min_pixels:
        beta = math.sqrt(min_pixels / (height * width))
        rows, columns = math.ceil(height * beta / factor) * factor, math.ceil(width * beta / factor) * factor
    return rows, columns


def bare(held):
    """Functions without annotations, which name what is not here."""
    for one in held:
        one.decorator_list, one.returns = [], None
        for argument in (*one.args.args, *one.args.kwonlyargs):
            argument.annotation = None
    return held


def tried_out(root):
    """Tokens of the largest image and of the longest video, for a processor's most pixels and a request's length."""
    path = Path(root, "vllm/model_executor/models/qwen2_vl.py")
    tree = ast.parse(path.read_text(encoding="utf-8"))
    held = functions(tree, (*NAMES, "_get_vision_size"), "Qwen2VLProcessingInfo")
    code = ast.unparse(ast.Module(bare(held), []))
    frames = next(n for n in tree.body if isinstance(n, ast.Assign) and "_MAX_FRAMES" in ast.unparse(n.targets[0]))
    code = f"{ast.unparse(frames)}\n{code}"

    def answer(case):
        size = {"shortest_edge": 3136, "longest_edge": case["pixels"]}
        processor = SimpleNamespace(min_pixels=3136, max_pixels=case["pixels"], size=size)
        scope = {"math": math, "cast": lambda kind, value: value, "Mapping": dict,
                 "smart_resize": smart_resize, "logger": Logger(),
                 "ImageSize": namedtuple("ImageSize", "width height")}  # fmt: skip
        exec(compile(code, "qwen2_vl", "exec"), scope)
        vision = SimpleNamespace(patch_size=14, spatial_merge_size=2, temporal_patch_size=2)
        info = Open(ctx=Open(get_merged_mm_kwargs=lambda given, **kwargs: {}))
        info._get_vision_size = scope.get("_get_vision_size")
        info._merge_and_resolve_mm_processor_kwargs = lambda given: {}
        info.get_hf_config = lambda: SimpleNamespace(vision_config=vision)
        info.get_image_processor = lambda **kwargs: processor
        for name in NAMES:
            if name in scope:
                setattr(info, name, lambda *a, _f=scope[name], **k: _f(info, *a, **k))
        counts = {"image": 1, "video": 1}
        return {"image": info.get_max_image_tokens(), "video": info.get_max_video_tokens(case["context"], counts)}

    return answer


def adapted(root):
    """Numbers of the buffers of one linear layer, of a kind and on so many GPUs."""
    folder = Path(root, "vllm/lora/layers")
    files = {"plain": ("base_linear.py", "BaseLinearLayerWithLoRA"),
             "merged": ("column_parallel_linear.py", "MergedColumnParallelLinearWithLoRA")}  # fmt: skip
    held = {}
    for name, (file, owner) in files.items():
        tree = ast.parse((folder / file).read_text(encoding="utf-8"))
        held[name] = ast.unparse(ast.Module(bare(functions(tree, ("create_lora_weights",), owner)), []))

    def answer(case):
        kinds = {name: type(name, (), {}) for name in ("ReplicatedLinear", "ColumnParallelLinear", "RowParallelLinear")}
        numbers = []

        def zeros(*size, **kwargs):
            numbers.append(math.prod(size))
            return SimpleNamespace(shape=size)

        scope = {"torch": SimpleNamespace(zeros=zeros), "divide": lambda a, b: a // b, **kinds}
        exec(compile(held[case["way"]], "lora", "exec"), scope)
        asked = Open(max_lora_rank=case["rank"], fully_sharded_loras=case["sharded"])
        sizes = case["out"]
        one = Open(base_layer=kinds[case["kind"]](), tp_size=case["gpus"], input_size=case["in"], n_slices=len(sizes),
                   output_slices=tuple(sizes), output_size=sum(sizes))  # fmt: skip
        scope["create_lora_weights"](one, case["slots"], asked)
        return {"numbers": sum(numbers)}

    return answer
