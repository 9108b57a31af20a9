"""What an agent asks, read into a request: every text of it is bounded, and a sentence says what is wrong with it."""

from __future__ import annotations

from pathlib import Path

from doctor import api
from doctor.base.text import one_line

LONGEST = {"command": 16 << 10, "log": 1 << 20}  # characters; of everything else `SHORT`
SHORT = 4096


class Refused(ValueError):
    """What is asked cannot be answered as it stands; one sentence for the agent."""


def bounds(**texts: str | None) -> None:
    """Raises Refused for a text that is too long, or that no file or command can hold."""
    for name, text in texts.items():
        most = LONGEST.get(name, SHORT)
        if text and len(text) > most:
            raise Refused(f"`{name}` is longer than {most} characters")
        if text and name != "log" and "\0" in text:
            raise Refused(f"`{name}` holds a NUL character")


def request(
    command: str = "", python: str = "", model: str = "", gpu: str = "", driver: str = "", file: str = ""
) -> api.Request:  # fmt: skip
    """The request. `file` declares an environment that is not installed. Raises Refused."""
    bounds(command=command, python=python, model=model, gpu=gpu, driver=driver, file=file)
    if python and file:
        raise Refused("give either `python` or `file`, not both: one is installed, the other is not")
    asked = api.request(command)
    declared = _declared(file) if file else api.DeclaredRequest()
    return api.Request(
        api.TargetRequest(python=python or None), asked.launch, model=model or None, gpu=gpu or None,
        driver=driver or None, declared=declared, online=True,
    )  # fmt: skip


def _declared(file: str) -> api.DeclaredRequest:
    """Pins and Dockerfiles are requirements; whatever describes services is a deployment."""
    if not Path(file).is_file():
        raise Refused(f"`{one_line(file, 200)}` is not a file")
    name = Path(file).name.lower()
    pins = name.endswith((".txt", ".toml", ".lock", ".in")) or "dockerfile" in name or name.startswith("environment.y")
    return api.DeclaredRequest((file,)) if pins else api.DeclaredRequest(deployments=(file,))
