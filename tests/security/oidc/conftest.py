"""A town with an administrator, a duty operator, and two registered applications."""

from collections.abc import AsyncIterator

import httpx
import pytest

from tests.security.oidc.applications import Registered, register
from tests.security.small_city import SmallCity


@pytest.fixture
async def town(city: SmallCity) -> SmallCity:
    await city.add("admin", "city", ("administrator", "city"), clearance=4)
    await city.add("duty", "east", ("operator", "east"), ("clerk", "street"))
    return city


@pytest.fixture
async def confidential(town: SmallCity) -> Registered:
    return await register(town)


@pytest.fixture
async def public(town: SmallCity) -> Registered:
    return await register(town, public=True)


@pytest.fixture
async def browser(town: SmallCity) -> AsyncIterator[httpx.AsyncClient]:
    async with town.browser() as browser:
        yield await town.sign_in("duty", browser)
