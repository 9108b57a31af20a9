"""When a run was ready, worked, died and was asked to stop; which of its errors it survived."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

from doctor.base.late import late_pattern
from doctor.base.record import dataclass
from doctor.explain.life import signs
from doctor.explain.lines import Line
from doctor.explain.traces import Trace

_ACCESS = late_pattern(r"\"(?:POST|GET|PUT) [^\"\s]{1,300} HTTP/[\d.]{1,3}\" (?P<status>\d{3})")
_COMPLETION = late_pattern(r"\"POST [^\"\s]{0,200}/(?:chat|completions|generate|messages|responses)\b")
_ENGINE = late_pattern(r"/(?:worker|executor|model_executor|model_runner|engine/core|scheduler)\w{0,40}[./]")
_TOP = late_pattern(r"^(?:<module>|_run_code|_run_module_as_main|_bootstrap)$")
_NEAR = 60


@dataclass(frozen=True)
class Life:
    """Line numbers of the events, each list in order; `statuses` of all requests, `posts` of those to the model, each
    with its line; `last` is the log's last line."""

    ready: Sequence[int]
    worked: Sequence[int]
    dead: Sequence[int]
    stopped: Sequence[int]
    statuses: Sequence[tuple[int, int]]
    posts: Sequence[tuple[int, int]]
    last: int

    @cached_property
    def alive(self) -> int:
        """The last line that shows the server at work or ready; 0 where none does."""
        return max((*self.ready[-1:], *self.worked[-1:]), default=0)

    @cached_property
    def answered(self) -> Sequence[int]:
        """Where a request to the model was answered with status 2xx."""
        return [n for n, status in self.posts if 200 <= status < 300]

    def served(self, number: int) -> bool:
        """Whether the server was ready before this line."""
        return bool(self.ready) and self.ready[0] < number

    def survived(self, number: int, trace: Trace | None = None) -> bool:
        """Whether the server was there after what this line tells: ready again, or at work and not said to be dead."""
        if self.ready and self.ready[-1] > number:
            return True
        if not self.worked or self.worked[-1] < number or (trace is not None and _ended_process(trace)):
            return False
        return not any(number <= d < self.worked[-1] for d in self.dead)

    def of_a_request(self, number: int, trace: Trace | None) -> bool:
        """Whether this failed one request of a server that was up, by the request's own fault (status 4xx)."""
        if not self.served(number) or any(d >= number for d in self.dead):
            return False
        if trace is not None and (_ENGINE.search(trace.paths) or _ended_process(trace)):
            return False
        near = [s for n, s in self.statuses if abs(n - number) <= _NEAR]
        return any(400 <= s < 500 for s in near) and not any(s >= 500 for s in near)


def life_of(lines: Sequence[Line]) -> Life:
    """The events of a log; what was set aside is none."""
    kept = [line for line in lines if not line.aside]
    starts, place = [], 0
    for line in kept:
        starts.append(place)
        place += len(line.text) + 1
    text = signs.Text("\n".join(line.text for line in kept) + "\n", starts)

    def numbers(places: Sequence[int]) -> list[int]:
        return [kept[p].number for p in places]

    access = [p for p in text.places(('HTTP/1.1" ', 'HTTP/2" ', 'HTTP/1.0" ')) if _ACCESS.search(kept[p].text)]
    statuses = [(kept[p].number, int(m["status"])) for p in access if (m := _ACCESS.search(kept[p].text))]
    posts = [s for s, p in zip(statuses, access, strict=True) if _COMPLETION.search(kept[p].text)]
    return Life(
        numbers(signs.ready(text)), numbers(signs.worked(text)), numbers(signs.dead(text)),
        numbers(signs.stopped(text)), statuses, posts, lines[-1].number if lines else 0,
    )  # fmt: skip


def _ended_process(trace: Trace) -> bool:
    """Whether a traceback goes up to the program's start, so that it ended the process that wrote it."""
    return bool(trace.frames) and bool(_TOP.search(trace.frames[0].function))
