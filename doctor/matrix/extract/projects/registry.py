"""The projects whose releases are read: since when, which of their packages, and by which extractor."""

from __future__ import annotations

import importlib
from collections.abc import Callable

from doctor.base.record import dataclass
from doctor.facts import normalize
from doctor.matrix.extract.files import Files
from doctor.matrix.files.row import Row

Extractor = Callable[[Files], Row]


@dataclass(frozen=True, slots=True)
class Project:
    """One project. `packages` are its top-level packages; `names` whether the names they provide are indexed.

    `extractor` is the module beside this one whose `extract(files)` reads what only this project has.
    """

    name: str
    since: str
    packages: tuple[str, ...]
    names: bool = True
    imports: bool = False
    extractor: str | None = None

    def extract(self) -> Extractor | None:
        """The project's own extractor, imported when needed."""
        if self.extractor is None:
            return None
        found: Extractor = importlib.import_module(f"doctor.matrix.extract.projects.{self.extractor}").extract
        return found


PROJECTS = (
    Project("lmdeploy", "0.2.0", ("lmdeploy",), imports=True, extractor="lmdeploy"),
    Project("vllm", "0.2.0", ("vllm",), imports=True, extractor="vllm"),
    Project("sglang", "0.2.15", ("sglang",), imports=True, extractor="sglang"),
    Project("transformers", "4.31.0", ("transformers",), extractor="transformers"),
    Project("huggingface-hub", "0.16.0", ("huggingface_hub",)),
    Project("tokenizers", "0.13.0", ("tokenizers",)),
    Project("accelerate", "0.20.0", ("accelerate",)),
    Project("peft", "0.4.0", ("peft",), imports=True),
    Project("optimum", "1.8.0", ("optimum",), imports=True),
    Project("autoawq", "0.1.0", ("awq",), imports=True),
    Project("auto-gptq", "0.3.0", ("auto_gptq",), imports=True),
    Project("compressed-tensors", "0.3.0", ("compressed_tensors",), imports=True),
    Project("qwen-vl-utils", "0.0.1", ("qwen_vl_utils",), imports=True),
    Project("transformers-stream-generator", "0.0.4", ("transformers_stream_generator",), imports=True),
    Project("timm", "0.9.0", ("timm",)),
    Project("torch", "1.13.0", ("torch",), names=False, extractor="torch"),
    Project("torchvision", "0.14.0", ("torchvision",), names=False),
    Project("torchaudio", "0.13.0", ("torchaudio",), names=False),
    Project("triton", "2.0.0", ("triton",), names=False),
    Project("bitsandbytes", "0.39.0", ("bitsandbytes",)),
    Project("outlines", "0.0.30", ("outlines",)),
)


def project(name: str) -> Project | None:
    """The project of this name in any spelling, or None."""
    return next((p for p in PROJECTS if p.name == normalize(name)), None)
