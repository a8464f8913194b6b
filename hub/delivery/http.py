"""The HTTP channel."""

from __future__ import annotations

import asyncio
import io
import os
import zlib

import aiohttp

from hub.delivery.answers import Answer
from hub.delivery.channel import NoAnswer, NotSent, Outgoing
from hub.delivery.profile import Profile
from transactions.model import FailureKind

_ANSWER_LIMIT = 1_048_576  # bytes of an answer that are read; the rest of a larger one is of no use
_PATIENCE = 4  # read timeouts for a whole exchange: nobody keeps a delivery open a byte at a time
_AT_ONCE = 65_536  # bytes of a document that go to the connection in one piece; larger ones are streamed


class HttpChannel:
    """Requests over pooled HTTP/1.1 connections. Redirects are answers: targets come from configuration only."""

    def __init__(self, profile: Profile) -> None:
        self._profile = profile
        self._whole = profile.connect_timeout + _PATIENCE * profile.read_timeout
        self._session: aiohttp.ClientSession | None = None

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=15),
                cookie_jar=aiohttp.DummyCookieJar(),
                headers={"User-Agent": "andon-hub", "Accept-Encoding": "identity"},
                auto_decompress=False,  # an answer of a few bytes may be gigabytes when it is unpacked
                trust_env=False,  # no proxy and no password that an environment variable or a netrc names
                timeout=aiohttp.ClientTimeout(
                    total=None,
                    connect=self._profile.connect_timeout,
                    sock_connect=self._profile.connect_timeout,
                    sock_read=self._profile.read_timeout,
                ),
            )
        return self._session

    async def send(self, request: Outgoing) -> Answer:
        """See :class:`hub.delivery.channel.Channel`."""
        try:
            async with (
                asyncio.timeout(self._whole),
                self._open().request(
                    request.method,
                    request.url,
                    headers=request.headers,
                    data=_body(request),
                    allow_redirects=False,
                    ssl=True if request.pinned is None else aiohttp.Fingerprint(bytes.fromhex(request.pinned)),
                ) as response,
            ):
                body = await response.content.read(_ANSWER_LIMIT)
                while not response.content.at_eof() and len(body) < _ANSWER_LIMIT:
                    body += await response.content.read(_ANSWER_LIMIT - len(body))
                headers = {name.lower(): value for name, value in response.headers.items()}
                body = _unpacked(body, headers.get("content-encoding", ""))
                return Answer(status=response.status, headers=headers, body=body)
        except aiohttp.ServerFingerprintMismatch as error:
            raise NotSent(
                FailureKind.CERTIFICATE, "other-certificate", f"{error.host} shows another certificate than it should"
            ) from error
        except (aiohttp.ClientConnectorCertificateError, aiohttp.ClientConnectorSSLError) as error:
            raise NotSent(FailureKind.CERTIFICATE, "tls", f"No TLS connection: {error}") from error
        except aiohttp.ClientConnectorError as error:
            # a name that does not resolve has a negative number, which is none of the system's errors
            refused = os.strerror(error.errno) if error.errno and error.errno > 0 else str(error.strerror or error)
            raise NotSent(FailureKind.UNREACHABLE, "connection-refused", f"No connection: {refused}") from error
        except aiohttp.ConnectionTimeoutError as error:
            seconds = self._profile.connect_timeout
            raise NotSent(FailureKind.TIMEOUT, "connect-timeout", f"No connection within {seconds:g} s") from error
        except (aiohttp.InvalidURL, aiohttp.NonHttpUrlClientError) as error:
            raise NotSent(FailureKind.UNREACHABLE, "bad-url", f"Its address cannot be used: {error}") from error
        except aiohttp.SocketTimeoutError as error:
            seconds = self._profile.read_timeout
            raise NoAnswer("read-timeout", f"No answer within {seconds:g} s after the request left") from error
        except TimeoutError as error:
            raise NoAnswer("read-timeout", f"No whole answer within {self._whole:g} s") from error
        except (aiohttp.ClientError, OSError) as error:
            raise NoAnswer("connection-lost", f"The connection broke before the answer came: {error}") from error

    async def close(self) -> None:
        """Close every connection."""
        if self._session is not None:
            await self._session.close()
            self._session = None


def _unpacked(body: bytes, coding: str) -> bytes:
    """The body of an answer that was packed although nobody asked for it: no more than is read of any."""
    if coding.strip().lower() not in ("gzip", "x-gzip", "deflate"):
        return body
    try:
        return zlib.decompressobj(wbits=47).decompress(body, _ANSWER_LIMIT)  # 47: gzip or zlib, as its head says
    except zlib.error:
        return body


def _body(request: Outgoing) -> bytes | io.BytesIO | None:
    content = request.content
    return content if content is None or len(content) <= _AT_ONCE else io.BytesIO(content)
