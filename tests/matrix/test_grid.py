"""The grid against sets of releases that are computed from the index of names, without the code under test."""

from __future__ import annotations

from functools import reduce
from operator import and_

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from doctor.matrix import rows
from doctor.matrix.compat import compatibility
from doctor.matrix.grid.cells import Axis, Cell, Grid, GridError
from doctor.matrix.grid.grid import grid
from doctor.matrix.models.families import model
from doctor.matrix.providers import all_releases, releases_with
from doctor.matrix.releases import ReleaseSet


def having(module: str, name: str) -> ReleaseSet:
    found = releases_with("transformers", module, name)
    assert found is not None
    return found


def made(engine: str, version: str, name: str | None, **more: object) -> Grid:
    return grid(Axis(engine, f"=={version}"), Axis("transformers"), model(name) if name else None, **more)  # type: ignore[arg-type]


def cells(found: Grid) -> dict[str, Cell]:
    return dict(zip(found.columns, found.lines[0].cells, strict=True))


def test_the_window_of_qwen_vl_on_lmdeploy_0_11_1() -> None:
    """The vision front end needs one name, the model's helper another, and one series was seen failing."""
    found = made("lmdeploy", "0.11.1", "qwen_vl")
    front, helper = having("transformers.processing_utils", "ImagesKwargs"), having("transformers", "BeamSearchScorer")
    window = (front & helper) - front.releases.matching("==4.52.*")
    assert found.lines[0].works.versions == window.versions
    assert found.lines[0].works.spec() == ">=4.42.0,!=4.52.*,<=4.56.2"
    here = cells(found)
    for version, cell in here.items():
        assert (cell.verdict in ("works", "warned")) == (version in window.versions), version
    assert (here["4.41.2"].verdict, here["4.41.2"].name) == ("fails", "ImagesKwargs")
    assert (here["4.57.3"].verdict, here["4.57.3"].name) == ("fails", "BeamSearchScorer")
    assert here["4.52.4"].basis == ("attested",) and "Resampler" in here["4.52.4"].reasons[0].subject
    assert here["4.52.4"].reasons[0].source
    assert here["4.46.1"].basis == ("declared", "derived", "attested")
    assert here["4.46.1"].seen[0].verified and "4.46.1" in here["4.46.1"].seen[0].versions
    assert here["4.46.2"].basis == ("declared", "derived")
    assert here["4.56.2"].verdict == "warned", "its own check stops at 4.56.1, and only warns"
    reason = next(r for r in here["4.41.2"].reasons if r.name == "ImagesKwargs")
    assert reason.source == "lmdeploy/vl/model/gemma3_vl.py" and reason.fits.spec() == ">=4.42.0"


def test_the_helper_counts_only_where_the_models_own_code_runs() -> None:
    """vLLM has Qwen-VL in its own code: the names that transformers-stream-generator wants do not matter to it."""
    found = made("vllm", "0.7.3", "qwen_vl")
    assert not any("BeamSearchScorer" in r.subject for line in found.lines for c in line.cells for r in c.reasons)
    assert "--hf-overrides" in found.lines[0].note


@pytest.mark.parametrize(("engine", "version", "name", "kind"), [
    ("lmdeploy", "0.11.1", "qwen2_5_vl", "qwen2_5_vl"), ("lmdeploy", "0.12.0", "qwen3_vl", "qwen3_vl"),
    ("vllm", "0.11.0", "qwen2_vl", "qwen2_vl"), ("vllm", "0.8.5", "qwen2_5_vl", "qwen2_5_vl"),
    ("sglang", "0.5.4", "qwen3_vl", "qwen3_vl"), ("lmdeploy", "0.9.2", "internvl", "internvl"),
])  # fmt: skip
def test_native_families(engine: str, version: str, name: str, kind: str) -> None:
    """What works is what the requirements admit, the wheel's imports find, and transformers knows."""
    row, known = rows.row(engine, version, "requires", "imports"), all_releases("transformers")
    assert row is not None and known is not None
    from packaging.requirements import Requirement

    expected = rows.releases_having("transformers", "model_types", kind)
    assert expected is not None
    for key, (when, _) in row["imports"].items():
        module, _, wanted = key.partition(":")
        if when == "eager" and module.split(".")[0] == "transformers":
            expected = expected & (releases_with("transformers", module, wanted or None) or known.everything())
    for line in row["requires"].get("transformers", []):
        requirement = Requirement(line)
        if "extra" not in str(requirement.marker):
            expected = expected & known.matching(str(requirement.specifier))
    found = made(engine, version, name)
    assert set(expected.versions) == {v for v, c in cells(found).items() if c.verdict in ("works", "warned")}
    assert expected, "nothing works: the case shows nothing"


def test_an_engine_that_does_not_know_the_model() -> None:
    found = [made("lmdeploy", version, "qwen_vl") for version in ("0.14.0", "0.15.0", "0.2.5")]
    assert [g.lines[0].backends for g in found] == [("pytorch",), (), ()]
    assert {c.verdict for c in found[1].lines[0].cells} == {"unknown"}
    assert {c.name for c in found[1].lines[0].cells} == {"no model"}
    assert not found[1].lines[0].works


def test_backends_are_named() -> None:
    assert made("lmdeploy", "0.11.1", "qwen_vl").lines[0].backends == ("turbomind", "pytorch")
    assert made("lmdeploy", "0.11.1", "qwen3_vl").lines[0].backends == ("pytorch",)
    assert made("vllm", "0.11.0", "qwen3_vl").lines[0].backends == ("",)


def test_what_the_model_card_asks_is_declared() -> None:
    found = cells(made("lmdeploy", "0.11.1", "OpenGVLab/InternVL3_5-8B"))
    old = found["4.51.3"]
    assert (old.verdict, old.name, old.basis) == ("refused", "model card", ("declared",))
    assert found["4.52.1"].verdict == "works"
    refused = made("lmdeploy", "0.8.0", "OpenGVLab/InternVL3_5-8B").lines[0]
    assert {c.verdict for c in refused.cells} == {"refused"} and not refused.works


def test_sglangs_own_configuration_class_stands_in_for_transformers() -> None:
    """Its 0.3.5 brought Qwen2VLConfig itself; the model type is no bound there."""
    found = made("sglang", "0.3.5", "qwen2_vl")
    assert releases_with("sglang", "sglang.srt.configs.qwen2vl", "Qwen2VLConfig").contains("0.3.5")  # type: ignore[union-attr]
    assert not any(r.name == "model type" for c in found.lines[0].cells for r in c.reasons)
    assert any(r.name == "model type" for c in made("lmdeploy", "0.7.2", "qwen2_vl").lines[0].cells for r in c.reasons)


@settings(max_examples=25, deadline=None)
@given(st.data())
def test_without_a_model_it_is_the_derived_compatibility(data: st.DataObject) -> None:
    engine = data.draw(st.sampled_from(["lmdeploy", "vllm", "sglang"]))
    covered = rows.releases(engine)
    assert covered is not None
    version = data.draw(st.sampled_from(covered.everything().versions))
    known = compatibility(engine, version)
    assert known is not None
    line = made(engine, version, None).lines[0]
    columns = made(engine, version, None).columns
    works = {v for v, c in zip(columns, line.cells, strict=True) if c.verdict in ("works", "warned")}
    assert works == set(known.fitting.versions)
    checks = [b.releases for b in known.bounds if b.kind == "check"]
    assert {v for v, c in zip(columns, line.cells, strict=True) if c.verdict == "works"} == set(reduce(and_, checks, known.fitting).versions)
    for version, cell in zip(columns, line.cells, strict=True):
        assert all(r.fits.contains(version) is False for r in cell.reasons)
        assert bool(cell.reasons) == (cell.verdict != "works")


def test_an_installed_release_is_shown_even_if_retracted() -> None:
    plain = made("lmdeploy", "0.11.1", "qwen3_vl")
    here = made("lmdeploy", "0.11.1", "qwen3_vl", here=("0.11.1", "4.57.0"))
    assert "4.57.0" not in plain.columns and "4.57.0" in here.columns


def test_specifiers_choose_rows_and_columns() -> None:
    found = grid(Axis("lmdeploy", ">=0.10,<0.12"), Axis("transformers", ">=4.50,<4.52"), model("qwen_vl"))
    assert [line.version for line in found.lines] == ["0.10.0", "0.10.1", "0.10.2", "0.11.0", "0.11.1"]
    assert found.columns == ("4.50.0", "4.50.1", "4.50.2", "4.50.3", "4.51.0", "4.51.1", "4.51.2", "4.51.3")


def test_other_libraries() -> None:
    found = grid(Axis("lmdeploy", "==0.11.1"), Axis("torch"), None)
    works = {v for v, c in zip(found.columns, found.lines[0].cells, strict=True) if c.verdict == "works"}
    assert max(works, key=lambda v: tuple(map(int, v.split(".")))) == "2.8.0"


@pytest.mark.parametrize(("engine", "spec", "library", "wanted", "words"), [
    ("no-such-engine", "", "transformers", "", "does not cover `no-such-engine`"),
    ("lmdeploy", "", "no-such-library", "", "does not cover `no-such-library`"),
    ("lmdeploy", ">=99", "transformers", "", "no release of lmdeploy"),
    ("lmdeploy", "", "transformers", "<1", "no release of transformers"),
    ("lmdeploy", "roughly 3", "transformers", "", "not a version specifier"),
])  # fmt: skip
def test_what_cannot_be_asked(engine: str, spec: str, library: str, wanted: str, words: str) -> None:
    with pytest.raises(GridError, match=words):
        grid(Axis(engine, spec), Axis(library, wanted), None)


def test_what_the_wheels_say_goes_before_what_the_card_says() -> None:
    """Both hold against transformers 4.56 and vLLM 0.10; shown is what would be seen."""
    found, old = cells(made("vllm", "0.11.0", "qwen3_vl")), made("vllm", "0.10.2", "qwen3_vl").lines[0]
    assert (found["4.56.2"].verdict, found["4.56.2"].name) == ("unknown", "model type")
    assert "model card" in {r.name for r in found["4.56.2"].reasons}
    assert {c.name for c in old.cells} == {"no model"}


def test_a_name_that_one_backend_wants_stops_that_backend_alone() -> None:
    """LMDeploy 0.6.5: its PyTorch engine imports LogitsWarper, which went with transformers 4.49; TurboMind does not.

    Seen with the real packages: `lmdeploy.serve.openai.api_server` and `lmdeploy.vl.model.builder` import there.
    """
    found = made("lmdeploy", "0.6.5", "qwen_vl")
    here = cells(found)
    assert "4.48.3" in having("transformers.generation.logits_process", "LogitsWarper").versions
    assert (here["4.48.3"].verdict, here["4.48.3"].name) == ("warned", "check")
    assert (here["4.50.0"].verdict, here["4.50.0"].name) == ("warned", "turbomind only")
    assert found.lines[0].works.contains("4.50.0")
    assert (here["4.57.3"].verdict, here["4.57.3"].name) == ("fails", "BeamSearchScorer")
    only_pytorch = made("lmdeploy", "0.14.0", "qwen_vl").lines[0]
    assert not any(r.backend == "turbomind" for c in only_pytorch.cells for r in c.reasons)
