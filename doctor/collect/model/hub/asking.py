"""What the hub is asked, through the bounded client. Its own client tells where that is and what addresses.

That import takes half a second: this module is imported only when the hub is asked. Its `build_hf_headers` and
`get_token` are not used: newer ones ask the hub themselves (for a list of agents, for fresh tokens), without any limit.
"""

from __future__ import annotations

from collections.abc import Mapping

from doctor.base.address import split_address
from doctor.base.files import Unreadable
from doctor.base.opening import first_bytes
from doctor.collect.model.hub.listing import LARGEST, Listing, Refused, listing
from doctor.remote.client import Answer, Client, Limits
from doctor.remote.errors import RemoteError

LONGEST_TOKEN = 8 << 10
# what the hub's error codes mean, else its status alone
_CODES = {
    "GatedRepo": "is gated: accept its terms on the hub and set HF_TOKEN",
    "RepoNotFound": "is not on the hub, or it is private; for a private one, set HF_TOKEN",
    "RevisionNotFound": "has no such revision on the hub",
    "EntryNotFound": "does not have a file that the hub lists",
}
_STATUSES = {
    401: _CODES["RepoNotFound"],
    403: "is not available: the hub denies access; accept the terms there, or set HF_TOKEN",
    404: _CODES["RepoNotFound"],
    429: "is not available: the hub limits requests (status 429); try again later",
}


class Hub:
    """One hub for one call: `limits` hold for all that is asked."""

    def __init__(self, limits: Limits, environ: Mapping[str, str]) -> None:
        named = environ.get("HF_ENDPOINT")
        if named and split_address(named) is None:  # its client cannot be imported with such a one
            raise Refused("is not available: `HF_ENDPOINT` is not an http:// or https:// address")
        from huggingface_hub import constants

        if constants.HF_HUB_OFFLINE:
            raise Refused("is not available: the hub was not asked, since its client is set to work offline")
        self.endpoint = (named or constants.ENDPOINT).rstrip("/")
        self._client = Client("the hub", limits)
        token = None if constants.HF_HUB_DISABLE_IMPLICIT_TOKEN else _token(environ, constants.HF_TOKEN_PATH)
        if token and not (token.isascii() and token.isprintable()):
            raise Refused("is not available: the hub was not asked, since the token in use is not valid")
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}

    def listing(self, repository: str) -> Listing:
        """What a repository holds. Raises Refused."""
        answer = self._get(f"{self.endpoint}/api/models/{repository}?blobs=true", LARGEST, {})
        if answer.status != 200:
            raise _refused(answer)
        return listing(answer.body)

    def file(self, repository: str, name: str, revision: str, limit: int) -> bytes:
        """A file of at most `limit` bytes, whole. Raises Refused."""
        answer = self._get(self._url(repository, name, revision), limit, {})
        if answer.status != 200:
            raise _refused(answer, "EntryNotFound")
        return answer.body

    def beginning(self, repository: str, name: str, revision: str, length: int, size: int | None) -> bytes:
        """The first bytes of a file, by range. Raises Unreadable where the server gives none; Refused.

        A server that knows no ranges begins to send all of it: what was asked for is taken, no more.
        """
        span = {"Range": f"bytes=0-{length - 1}"}
        answer = self._get(self._url(repository, name, revision), length, span, cut=True)
        if answer.status not in (200, 206):
            raise Unreadable(f"was rejected by the hub (status {answer.status})")
        where = answer.headers.get("content-range", "")
        if answer.status == 206 and not where.startswith("bytes 0-"):
            raise Unreadable("was not sent from its beginning by the hub")
        if size is not None and len(answer.body) < min(length, size):
            raise Unreadable("is shorter than the hub lists it")
        return answer.body

    def _url(self, repository: str, name: str, revision: str) -> str:
        from huggingface_hub import hf_hub_url

        return hf_hub_url(repository, name, revision=revision, endpoint=self.endpoint)

    def _get(self, url: str, limit: int, headers: dict[str, str], *, cut: bool = False) -> Answer:
        try:
            return self._client.get(url, limit, {**self._headers, **headers}, cut=cut)
        except RemoteError as error:
            raise Refused(f"is not available: {error}", late=error.kind == "timeout") from None


def _token(environ: Mapping[str, str], path: str) -> str | None:
    """The user's token, as the hub's client finds it: a variable, else the file that a login left."""
    for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"):
        if token := "".join(environ.get(name, "").split()):
            return token
    try:
        return "".join(first_bytes(path, LONGEST_TOKEN).decode("ascii").split()) or None
    except (OSError, ValueError):
        return None


def _refused(answer: Answer, usual: str | None = None) -> Refused:
    """Why the hub does not give something; `usual` is what its 404 means where it says no more."""
    said = _CODES.get(answer.headers.get("x-error-code", ""))
    if said is None and answer.status == 404 and usual is not None:
        said = _CODES[usual]
    said = said or _STATUSES.get(answer.status)
    return Refused(said or f"is not available: the hub answered with an error (status {answer.status})")
