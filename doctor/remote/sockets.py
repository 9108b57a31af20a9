"""The connections of `requests`, each known to the watch of the read that uses it. Import it only when it is used."""

from __future__ import annotations

import contextlib
import socket
from typing import Any

from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from doctor.remote.deadline import watched


class _Watched:
    """What both kinds of connection do more: a copy of the descriptor is kept, for the reads that use it later."""

    _copy: socket.socket | None = None

    def _new_conn(self) -> socket.socket:
        made: socket.socket = super()._new_conn()  # type: ignore[misc]
        self._forget()
        self._copy = made.dup()
        watched(made)
        return made

    def request(self, *arguments: Any, **options: Any) -> Any:
        """As `http.client` has it, on a connection that may be an older one."""
        if self._copy is not None:
            watched(self._copy)
        return super().request(*arguments, **options)  # type: ignore[misc]

    def close(self) -> None:
        """Closes the connection and the copy."""
        super().close()  # type: ignore[misc]
        self._forget()

    def _forget(self) -> None:
        if self._copy is not None:
            with contextlib.suppress(OSError):
                self._copy.close()
            self._copy = None


class _Plain(_Watched, HTTPConnection):
    pass


class _Secure(_Watched, HTTPSConnection):
    pass


class _PlainPool(HTTPConnectionPool):
    ConnectionCls = _Plain


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _Secure


_POOLS = {"http": _PlainPool, "https": _SecurePool}


class Adapter(HTTPAdapter):
    """The adapter of `requests`, straight or through a proxy, with watched connections. It retries nothing."""

    def init_poolmanager(self, *arguments: Any, **options: Any) -> None:
        """Makes the pools of straight connections."""
        super().init_poolmanager(*arguments, **options)
        self.poolmanager.pool_classes_by_scheme = _POOLS

    def proxy_manager_for(self, proxy: Any, **options: Any) -> Any:
        """The pools behind a proxy."""
        made = super().proxy_manager_for(proxy, **options)
        made.pool_classes_by_scheme = _POOLS
        return made
