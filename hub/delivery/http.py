"""The HTTP channel."""

from __future__ import annotations

import os

import aiohttp

from hub.delivery.answers import Answer
from hub.delivery.channel import NoAnswer, NotSent, Outgoing
from hub.delivery.profile import Profile
from transactions.model import FailureKind

_ANSWER_LIMIT = 1_048_576  # bytes of an answer that are read; the rest of a larger one is of no use


class HttpChannel:
    """Requests over pooled HTTP/1.1 connections. Redirects are answers: targets come from configuration only."""

    def __init__(self, profile: Profile) -> None:
        self._profile = profile
        self._session: aiohttp.ClientSession | None = None

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=15),
                cookie_jar=aiohttp.DummyCookieJar(),
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
            async with self._open().request(
                request.method, request.url, headers=request.headers, data=request.content, allow_redirects=False
            ) as response:
                body = await response.content.read(_ANSWER_LIMIT)
                while not response.content.at_eof() and len(body) < _ANSWER_LIMIT:
                    body += await response.content.read(_ANSWER_LIMIT - len(body))
                headers = {name.lower(): value for name, value in response.headers.items()}
                return Answer(status=response.status, headers=headers, body=body)
        except (aiohttp.ClientConnectorCertificateError, aiohttp.ClientConnectorSSLError) as error:
            raise NotSent(FailureKind.CERTIFICATE, "tls", f"No TLS connection: {error}") from error
        except aiohttp.ClientConnectorError as error:
            refused = os.strerror(error.errno) if error.errno else str(error)
            raise NotSent(FailureKind.UNREACHABLE, "connection-refused", f"No connection: {refused}") from error
        except aiohttp.ConnectionTimeoutError as error:
            seconds = self._profile.connect_timeout
            raise NotSent(FailureKind.TIMEOUT, "connect-timeout", f"No connection within {seconds:g} s") from error
        except aiohttp.InvalidURL as error:
            raise NotSent(FailureKind.UNREACHABLE, "bad-url", f"Its address cannot be used: {error}") from error
        except aiohttp.SocketTimeoutError as error:
            seconds = self._profile.read_timeout
            raise NoAnswer("read-timeout", f"No answer within {seconds:g} s after the request left") from error
        except aiohttp.ClientError as error:
            raise NoAnswer("connection-lost", f"The connection broke before the answer came: {error}") from error

    async def close(self) -> None:
        """Close every connection."""
        if self._session is not None:
            await self._session.close()
            self._session = None
