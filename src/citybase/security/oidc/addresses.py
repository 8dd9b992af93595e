"""Addresses of the protocol: our own (the issuer), and those that clients may be answered at."""

import ipaddress
from collections.abc import Sequence
from typing import Any
from urllib.parse import SplitResult, urlsplit

from litestar import Request

from citybase.kernel.errors import FieldError, Problem
from citybase.kernel.settings import Settings

__all__ = ["address_errors", "issuer_of"]

_LONGEST = 2000


def issuer_of(settings: Settings, request: Request[Any, Any, Any]) -> str:
    """Our name in every token: `public_url`, or the address this request came to.

    Plain http serves this machine only, unless the operator named such an address: raises `insecure_issuer`.
    """
    if settings.public_url is not None:
        return settings.public_url.rstrip("/")
    address = _own_address(request)
    if address.scheme != "https" and not _is_loopback(address):
        raise Problem("insecure_issuer", address=address.geturl())
    return address.geturl()


def _own_address(request: Request[Any, Any, Any]) -> SplitResult:
    # The Host header is the sender's word: it may hold anything.
    try:
        address = urlsplit(f"{request.scope['scheme']}://{request.headers.get('host', '')}")
        whole = address.geturl() == f"{address.scheme}://{address.netloc}" and address.port != 0
    except ValueError as error:
        raise Problem("invalid_input", reason="Host") from error
    if not whole or not address.hostname or "@" in address.netloc:
        raise Problem("invalid_input", reason="Host")
    return address


def address_errors(pointer: str, addresses: Sequence[str]) -> list[FieldError]:
    """What is wrong with redirect addresses: they must be whole, exact, and https or on the client's own machine."""
    return [
        FieldError(
            f"{pointer}/{number}",
            "address",
            "https:// 或本机 http:// 的完整地址,不含 # 与用户名 / "
            "a whole https:// address, or http:// on the own machine, without fragment or user name",
        )
        for number, address in enumerate(addresses)
        if not _is_answerable(address)
    ]


def _is_answerable(address: str) -> bool:
    if len(address) > _LONGEST or not address.isascii() or not address.isprintable():
        return False
    try:
        parts = urlsplit(address)
        parts.port  # noqa: B018 - reading it checks it
    except ValueError:
        return False
    if not parts.hostname or "@" in parts.netloc or any(character in address for character in '#\\ "<>*'):
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and _is_loopback(parts))


def _is_loopback(address: SplitResult) -> bool:
    # RFC 8252 §7.3 and §8.3.
    try:
        host = address.hostname or ""
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
