"""Content from an http(s) server. A module of its own: only an image that comes from one pays for the import."""

from __future__ import annotations

import http.client
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from .content import Content, SourceError

QUIET_SECONDS: Final = 30.0
"""A server that sends nothing for this long has failed."""


@contextmanager
def fetched(location: str) -> Iterator[Content]:
    """Open a URL for one pass. Raises SourceError; reading raises OSError."""
    request = urllib.request.Request(location, headers={"User-Agent": "quietcore", "Accept-Encoding": "identity"})
    try:
        response = urllib.request.urlopen(request, timeout=QUIET_SECONDS)
    except urllib.error.HTTPError as error:
        raise SourceError(f"{location}: the server answered {error.code} {error.reason}") from error
    except (OSError, http.client.HTTPException, ValueError) as error:
        reason = getattr(error, "reason", error)
        raise SourceError(f"{location}: {reason}") from error

    def read(amount: int) -> bytes:
        try:
            # read1 gives what has come: a slow server must not keep a cancellation waiting.
            return bytes(response.read1(amount))
        except http.client.HTTPException as error:
            raise OSError(str(error)) from error

    with response:
        length = response.headers.get("Content-Length", "")
        if not length.isdigit():
            raise SourceError(
                f"{location}: the server does not say how long the content is (no Content-Length)",
                "download it and give the local path",
            )
        yield Content(location, int(length), read, etag=response.headers.get("ETag", ""))
