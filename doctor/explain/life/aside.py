"""Lines that are no evidence of a failure: what a user or a model said, and what Python or the engine ignored."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from doctor.base.late import late_pattern
from doctor.explain.lines import Line

LONGEST = 400  # lines of one block that is ignored
# Where the words of a user or of a model begin in the request logs of the engines.
_SPOKEN = late_pattern(
    r"(?:Received request [\w.-]{1,120}: prompt: |Generated response [\w.-]{1,120}[^:\n]{0,40}: output: |"
    r"^(?:User|Assistant|Human|Question|Answer|Response|Prompt|Generated text|Output)\s?: |"
    r"\b(?:prompt|text|input_text)[\"']?[=:] ?[\"']|\bout(?:put)?(?:_text)?[\"']?[=:] ?(?:\{'text': )?[\"']|"
    r"\b(?:messages|content|inputs)[\"']?[=:] ?[\[{\"'])"
)
_REQUEST = ("Received request", "Generated response", "GenerateReqInput", "Finish: obj", "Receive: obj", "prompt",
            "essages", "content", "User", "ssistant", "Human", "Question", "Answer", "Response", "Prompt", "Output",
            "Generated text")  # fmt: skip
_RAISES = late_pattern(r"[\w.]{0,120}(?:Error|Exception)\b")
_IGNORED = late_pattern(
    r"Ignore import error|Exception ignored (?:in|on|while)|Ignoring (?:exception|error)\b"
    r"|RuntimeWarning: Failed to read commit hash|No module named 'vllm\._(?:version|commit_id)'"
    r"|deprecated `?pynvml`? package"
)
_HINTS = ("gnor", "commit hash", "pynvml", "vllm._")
_OPEN, _CLOSE = "[start of ", "[end of "


def spoken(text: str) -> str:
    """A line without the words of a user or a model in it."""
    if not any(w in text for w in _REQUEST) or _RAISES.match(text):
        return text
    match = _SPOKEN.search(text)
    return text[: match.end()] if match else text


def set_aside(lines: Sequence[Line]) -> None:
    """Marks what the log itself says was ignored, and cuts the words of users. `lines` are those of one process."""
    place = 0
    while place < len(lines):
        line = lines[place]
        if line.level in ("", "INFO", "DEBUG") and line.role == "text":
            line.text = spoken(line.text)
        if any(word in line.text for word in _HINTS) and _IGNORED.search(line.text[:600]):
            for ignored in _block(lines, place):
                ignored.aside = True
                place += 1
            continue
        place += 1


def _block(lines: Sequence[Line], place: int) -> Iterator[Line]:
    """A line that says that something was ignored, and what it goes on with: indented lines, one traceback."""
    yield lines[place]
    trace, opened = None, _OPEN in lines[place].text
    for line in lines[place + 1 : place + LONGEST]:
        mine = line.trace is not None and (trace is None or line.trace is trace)
        if not (opened or mine or not line.text or line.text.startswith((" ", "\t"))):
            return
        if line.trace is not None and line.trace is not trace:
            if trace is not None and not opened:
                return
            trace = line.trace
        opened = (opened or _OPEN in line.text) and _CLOSE not in line.text
        yield line
        if trace is not None and line.role == "error" and not opened:
            return
