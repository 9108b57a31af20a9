"""The side of a node: answers on stdout what is asked on stdin, and ends when stdin does.

A coordinator that dies closes the pipe, whatever it was killed by; the process then ends at once, from a thread of its
own, even while it collects. It leaves no child behind, and no file but the cache that every check keeps.
"""

from __future__ import annotations

import os
import queue
import shutil
import sys
import threading
import time
from collections.abc import Callable
from typing import Any, BinaryIO

from doctor import __version__
from doctor.base.json_object import JsonObject
from doctor.collect.declared.request import DeclaredRequest
from doctor.collect.python.target import TargetRequest
from doctor.derived.digest import digest_of
from doctor.facts import Facts
from doctor.facts.codec import to_json
from doctor.fleet.boot import FOLDER
from doctor.fleet.connect import Listener, Peer, try_all
from doctor.fleet.digest_line import to_line
from doctor.fleet.served import Served
from doctor.fleet.wire import MARK, line_of, packed
from doctor.pipeline.collecting import collect
from doctor.pipeline.request import Request

LONGEST = 1 << 20
GONE = 98
LONGEST_HOLD = 120.0


def node_for(
    target: TargetRequest, launch: tuple[str, ...], declared: DeclaredRequest, **asked: str | None
) -> Node:  # fmt: skip
    """The side of a node for what is asked of it: `model`, `gpu` and `driver`. Loads only what collecting needs."""
    request = Request(target, launch, **asked, declared=declared)  # type: ignore[arg-type]
    return Node(lambda: collect(request), __version__)


class Node:
    """One session: the facts are collected when they are first asked for, and once."""

    def __init__(self, collect: Callable[[], Facts], version: str) -> None:
        self.collect, self.version = collect, version
        self.facts: Facts | None = None
        self.listeners: dict[int, Listener] = {}
        self.served: Served | None = None
        self.stopped = False
        self.out: BinaryIO | None = None
        self.speaking = threading.Lock()

    def serve(self, stdin: BinaryIO, out: BinaryIO) -> None:
        """Answers until stdin ends."""
        lines: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self.out = out
        threading.Thread(target=self._read, args=(stdin, lines), daemon=True).start()
        self.say(out, {"hello": self.version, "python": sys.version.split()[0], "executable": sys.executable})
        while True:
            line = lines.get()
            begin = line.find(MARK)
            if begin < 0:
                continue
            self.say(out, self.answer(line[begin + len(MARK) :]))

    def once(self, line: bytes, out: BinaryIO, hold: float) -> None:
        """Answers one question without stdin, and stays `hold` seconds for the ports that it opened."""
        self.say(out, self.answer(line))
        time.sleep(min(max(hold, 0.0), LONGEST_HOLD))

    def say(self, out: BinaryIO, message: JsonObject) -> None:
        """Sends one message, whole."""
        with self.speaking:
            out.write(line_of(message))
            out.flush()

    def answer(self, line: bytes) -> JsonObject:
        """The answer to one question; what went wrong is one sentence under `problem`."""
        import json

        try:
            asked = json.loads(line)
            return self._answer(asked["ask"], asked)
        except (ValueError, OSError) as error:
            return {"problem": f"{error}"}
        except Exception as error:  # the coordinator is told, and decides
            return {"problem": f"{type(error).__name__}: {error}"}

    def _answer(self, ask: str, asked: dict[str, Any]) -> JsonObject:
        if ask == "digest":
            self.facts = self.facts or self.collect()
            return {"digest": to_line(digest_of(self.facts))}
        if ask == "facts":
            self.facts = self.facts or self.collect()
            return {"facts": packed(to_json(self.facts))}
        if ask == "listen":
            port = int(asked.get("port") or 0)
            if port not in self.listeners:
                self.listeners[port] = Listener(port)
            return {"port": self.listeners[port].port}
        if ask == "run" and self.stopped:
            raise ValueError("stopped before its server was started")
        if ask == "run" and self.out is not None and self.served is None:
            options, out = [str(w) for w in asked.get("options", ())], self.out
            words = [str(w) for w in asked["words"]]
            self.served = Served(words, options, float(asked["grace"]), lambda said: self.say(out, said))
            return {"started": self.served.child.pid}
        if ask == "stop":
            self.stopped = True
            if self.served is not None:
                threading.Thread(target=self.served.stop, daemon=True).start()
            return {"stopping": self.served is not None}
        if ask == "connect":
            peers = [Peer(str(name), str(host), int(port)) for name, host, port in asked["to"]]
            return {"tried": [to_json(t) for t in try_all(peers)]}
        raise ValueError(f"an unknown question: {ask}")


    def _read(self, stdin: BinaryIO, lines: queue.SimpleQueue[bytes]) -> None:
        """Lines of at most a mebibyte; at the end of the input the server ends, then the whole process."""
        while line := stdin.readline(LONGEST):
            lines.put(line)
        if self.served is not None:
            self.served.stop()
        _end()


def _end() -> None:
    if folder := os.environ.get(FOLDER):
        shutil.rmtree(folder, ignore_errors=True)
    os._exit(GONE)
