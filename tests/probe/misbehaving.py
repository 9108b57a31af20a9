"""Servers that misbehave, one way each: what is replaced in the honest one, and the code that has to name it."""

from __future__ import annotations

import json
import time
from typing import Any

from tests.probe.serving import Act, Handler

GIB = 1 << 30


def raw(data: bytes, piece: bytes = b"", pause: float = 0.0, most: int = 100_000) -> Act:
    """Bytes as they stand, then a piece again and again; the connection is closed behind them."""

    def act(h: Handler) -> None:
        h.wfile.write(data)
        for _ in range(most if piece else 0):
            h.wfile.write(piece)
            time.sleep(pause)
        h.hang_up()

    return act


def refuses(status: int, message: Any) -> Act:
    """An error as most servers write it."""
    return lambda h: h.json({"error": {"message": message, "type": "BadRequestError", "code": status}}, status)


def detail(status: int, value: Any) -> Act:
    """An error as FastAPI writes it."""
    return lambda h: h.json({"detail": value}, status)


def page(status: int, title: str, kind: str = "text/html") -> Act:
    """A web page."""
    body = f"<html><head><title>{title}</title></head><body><h1>{title}</h1><hr>nginx</body></html>"
    return lambda h: h.send(body.encode(), status, kind)


def says(text: str | None, finish: str = "stop", **message: Any) -> Act:
    """A chat answer."""
    return lambda h: h.says(text, finish, **message)


def redirects(to: str, status: int = 307) -> Act:
    """Leads elsewhere."""
    return lambda h: h.send(b"", status, Location=to)


def stream(*pieces: str, end: bytes | None = None, pause: float = 0.0, closed: bool = True) -> Act:
    """A stream of pieces and one last event; without a finish."""

    def act(h: Handler) -> None:
        h.start_stream()
        for text in pieces:
            h.piece(text)
            time.sleep(pause)
        if end is not None:
            h.event(end)
        if closed:
            h.wfile.write(b"0\r\n\r\n")
        h.hang_up()

    return act


def burst(h: Handler) -> None:
    """A stream that something held back."""
    time.sleep(1.2)
    h.start_stream()
    for number in range(12):
        h.piece(f" {number}")
    h.event(b"[DONE]")
    h.wfile.write(b"0\r\n\r\n")


def typed(kind: str) -> Act:
    """A right answer under a wrong name."""
    choice = {"message": {"role": "assistant", "content": "5"}, "finish_reason": "stop"}
    return lambda h: h.send(json.dumps({"choices": [choice]}).encode(), kind=kind)


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
# how it is called: (what is replaced, the code, the check that shows it)
CASES: dict[str, tuple[dict[str, Act], str, str]] = {
    "HTML for everything": ({"all": page(200, "Open WebUI")}, "SRV130", "model"),
    "HTML 404": ({"all": page(404, "404 Not Found")}, "SRV130", "model"),
    "HTML without its type": ({"models": page(200, "Log in", "text/plain")}, "SRV130", "model"),
    "nginx 502": ({"all": page(502, "502 Bad Gateway")}, "SRV141", "health"),
    "nginx 504 for a chat": ({"text": page(504, "504 Gateway Time-out")}, "SRV141", "text"),
    "nginx 413 for a picture": ({"image": page(413, "413 Request Entity Too Large")}, "SRV143", "image"),
    "503 without end": ({"health": lambda h: h.send(b"", 503)}, "SRV140", "health"),
    "503 with a text": ({"health": refuses(503, "Loading model")}, "SRV140", "health"),
    "429": ({"text": refuses(429, "Rate limit reached")}, "SRV142", "text"),
    "slow drip of a body": ({"models": raw(HEAD + b"Content-Length: 9999\r\n\r\n{", b" ", 0.1)}, "SRV107", "model"),
    "slow drip of a head": ({"models": raw(b"HTTP/1.1 200 OK\r\nX-A: ", b"a", 0.1)}, "SRV106", "model"),
    "slow drip of an answer": ({"text": raw(HEAD + b"Content-Length: 9999\r\n\r\n{", b" ", 0.1)}, "SRV107", "text"),
    "silence": ({"all": lambda h: time.sleep(20)}, "SRV106", "health"),
    "silence for a picture": ({"image": lambda h: time.sleep(20)}, "SRV106", "image"),
    "endless body": ({"models": raw(HEAD + b"\r\n", b"x" * 65536)}, "SRV108", "model"),
    "endless health": ({"health": raw(HEAD + b"\r\n", b"x" * 65536)}, "SRV108", "health"),
    "endless head": ({"models": raw(b"HTTP/1.1 200 OK\r\n", b"X: y\r\n" * 200)}, "SRV113", "model"),
    "a claimed gigabyte": ({"models": raw(HEAD + f"Content-Length: {GIB}\r\n\r\n".encode(), b"x" * 65536)}, "SRV108", "model"),
    "cut in the middle": ({"models": raw(HEAD + b'Content-Length: 999\r\n\r\n{"data": [')}, "SRV110", "model"),
    "cut before the answer": ({"text": raw(b"")}, "SRV113", "text"),
    "no HTTP": ({"all": raw(b"SSH-2.0-OpenSSH_9.2\r\n")}, "SRV113", "health"),
    "redirect in a circle": ({"models": redirects("/v1/models")}, "SRV109", "model"),
    "POST turned into GET": ({"text": redirects("/login", 302)}, "SRV109", "text"),
    "redirect to a file": ({"models": redirects("file:///etc/passwd")}, "SRV109", "model"),
    "wrong model name": ({"text": refuses(404, "The model `owl-vl` does not exist.")}, "SRV150", "text"),
    "LMDeploy's wrong name": ({"text": lambda h: h.json({"object": "error", "message": "The model 'owl-vl' does not exist.", "code": 404}, 404)}, "SRV150", "text"),
    "LiteLLM's wrong name": ({"text": refuses(400, "Invalid model name passed in model=owl-vl. Call `/v1/models`")}, "SRV150", "text"),
    "LiteLLM without a server": ({"text": refuses(500, "litellm.InternalServerError: InternalServerError: OpenAIException - Connection error.")}, "SRV141", "text"),
    "LiteLLM's own key": ({"text": refuses(401, "litellm.AuthenticationError: OpenAIException - Incorrect API key")}, "SRV122", "text"),
    "no model listed": ({"models": lambda h: h.json({"data": []})}, "SRV151", "model"),
    "no model at all": ({"models": lambda h: h.json({"data": []}), "text": refuses(404, "The model 'default' does not exist.")}, "SRV151", "model"),
    "no list": ({"models": detail(404, "Not Found")}, "SRV134", "model"),
    "no chat": ({"all": detail(404, "Not Found"), "models": lambda h: h.json({"data": [{"id": "bge"}]}), "health": lambda h: h.send(b"")}, "SRV134", "text"),
    "not JSON": ({"models": lambda h: h.send(b"{'data': []}")}, "SRV131", "model"),
    "a list instead of an object": ({"text": lambda h: h.json([1, 2])}, "SRV131", "text"),
    "deep JSON": ({"text": lambda h: h.send(b"[" * 200_000)}, "SRV131", "text"),
    "JSON of another API": ({"text": lambda h: h.json({"response": "5"})}, "SRV133", "text"),
    "wrong content type": ({"text": typed("text/plain")}, "SRV132", "text"),
    "empty answer": ({"text": says("", "length")}, "SRV160", "text"),
    "no content": ({"text": says(None)}, "SRV160", "text"),
    "garbage of NaN": ({"text": says("!!!!!!!!!!!!!!!!")}, "SRV161", "text"),
    "garbage of one word": ({"text": says("the " * 40)}, "SRV161", "text"),
    "garbage of bytes": ({"text": says("\ufffd\ufffda\ufffd \ufffd\ufffdb\ufffd")}, "SRV161", "text"),
    "off the question": ({"text": says("Once upon a time there was a fox")}, "SRV162", "text"),
    "context too small": ({"image": refuses(400, "This model's maximum context length is 64 tokens. However, you requested 300 tokens")}, "SRV152", "image"),
    "SGLang's context": ({"text": refuses(400, "The input (40 tokens) is longer than the model's context length (32 tokens).")}, "SRV152", "text"),
    "no image support": ({"image": refuses(400, "Qwen/Qwen2-7B is not a multimodal model")}, "SRV170", "image"),
    "no image support, by validation": ({"image": detail(422, [{"loc": ["body", "messages", 0, "content"], "msg": "Input should be a valid string"}])}, "SRV170", "image"),
    "no images allowed": ({"image": refuses(400, "At most 0 image(s) may be provided in one prompt.")}, "SRV170", "image"),
    "one image allowed": ({"image": refuses(400, "At most 1 image(s) may be provided in one request.")}, "RUN475", "image"),
    "one image allowed, newer": ({"image": refuses(400, "At most 1 image(s) may be provided in one prompt.")}, "RUN475", "image"),
    "image as a path": ({"image": refuses(400, "The URL must be either a HTTP, data or file URL.")}, "SRV171", "image"),
    "image as a file": ({"image": refuses(400, "Cannot load local files without `--allowed-local-media-path`.")}, "SRV171", "image"),
    "image as a path of the client": ({"image": refuses(500, "[Errno 2] No such file or directory: 'data:image/png;base64,iVBOR'")}, "SRV171", "image"),
    "unreadable image": ({"image": refuses(400, "cannot identify image file <_io.BytesIO object at 0x7f2>")}, "SRV172", "image"),
    "picture not seen": ({"image": says("I cannot see any picture.")}, "SRV173", "image"),
    "out of memory": ({"image": refuses(500, "CUDA out of memory. Tried to allocate 2.00 GiB")}, "RUN320", "image"),
    "no chat template": ({"text": refuses(400, "As of transformers v4.44, default chat template is no longer allowed, so you must provide a chat template if the tokenizer does not define one.")}, "RUN455", "text"),
    "dead engine": ({"text": refuses(500, "EngineCore encountered an issue. See stack trace (above) for the root cause.")}, "SRV146", "text"),
    "unknown error": ({"text": refuses(500, "owls are asleep")}, "SRV144", "text"),
    "unknown refusal": ({"text": refuses(400, "owls only at night")}, "SRV145", "text"),
    "an error with status 200": ({"text": lambda h: h.json({"error": {"message": "owls only at night"}})}, "SRV145", "text"),
    "schema refused": ({"schema": refuses(400, "Structured outputs are not supported by this engine")}, "SRV180", "schema"),
    "schema ignored": ({"schema": says("There are three green apples.")}, "SRV181", "schema"),
    "schema in a fence": ({"schema": says('```json\n{"hue": "green", "pieces": 3}\n```')}, "SRV181", "schema"),
    "another schema": ({"schema": says('{"color": "green", "count": 3}')}, "SRV182", "schema"),
    "schema with a wrong type": ({"schema": says('{"hue": "green", "pieces": "3"}')}, "SRV182", "schema"),
    "schema cut": ({"schema": says('{"hue": "green",   ', "length")}, "SRV183", "schema"),
    "stream cut by a lost connection": ({"stream": stream("one", " two", closed=False)}, "SRV190", "speed"),
    "stream without an end": ({"stream": stream("one", " two")}, "SRV190", "speed"),
    "stream of broken events": ({"stream": stream("one", end=b'{"choices": [{')}, "SRV192", "speed"),
    "stream with an error": ({"stream": stream("one", end=b'{"error": {"message": "worker died"}}')}, "SRV194", "speed"),
    "stream that drips without end": ({"stream": stream(*["a"] * 500, pause=0.05)}, "SRV107", "speed"),
    "no stream": ({"stream": says("one two three")}, "SRV191", "speed"),
    "held back": ({"stream": burst}, "SRV193", "speed"),
    "empty stream": ({"stream": stream(end=b"[DONE]")}, "SRV160", "speed"),
    "no metrics": ({"metrics": detail(404, "Not Found")}, "SRV200", "metrics"),
    "metrics as a page": ({"metrics": page(200, "vLLM UI")}, "SRV201", "metrics"),
    "metrics that stand still": ({"metrics": lambda h: h.send(b"vllm:generation_tokens_total 7\n", kind="text/plain")}, "SRV202", "metrics"),
}  # fmt: skip
