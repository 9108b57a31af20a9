"""GPUs that are given to a container as devices of another vendor count as asked for."""

from __future__ import annotations

import pytest

from doctor.launch.read import read_launch


@pytest.mark.parametrize(
    ("devices", "gpus"),
    [
        (("--device=/dev/kfd", "--device=/dev/dri"), "devices"),
        (("--device", "nvidia.com/gpu=all"), "all"),
        (("--device", "/dev/fuse"), None),
    ],
)
def test_devices_of_a_container(devices: tuple[str, ...], gpus: str | None) -> None:
    found = read_launch(("docker", "run", *devices, "my/image", "vllm", "serve", "m"), {}, "/")
    assert found.container is not None and found.container.gpus == gpus
