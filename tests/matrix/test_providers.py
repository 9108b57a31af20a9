"""What the shipped index of transformers' names answers; every expectation was seen in the published packages."""

from __future__ import annotations

import pytest

from doctor.matrix.providers import all_releases, releases_with
from doctor.matrix.releases import Releases, ReleaseSet


@pytest.mark.parametrize(
    ("module", "name", "spec"),
    [
        ("transformers.processing_utils", "ImagesKwargs", ">=4.42.0"),
        ("transformers", "BeamSearchScorer", "<=4.56.2"),
        ("transformers.generation.beam_search", "BeamSearchScorer", "<=4.57.6"),
        ("transformers.models.qwen2_vl", None, ">=4.45.0"),
        ("transformers.models", "qwen2_vl", ">=4.45.0"),
        ("transformers", "Qwen2VLForConditionalGeneration", ">=4.45.0"),
        ("transformers.models.qwen2_5_vl", None, ">=4.49.0"),
        ("transformers.models.qwen3_vl", None, ">=4.57.1"),
        ("transformers.utils", "is_safetensors_available", "<=4.57.6"),
        ("transformers", "AutoModelForImageTextToText", ">=4.46.1"),
        ("transformers", "LogitsWarper", "<=4.48.3"),
        ("transformers.image_utils", "make_batched_videos", ">=4.49.0,<=4.51.3"),
        ("transformers.generation.utils", "SampleOutput", "!=4.37.0,<=4.57.6"),
        ("transformers.processing_utils", "CommonKwargs", ">=4.42.0,<=4.57.6"),
        ("transformers", "PretrainedConfig", ""),
        ("transformers", "NoSuchThing", "<0"),
        ("transformers.no_such_module", "Anything", "<0"),
    ],
)
def test_transformers_names(module: str, name: str | None, spec: str) -> None:
    found = releases_with("transformers", module, name)
    assert found is not None
    assert found.spec() == spec


def test_a_yanked_release_is_a_member_but_never_chosen() -> None:
    found = releases_with("transformers", "transformers.models.qwen3_vl")
    assert found is not None
    assert found.contains("4.57.0") is True
    assert "4.57.0" not in found.versions
    assert found.oldest == "4.57.1"


def test_sets_meet() -> None:
    kwargs = releases_with("transformers", "transformers.processing_utils", "ImagesKwargs")
    scorer = releases_with("transformers", "transformers", "BeamSearchScorer")
    assert kwargs is not None and scorer is not None
    both = kwargs & scorer
    assert both.spec() == ">=4.42.0,<=4.56.2"
    assert both.newest == "4.56.2"


def test_a_release_the_index_does_not_know_is_open() -> None:
    found = releases_with("transformers", "transformers", "BeamSearchScorer")
    assert found is not None
    assert found.contains("99.0") is None
    assert found.contains("not a version") is None
    assert found.contains("4.56.2+local") is True


def test_a_distribution_without_index_is_not_known() -> None:
    assert releases_with("no-such-distribution", "x", "y") is None
    assert all_releases("no-such-distribution") is None


def test_a_spec_with_many_holes_is_the_newest_run() -> None:
    known = Releases("x", tuple(f"1.{n}" for n in range(30)))
    every_second = ReleaseSet(known, sum(1 << n for n in range(0, 20, 2)) | 0b111 << 25)
    assert every_second.spec() == ">=1.25,<=1.27"
    assert ReleaseSet(known, 0b10101).spec() == "!=1.1,!=1.3,<=1.4"


def test_spec_admits_exactly_the_members() -> None:
    from packaging.specifiers import SpecifierSet

    for module, name in [
        ("transformers.generation.utils", "SampleOutput"),
        ("transformers", "HybridCache"),
        ("transformers.image_utils", "VideoInput"),
    ]:
        found = releases_with("transformers", module, name)
        assert found is not None
        usable = found.releases.everything().versions
        assert tuple(SpecifierSet(found.spec()).filter(usable)) == found.versions
