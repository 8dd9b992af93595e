"""Every failure leaves as `application/problem+json` (RFC 9457), in the reader's language."""

import logging
from typing import Any

import msgspec
from litestar import Request, Response
from litestar.exceptions import HTTPException, ValidationException

from citybase.kernel.errors import FieldError, Language, Problem
from citybase.kernel.ids import new_id

__all__ = ["EXCEPTION_HANDLERS", "language_of"]

_LOG = logging.getLogger("citybase.server")
_BY_STATUS = {401: "unauthenticated", 404: "not_found", 405: "method_not_allowed", 413: "too_large"}


def language_of(request: Request[Any, Any, Any]) -> Language:
    """`en` when the reader prefers English before Chinese; Chinese otherwise."""
    accepted = request.headers.get("accept-language", "").lower()
    english, chinese = accepted.find("en"), accepted.find("zh")
    return "en" if english >= 0 and (chinese < 0 or english < chinese) else "zh-CN"


def render(request: Request[Any, Any, Any], problem: Problem) -> Response[bytes]:
    document = problem.document(language_of(request), instance=request.scope["path"])
    return Response(
        msgspec.json.encode(document),
        status_code=document.status,
        media_type="application/problem+json",
        headers={"content-language": language_of(request)},
    )


def on_problem(request: Request[Any, Any, Any], error: Problem) -> Response[bytes]:
    return render(request, error)


def on_http(request: Request[Any, Any, Any], error: HTTPException) -> Response[bytes]:
    if isinstance(error, ValidationException):
        return render(request, _invalid(error))
    code = _BY_STATUS.get(error.status_code, "invalid_input" if error.status_code < 500 else "internal")
    return render(
        request,
        Problem(
            code, what=request.scope["path"], reason=error.detail, limit="", action=request.method, reference=new_id()
        ),
    )


def on_too_deep(request: Request[Any, Any, Any], _error: RecursionError) -> Response[bytes]:
    """JSON nested beyond what the decoder follows: the only recursion that a caller can drive."""
    return render(request, Problem("invalid_input", reason="JSON 嵌套过深 / nested too deep"))


def on_unexpected(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    reference = new_id()
    _LOG.error("unexpected error %s at %s %s", reference, request.method, request.scope["path"], exc_info=error)
    return render(request, Problem("internal", reference=reference))


def _invalid(error: ValidationException) -> Problem:
    extra = error.extra if isinstance(error.extra, list) else []
    fields = [
        FieldError(str(item.get("key", "")), "invalid", str(item.get("message", "")))
        for item in extra
        if isinstance(item, dict)
    ]
    reason = "; ".join(f"{field.pointer}: {field.message}" if field.pointer else field.message for field in fields)
    return Problem("invalid_input", fields, reason=reason or error.detail)


EXCEPTION_HANDLERS: dict[int | type[Exception], Any] = {
    Problem: on_problem,
    HTTPException: on_http,
    RecursionError: on_too_deep,
    Exception: on_unexpected,
}
