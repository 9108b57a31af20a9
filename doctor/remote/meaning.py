"""What an error of the connection means, in a sentence. Their own messages are never shown: they may hold a login."""

from __future__ import annotations

import ssl

from doctor.base.text import one_line
from doctor.remote.errors import NOT_REACHED, Kind, RemoteError

# class of the error (or of one that it derives from or stands in front of) -> its kind, and what it means
_MEANING: tuple[tuple[str, Kind, str], ...] = (
    ("SSLError", "certificate", "failed the TLS handshake"),
    ("ProxyError", "connection", f"{NOT_REACHED}: the proxy refused or dropped the connection"),
    ("NameResolutionError", "connection", f"{NOT_REACHED}: no connection, its host name does not resolve"),
    ("gaierror", "connection", f"{NOT_REACHED}: no connection, its host name does not resolve"),
    ("NewConnectionError", "connection", f"{NOT_REACHED}: no connection"),
    ("Timeout", "timeout", "did not answer in time"),
    ("TimeoutError", "timeout", "did not answer in time"),
    ("InvalidHeader", "answer", "cannot be asked: the token or a header contains invalid characters"),
    ("InvalidSchema", "answer", "cannot be asked: its URL, or the proxy's, has an unsupported scheme"),
    ("InvalidProxyURL", "connection", f"{NOT_REACHED}: the proxy's URL is not valid"),
    ("RequestException", "connection", "dropped the connection or did not answer in HTTP"),
    ("HTTPError", "connection", "dropped the connection or did not answer in HTTP"),
    ("HTTPException", "connection", "dropped the connection or did not answer in HTTP"),
    ("error", "answer", "sent data that cannot be unpacked"),
    ("UnicodeError", "answer", "cannot be asked: its URL is not valid"),
    ("ValueError", "answer", "cannot be asked: its URL is not valid"),
)
_ADDRESS = ("MissingSchema", "InvalidURL", "LocationParseError", "LocationValueError")


def meaning(error: Exception, whose: str, over: bool) -> RemoteError:
    """The error in our words; `over` says that the deadline had come, whatever broke then."""
    if over:
        return RemoteError("timeout", f"{whose} did not answer in time")
    if isinstance(error, RemoteError):
        return error
    chain = list(_chain(error))
    names = {kind.__name__ for one in chain for kind in type(one).__mro__}
    for one in chain:
        if isinstance(one, ssl.SSLCertVerificationError):
            why = one_line(getattr(one, "verify_message", "") or "it is not valid", 120)
            return RemoteError("certificate", f"{whose} has a certificate that is not trusted ({why})")
    if names & set(_ADDRESS):
        return RemoteError("answer", f"{whose} cannot be asked: its URL is not valid")
    if type(error) is OSError and "CA certificate bundle" in str(error):
        return RemoteError("certificate", f"{whose} cannot be asked: the certificate bundle is not readable")
    for name, kind, said in _MEANING:
        if name in names:
            return RemoteError(kind, f"{whose} {said}")
    return RemoteError("connection", f"{whose} {NOT_REACHED}: no connection")


def _chain(error: BaseException) -> list[BaseException]:
    """An error, and those that it carries or stands in front of."""
    out: list[BaseException] = []
    todo: list[object] = [error]
    while todo and len(out) < 20:
        one = todo.pop(0)
        if isinstance(one, BaseException) and one not in out:
            out.append(one)
            todo += [one.__cause__, one.__context__, getattr(one, "reason", None), *one.args]
    return out
