"""Waiting for engines: they go away and come back by themselves, and nothing is acknowledged meanwhile."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import TypeVar

import psycopg
from sqlalchemy.exc import SQLAlchemyError

from citybase.engines.streams import BrokerError
from citybase.kernel.errors import Problem

__all__ = ["TROUBLE", "patiently"]

T = TypeVar("T")

TROUBLE = (Problem, SQLAlchemyError, psycopg.Error, OSError, BrokerError)
"""An engine is away or the disk is full: wait and try again. Anything else is a fault of a message or of ours."""
_LONGEST_PAUSE = 5.0
_LOG = logging.getLogger(__name__)


async def patiently(what: str, attempt: Callable[[], Awaitable[T]]) -> T:
    """Try until it works, with growing pauses."""
    pause = 0.1
    while True:
        try:
            return await attempt()
        except TROUBLE as error:
            _LOG.warning("%s: %s; again in %.1f s", what, str(error).partition("\n")[0], pause)
            await asyncio.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)
