"""All routes, capability by capability: those under the API prefix, and those whose place a standard fixes."""

from collections.abc import Sequence

from litestar.types import ControllerRouterHandler

from citybase.applications.operations import api as operations
from citybase.city.calendar import api as calendar
from citybase.city.cases import api as cases
from citybase.city.indicators import api as indicators
from citybase.city.organizations import api as organizations
from citybase.city.packs import api as packs
from citybase.city.resources import api as resources
from citybase.security.audit import api as audit
from citybase.security.identity import api as identity
from citybase.security.identity import people_api as people
from citybase.security.oidc import api as oidc
from citybase.security.oidc import endpoints as oidc_endpoints
from citybase.server import health

__all__ = ["ROOT_ROUTES", "ROUTES"]

ROUTES: Sequence[ControllerRouterHandler] = [
    *identity.ROUTES,
    *people.ROUTES,
    *oidc.ROUTES,
    *audit.ROUTES,
    *calendar.ROUTES,
    *organizations.ROUTES,
    *packs.ROUTES,
    *resources.ROUTES,
    *cases.ROUTES,
    *indicators.ROUTES,
    *operations.ROUTES,
]

ROOT_ROUTES: Sequence[ControllerRouterHandler] = [*oidc_endpoints.ROOT_ROUTES, *health.ROUTES]
