"""Tokens of a picture, against the processors of transformers in a child process."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from doctor.memory.layout import layout
from doctor.memory.pictures import tokens_of
from tests.link.real_packages import answer_of, interpreter
from tests.memory.test_against_transformers import TRANSFORMERS, _folders
from tests.story.environments import BASE

pytestmark = pytest.mark.registry
SIZES = ((1920, 1080), (640, 480), (480, 2000), (56, 40), (4032, 3024), (1000, 333))
CLIP = {"model_type": "clip_vision_model", "image_size": 336, "patch_size": 14}
# for each family: config.json, preprocessor_config.json, the processor's class, its image processor, what both are told
CASES: dict[str, tuple[dict[str, Any], dict[str, Any], str, str, dict[str, Any], dict[str, Any]]] = {
    "qwen2_5_vl": ({"model_type": "qwen2_5_vl"}, {"min_pixels": 3136, "max_pixels": 12845056},
                   "qwen2_5_vl.Qwen2_5_VLProcessor", "qwen2_vl.Qwen2VLImageProcessor",
                   {}, {"size": {"shortest_edge": 3136, "longest_edge": 12845056}}),
    "qwen2_vl-small": ({"model_type": "qwen2_vl"}, {"min_pixels": 3136, "max_pixels": 602112},
                       "qwen2_vl.Qwen2VLProcessor", "qwen2_vl.Qwen2VLImageProcessor",
                       {}, {"size": {"shortest_edge": 3136, "longest_edge": 602112}}),
    "qwen3_vl": ({"model_type": "qwen3_vl"}, {}, "qwen3_vl.Qwen3VLProcessor", "qwen2_vl.Qwen2VLImageProcessor",
                 {}, {"patch_size": 16, "size": {"shortest_edge": 65536, "longest_edge": 16777216}}),
    "glm4v": ({"model_type": "glm4v"}, {}, "glm4v.Glm4vProcessor", "glm4v.Glm4vImageProcessor",
              {}, {"size": {"shortest_edge": 12544, "longest_edge": 9633792}}),
    "internvl": ({"model_type": "internvl", "vision_config": {"image_size": [448, 448], "patch_size": [14, 14]}}, {},
                 "internvl.InternVLProcessor", "got_ocr2.GotOcr2ImageProcessor",
                 {"image_seq_length": 256}, {"crop_to_patches": True, "size": {"height": 448, "width": 448}}),
    "llava": ({"model_type": "llava", "vision_config": CLIP}, {}, "llava.LlavaProcessor", "clip.CLIPImageProcessor",
              {"patch_size": 14, "num_additional_image_tokens": 1, "vision_feature_select_strategy": "default"},
              {"crop_size": {"height": 336, "width": 336}}),
    "llava_next": ({"model_type": "llava_next", "vision_config": CLIP}, {}, "llava_next.LlavaNextProcessor",
                   "llava_next.LlavaNextImageProcessor",
                   {"patch_size": 14, "num_additional_image_tokens": 1, "vision_feature_select_strategy": "default"},
                   {"size": {"shortest_edge": 336}}),
    "llava_onevision": ({"model_type": "llava_onevision"}, {}, "llava_onevision.LlavaOnevisionProcessor",
                        "llava_onevision.LlavaOnevisionImageProcessor",
                        {"num_image_tokens": 729, "vision_feature_select_strategy": "full", "vision_aspect_ratio": "anyres_max_9"}, {}),
    "gemma3": ({"model_type": "gemma3"}, {}, "gemma3.Gemma3Processor", "gemma3.Gemma3ImageProcessor", {"image_seq_length": 256}, {}),
}  # fmt: skip
PIXTRAL = [1736, 432, 825, 6, 2352, 444]
CHILD = """
import importlib, json, sys
sizes, cases = json.load(sys.stdin)
for processor, eye, told, said in cases:
    family, name = processor.split(".")
    home, image = eye.split(".")
    try:
        made = importlib.import_module(f"transformers.models.{family}.processing_{family}")
        own = importlib.import_module(f"transformers.models.{home}.image_processing_pil_{home}")
        found = getattr(made, name).__new__(getattr(made, name))
        found.image_processor = getattr(own, image + "Pil")(**said)
        for key, value in told.items():
            setattr(found, key, value)
        counted = found._get_num_multimodal_tokens([[height, width] for width, height in sizes])
        print(json.dumps(counted["num_image_tokens"]), flush=True)
    except Exception as error:
        print(json.dumps(repr(error)[:300]), flush=True)
"""


@pytest.fixture(scope="module")
def counted() -> dict[str, list[int] | str]:
    """Tokens of every size for each family, by transformers itself."""
    folders = [f for f in _folders() if Path(f).is_dir()]
    asked = json.dumps([SIZES, [case[2:] for case in CASES.values()]])
    done = answer_of([interpreter("3.11"), "-c", CHILD], asked, [*TRANSFORMERS, BASE], timeout=300,
                     env={"PYTHONPATH": os.pathsep.join(folders), "PATH": os.environ.get("PATH", "")})
    assert done.returncode == 0, done.stderr[-2000:]
    return dict(zip(CASES, map(json.loads, done.stdout.splitlines()), strict=True))


@pytest.mark.parametrize("family", CASES)
def test_a_picture_takes_what_the_processor_says(counted: dict[str, list[int] | str], family: str) -> None:
    truth = counted[family]
    assert isinstance(truth, list), f"transformers itself cannot count: {truth}"
    found = layout(CASES[family][0])
    assert found is not None
    assert [tokens_of(found, CASES[family][1], width, height) for width, height in SIZES] == truth


def test_pixtral() -> None:
    """What the processor of transformers 5.20.2 says, which needs torchvision to be imported."""
    eyes = {"model_type": "pixtral", "image_size": 1540, "patch_size": 14}
    found = layout({"model_type": "mistral3", "vision_config": eyes, "spatial_merge_size": 2})
    assert found is not None
    assert [tokens_of(found, {}, *size) for size in SIZES] == PIXTRAL


@pytest.mark.parametrize("size", [(0, 5), (1 << 30, 5), (-3, 5), (1 << 19, 1)])
def test_sizes_that_are_none(size: tuple[int, int]) -> None:
    found = layout({"model_type": "qwen2_5_vl"})
    assert found is not None and tokens_of(found, {"max_pixels": float("nan")}, *size) is None
