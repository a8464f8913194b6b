"""What a target's answer means: by the word it uses for what it did, then by its code, then by its HTTP status.

Two questions are kept apart. *Definitive*: did the target certainly not apply the document? *Retry*: may the same
request pass by itself a little later? Where it is not certain that nothing was applied, nothing is sent again blindly.
"""

from __future__ import annotations

import re
import tomllib
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache
from http import HTTPStatus
from importlib import resources

from hub.delivery.answers import Answer, Found, LookupAnswer, Outcome, Result
from hub.delivery.refused import blind, outcome_of, refusal_in
from hub.delivery.wording import Said, known_form, wording
from transactions.model import Failure, FailureKind

K = FailureKind

_DAY = 86_400.0

_DID: dict[str, Result] = {
    "applied": Result.APPLIED,
    "reversed": Result.APPLIED,
    "accepted": Result.ACCEPTED,
    "parked": Result.PARKED,
    "partial": Result.PARTIAL,
    "duplicate": Result.DUPLICATE,
}
_DID_NOT = frozenset({"rejected", "refused"})
_WENT_WRONG = frozenset({"error", "failed", "failure"})

_BY_STATUS: dict[int, FailureKind] = {
    400: K.SCHEMA,
    401: K.UNAUTHORIZED,
    402: K.FORBIDDEN,
    403: K.FORBIDDEN,
    404: K.MAPPING,
    405: K.MAPPING,
    406: K.MAPPING,
    407: K.UNAUTHORIZED,
    408: K.UNKNOWN_OUTCOME,
    409: K.CONFLICT,
    410: K.VERSION_RETIRED,
    411: K.SCHEMA,
    412: K.CONFLICT,
    413: K.SCHEMA,
    414: K.MAPPING,
    415: K.SCHEMA,
    421: K.MAPPING,
    422: K.SCHEMA,
    423: K.LOCKED,
    425: K.LOCKED,
    426: K.MAPPING,
    428: K.CONFLICT,
    429: K.THROTTLED,
    431: K.SCHEMA,
    451: K.FORBIDDEN,
    495: K.CERTIFICATE,  # nginx: the client certificate is not valid
    496: K.CERTIFICATE,  # nginx: no client certificate was sent
    497: K.MAPPING,  # nginx: plain HTTP to an HTTPS port
    499: K.UNKNOWN_OUTCOME,
    501: K.MAPPING,
    502: K.UNREACHABLE,
    503: K.UNREACHABLE,
    505: K.MAPPING,
    525: K.CERTIFICATE,
    526: K.CERTIFICATE,
}
"""Other 4xx are ``mapping`` (the request is not one this address takes), other 5xx an unknown outcome."""

_RETRY = frozenset({K.THROTTLED, K.LOCKED, K.UNREACHABLE})
_CARE = {K.PARKED: Result.PARKED, K.PARTIAL: Result.PARTIAL, K.UNKNOWN_OUTCOME: Result.UNKNOWN}

# Last resort, for proxies only: they have no codes of their own in the body
_CERTIFICATE_PAGE = re.compile(r"\bSSL certificate\b", re.IGNORECASE)


@lru_cache(maxsize=1)
def code_table() -> dict[str, FailureKind]:
    """The kind of failure that each known code stands for."""
    data = tomllib.loads(resources.files("hub.delivery").joinpath("codes.toml").read_text(encoding="utf-8"))
    return {known_form(code): FailureKind(kind) for kind, entry in data.items() for code in entry["codes"]}


def classify(answer: Answer, system: str) -> Outcome:
    """What an answer to a delivery means.

    Args:
        answer: the answer as it came.
        system: who gave it, for the failure.
    """
    refused = refusal_in(answer)
    if refused is not None:
        return outcome_of(blind(refused), retry_after(answer))
    said = wording(answer)
    if 200 <= answer.status < 300:
        return _success(answer, said, system)
    return _failure(answer, said, system)


def classify_lookup(answer: Answer) -> LookupAnswer:
    """What an answer to a lookup by idempotency key means; whatever is not plainly readable is ``unknown``."""
    said = wording(answer)
    kind, code = _known(said)
    try:
        # a 404 alone may be a wrong address: it has to say that the posting is absent
        status = Found(said.status or "") if answer.status == 404 or 200 <= answer.status < 300 else Found.UNKNOWN
    except ValueError:
        status = Found.UNKNOWN
    if answer.status == 404 and status is not Found.ABSENT:
        status = Found.UNKNOWN
    message = said.message
    if status is Found.UNKNOWN:
        message = f"HTTP {answer.status}: {message or _phrase(answer.status)}"
    sha256 = (said.sha256 or "").lower()
    return LookupAnswer(
        status=status,
        sha256=sha256 if re.fullmatch(r"[0-9a-f]{64}", sha256) else None,
        document=said.document,
        code=code,
        message=message,
        kind=kind,
    )


def retry_after(answer: Answer) -> float | None:
    """Seconds that ``Retry-After`` asks for, at most a day; a date counts from the answer's own ``Date``."""
    value = answer.headers.get("retry-after", "").strip()
    if re.fullmatch(r"\d{1,9}(\.\d{1,3})?", value, re.ASCII):
        return min(float(value), _DAY)
    until = _http_date(value)
    if until is None:
        return None
    since = _http_date(answer.headers.get("date", "")) or datetime.now(UTC)
    return min(max((until - since).total_seconds(), 0.0), _DAY)


def _http_date(value: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(value)
    except (ValueError, OverflowError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _success(answer: Answer, said: Said, system: str) -> Outcome:
    result = _DID.get(said.status or "")
    if result in (Result.PARKED, Result.PARTIAL):
        return _stuck(result, said, system)
    if result is not None:
        return Outcome(result=result, document=said.document)
    if said.fault or said.status in _DID_NOT | _WENT_WRONG:
        kind, code = _known(said)
        certain = kind is not None or said.status in _DID_NOT
        return _failed(
            kind or (K.BUSINESS_RULE if certain else K.UNKNOWN_OUTCOME),
            code or f"http-{answer.status}",
            said.message or "It answered with an error and no message",
            system,
            definitive=certain,
        )
    if said.page:
        # a login or maintenance page with 200 is no application's answer
        return _failed(
            K.UNKNOWN_OUTCOME, "html-page", f"It answered with a page: {said.message}", system, definitive=False
        )
    if answer.status == 207:
        return _failed(
            K.UNKNOWN_OUTCOME,
            "http-207",
            "It answered Multi-Status without saying which lines it took",
            system,
            definitive=False,
        )
    return Outcome(result=Result.ACCEPTED if answer.status == 202 else Result.APPLIED, document=said.document)


def _stuck(result: Result, said: Said, system: str) -> Outcome:
    kind = K.PARKED if result is Result.PARKED else K.PARTIAL
    default = "It was parked" if result is Result.PARKED else "Only a part was posted"
    message = "; ".join(part for part in (said.message, *said.rejected) if part) or default
    code = said.codes[0] if said.codes else str(kind)
    return Outcome(
        result=result, document=said.document, failure=_describe(kind, code, message, system), definitive=False
    )


def _failure(answer: Answer, said: Said, system: str) -> Outcome:
    status = answer.status
    if said.status == "duplicate":
        return Outcome(result=Result.DUPLICATE, document=said.document)
    wait = retry_after(answer)
    kind, code = _known(said)
    message = said.message or f"HTTP {status} {_phrase(status)}"
    certain = True
    if said.page and status == 400 and _CERTIFICATE_PAGE.search(said.message or ""):
        kind, code = K.CERTIFICATE, "client-certificate"
    elif status == 403 and answer.headers.get("x-csrf-token", "").lower() == "required":
        # SAP: the session's token is missing or old; no scope is
        kind, code = K.UNAUTHORIZED, "csrf-token"
    elif 300 <= status < 400:
        kind, code = K.MAPPING, f"http-{status}"
        message = (
            f"It redirects to {answer.headers.get('location', 'nowhere')[:500]}; deliveries do not follow redirects"
        )
    elif kind is None:
        kind, certain = _by_status(status, wait)
    return _failed(kind, code or f"http-{status}", message, system, definitive=certain, wait=wait)


def _by_status(status: int, wait: float | None) -> tuple[FailureKind, bool]:
    """Kind, and whether nothing was certainly applied."""
    kind = _BY_STATUS.get(status, K.MAPPING if 400 <= status < 500 else K.UNKNOWN_OUTCOME)
    if status == 502:  # the proxy lost a request that may have arrived
        return kind, False
    if status == 503:  # who names a time has refused; others may have lost it on the way
        return kind, wait is not None
    return kind, kind is not K.UNKNOWN_OUTCOME


def _failed(
    kind: FailureKind, code: str, message: str, system: str, *, definitive: bool, wait: float | None = None
) -> Outcome:
    result = _CARE.get(kind, Result.FAILED)
    return Outcome(
        result=result,
        failure=_describe(kind, code, message, system),
        definitive=definitive and result is Result.FAILED,
        retry=kind in _RETRY,
        retry_after=wait,
    )


def _describe(kind: FailureKind, code: str, message: str, system: str) -> Failure:
    return Failure(kind=kind, help=kind.help, code=code, message=message, system=system)


def _known(said: Said) -> tuple[FailureKind | None, str | None]:
    """The first code that the table knows, with its kind; else the outermost code, without one."""
    table = code_table()
    for code in said.codes:
        kind = table.get(known_form(code))
        if kind is not None:
            return kind, known_form(code) if "/" in code else code
    return None, said.codes[0] if said.codes else None


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "(a status without a name)"
