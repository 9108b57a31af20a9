"""The compatibility grids, each the page that `qvl-doctor matrix show --format html` writes."""

from __future__ import annotations

from collections.abc import Iterator

from doctor.matrix.files.data import data_version
from doctor.matrix.grid.asked import asked_grid
from doctor.report.grid.html import grid_to_html
from website.pages.page import Page, table

ENGINES = {"lmdeploy": "LMDeploy", "vllm": "vLLM", "sglang": "SGLang"}
MODELS = ("qwen_vl", "qwen2_vl", "qwen2_5_vl", "qwen3_vl", "minicpm_v", "internvl", "llava")


def pages() -> Iterator[Page]:
    """The list, and a grid of each engine with transformers for each family of models."""
    rows = ((f"`{model}`", *(f"[{engine}]({_name(engine, model)})" for engine in ENGINES)) for model in MODELS)
    lead = (
        "# Grids\n\nWhich releases of an engine and of transformers work together for a family of models, read from the "
        f"published wheels (data {data_version()}). Each cell says what it rests on. `qvl-doctor matrix show` makes any "
        "other grid:\n\n```sh\nqvl-doctor matrix show 'vllm>=0.11' transformers --model qwen3_vl --format html --output grid.html\n```\n\n"
    )
    yield Page("grids/index.md", lead + table(("model", *ENGINES.values()), rows), "Grids")
    for engine in ENGINES:
        for model in MODELS:
            yield Page(
                f"grids/{_name(engine, model)}",
                grid_to_html(asked_grid((engine, "transformers"), model), data_version()),
            )


def _name(engine: str, model: str) -> str:
    return f"{engine}-{model}.html"
