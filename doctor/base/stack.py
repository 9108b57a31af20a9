"""A stack of one's own for what recurses in C or very deeply in Python, and how much stack is left for that here."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")
_MAIN_AT_MOST = 8 << 20  # bytes; also for `ulimit -s unlimited`
_MAIN_ELSEWHERE = 1 << 20  # Windows
_declared = threading.local()
_starting = threading.Lock()  # the stack size of new threads is one for the whole process


class NoStack(RuntimeError):
    """The system gives no thread with a stack of the size asked for."""


def with_stack(action: Callable[[], T], size: int, recursion: int = 0) -> T:
    """The result of `action`, run in a thread whose stack has `size` bytes; what it raises is raised here.

    `recursion` is the lowest limit of Python's recursion meanwhile. Raises NoStack where there is no such stack.
    """
    results: list[T] = []
    errors: list[BaseException] = []

    def run() -> None:
        _declared.size = size
        try:
            results.append(action())
        except BaseException as error:
            errors.append(error)

    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(max(limit, recursion))
    try:
        _started(threading.Thread(target=run, name="stack", daemon=True), size).join()
    finally:
        sys.setrecursionlimit(limit)
    if errors:
        raise errors[0]
    return results[0]


def _started(thread: threading.Thread, size: int) -> threading.Thread:
    with _starting:
        before = threading.stack_size()
        try:
            threading.stack_size(size)
            thread.start()
        except (ValueError, RuntimeError):
            raise NoStack(f"there is no stack of {size >> 20} MiB") from None
        finally:
            threading.stack_size(before)
    return thread


def stack_left() -> int:
    """Bytes of stack that one call in C can surely take here; 0 in a thread of which nothing is known."""
    size: int | None = getattr(_declared, "size", None)
    if size is not None:
        return size // 16  # the most of it is for Python's own frames
    return _main_stack() // 2 if threading.current_thread() is threading.main_thread() else 0


def _main_stack() -> int:
    try:
        import resource
    except ImportError:
        return _MAIN_ELSEWHERE
    soft = resource.getrlimit(resource.RLIMIT_STACK)[0]
    return _MAIN_AT_MOST if soft == resource.RLIM_INFINITY else min(soft, _MAIN_AT_MOST)
