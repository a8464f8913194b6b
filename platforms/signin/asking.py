"""HTTP to servers that are not the admin API: the issuer, and the hub for what it says to everybody."""

from __future__ import annotations

import ssl
from typing import TypeVar
from urllib.parse import urlencode, urlsplit

import msgspec

from platforms.bearer import Fixed
from platforms.calls import JSON, Request, Response
from platforms.errors import ContextError, UnexpectedAnswer
from platforms.origins import Address, read_address
from platforms.reach import AGENT, Endpoint, why
from platforms.wire import Wire
from transactions.errors import Unreachable

T = TypeVar("T")

FORM = "application/x-www-form-urlencoded"


class Asker:
    """Asks other servers than the platform, and says plainly which one gave no answer."""

    def __init__(self, ca: str | None, *, alone: bool = False) -> None:
        """``ca`` is a file of certificates to trust beside the machine's own, or instead of them where ``alone``."""
        self._ca = ca
        self._alone = alone

    def get(self, url: str, what: str) -> Response:
        """The answer to a GET; ``what`` names the server in messages.

        Raises:
            Unreachable: no answer.
        """
        return self._exchange(url, what, "GET", {}, None)

    def post(self, url: str, what: str, form: dict[str, str], headers: dict[str, str]) -> Response:
        """The answer to a form; raises Unreachable where there is none."""
        return self._exchange(url, what, "POST", {"Content-Type": FORM, **headers}, urlencode(form).encode())

    def _exchange(self, url: str, what: str, method: str, headers: dict[str, str], body: bytes | None) -> Response:
        parts = urlsplit(url)
        address = read_address(f"{parts.scheme}://{parts.netloc}", what)
        request = Request(
            method=method,
            target=(parts.path or "/") + (f"?{parts.query}" if parts.query else ""),
            headers={"Accept": JSON, "User-Agent": AGENT, **headers},
            body=body,
        )
        wire = Wire(
            Endpoint(address=address, tokens=Fixed(None), read_only=False, ca=self._ca if self._alone else None),
            trust=self._trust(address),
        )
        try:
            return wire.exchange(request)
        except Unreachable as error:
            # The wire words its advice for a hub.
            cause = error.__cause__ or error
            raise Unreachable(
                f"No answer from {what} at {address.url}: {why(cause)}. Nobody was signed in. "
                "Check the address and the network; for a certificate of your own, set ca in the context.",
                url=address.url,
            ) from cause
        finally:
            wire.close()

    def _trust(self, address: Address) -> ssl.SSLContext | None:
        if self._ca is None or self._alone or address.scheme != "https":
            return None
        # A plant's hub has a certificate of the plant's own authority, and its issuer often one of a public authority.
        trust = ssl.create_default_context()
        try:
            trust.load_verify_locations(cafile=self._ca)
        except (OSError, ssl.SSLError) as error:
            raise ContextError(
                f"The certificates in {self._ca} cannot be used: {error}. The issuer cannot be told from an impostor "
                "without them. Give a PEM file as ca of the context."
            ) from error
        return trust


def decode(response: Response, kind: type[T], what: str, url: str) -> T:
    """The JSON of an answer.

    Raises:
        UnexpectedAnswer: it is none, or lacks what has to be in it.
    """
    try:
        # Some issuers write numbers as strings.
        return msgspec.json.decode(response.body, type=kind, strict=False)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise UnexpectedAnswer(
            f"{what} answered {url} with something that cannot be read ({error}). Nobody was signed in. "
            "Check that the address is right, and that no proxy answers in its place."
        ) from error
