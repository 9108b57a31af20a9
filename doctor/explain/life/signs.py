"""The lines that say where a server is in its life, in the words of the engines, of what serves HTTP and of shells."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence

from doctor.base.late import late_pattern
from doctor.base.record import dataclass

# Each kind: the words one of which the line holds, and a pattern that the line must fit besides (None: the words do).
_READY = (
    "Application startup complete", "Uvicorn running on", "The server is fired up and ready to roll",
    "server is listening on", "all slots are idle", "Started HTTPService at", "Started GRPCInferenceService",
    "Running on http", "Listening at: http", "Starting development server at", "msg=\"Listening on ", "Serve app",
    "ready to accept connections", "Ready to accept connections", "erver listening on", "istening on http",
    "start worker processes", "Serving HTTP on ", "Webserver started", "text_generation_router::server: Connected",
    "ready to receive requests", "service is running", "Router ready", "erver started on", "erver is running on",
    "eady to serve", "erver is ready", "Now listening on", "Server running at",
)  # fmt: skip
_WORK = (
    "\" 20", " throughput", "Decode batch", "Prefill batch", "Finished request", " finished, reason", "100%|",
    "done request: ", "| 200 |", "text_generation_router::server: Success", "completed in ",
)  # fmt: skip
_DEAD = (
    "EngineDeadError", "Engine core initialization failed", "EngineCore encountered", "EngineCore failed to start",
    "EngineCore hit an exception", "died unexpectedly", "died, exit code", "Engine process (pid", "Killed",
    "Engine process failed to start", "Received sigquit from a child", "Segmentation fault", "terminate called",
    "core dumped", "Fatal Python error", "Engine loop is not running", "OOMKilled", "CrashLoopBackOff",
    "Application startup failed", "Got fatal signal", "ShardCannotStart", "Scheduler hit an exception",
    "WorkerProc failed to start", "WorkerProc initialization failed", "ChildFailedError", "Background loop has errored",
    "killed process", "Killed process", "exited with code ", "exited with status", "worker died", "ActorDiedError",
    "error while attempting to bind", "Bus error", "Aborted (", "hit an exception:",
    "Dumping input data for V1 LLM engine",
)  # fmt: skip
_STOP = (
    "^C", "Received SIGINT", "Received SIGTERM", "received SIGINT", "received SIGTERM", "eceived signal 2",
    "eceived signal 15", "SIGTERM received", "SIGINT received", "Handling signal: term", "Handling signal: int",
    "Received signal to terminate", "Shutting down FastAPI HTTP server", "INFO:     Shutting down", "Shutting down\n",
    "Received terminate signal", "Gracefully stopping", "Keyboard interrupt", "eceived signum[2]", "eceived signum[15]",
    "eceived Ctrl+C", "eceived interrupt signal", "eceived terminate signal",
)  # fmt: skip
_GOOD = late_pattern(
    r"\"POST [^\"\s]{1,300} HTTP/[\d.]{1,3}\" 20\d|[Tt]hroughput: {1,2}\d|Decode batch|Prefill batch|Finished request|"
    r"finished, reason|Processed prompts: {1,2}100%|done request: POST [^\n]{1,200} 200|::server: Success|"
    r"\[GIN\][^\n]{1,60}\| 200 \|[^\n]{1,80}POST"
)
_BAD = late_pattern(r"exited with (?:code|status) 0\b")


@dataclass(frozen=True, slots=True)
class Text:
    """What a log said, line after line, with the way back from an offset to the place of its line."""

    text: str
    starts: Sequence[int]

    def line_at(self, offset: int) -> int:
        """The place of the line, from 0."""
        return bisect_right(self.starts, offset) - 1

    def places(self, literals: Sequence[str], pattern: re.Pattern[str] | None = None) -> list[int]:
        """The places of the lines that hold one of the literals and fit the pattern, in order."""
        found: set[int] = set()
        for literal in literals:
            at = self.text.find(literal)
            while at >= 0:
                place = self.line_at(at)
                end = self.starts[place + 1] if place + 1 < len(self.starts) else len(self.text)
                if pattern is None or pattern.search(self.text, self.starts[place], end):
                    found.add(place)
                at = self.text.find(literal, max(end, at + 1))
        return sorted(found)


def ready(text: Text) -> list[int]:
    """Where a server said that it takes requests."""
    return text.places(_READY)


def worked(text: Text) -> list[int]:
    """Where a request was answered or a batch was done."""
    return text.places(_WORK, _GOOD)


def dead(text: Text) -> list[int]:
    """Where a process of the server was said to have ended or to be about to."""
    ended_well = set(text.places(("exited with ",), _BAD))
    return [place for place in text.places(_DEAD) if place not in ended_well]


def stopped(text: Text) -> list[int]:
    """Where someone asked the server to end."""
    return text.places(_STOP)
