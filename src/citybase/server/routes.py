"""All routes under the API prefix, capability by capability."""

from collections.abc import Sequence

from litestar.types import ControllerRouterHandler

from citybase.applications.operations import api as operations
from citybase.city.calendar import api as calendar
from citybase.city.cases import api as cases
from citybase.city.indicators import api as indicators
from citybase.city.observations import api as observations
from citybase.city.organizations import api as organizations
from citybase.city.packs import api as packs
from citybase.city.resources import api as resources
from citybase.city.resources.importing import api as imports
from citybase.collection.gateways import http as intake
from citybase.security.audit import api as audit
from citybase.security.identity import api as identity
from citybase.security.identity import people_api as people
from citybase.security.oidc import api as oidc

__all__ = ["ROUTES"]

ROUTES: Sequence[ControllerRouterHandler] = [
    *identity.ROUTES,
    *people.ROUTES,
    *oidc.ROUTES,
    *audit.ROUTES,
    *calendar.ROUTES,
    *organizations.ROUTES,
    *packs.ROUTES,
    *resources.ROUTES,
    *imports.ROUTES,
    *observations.ROUTES,
    *intake.ROUTES,
    *cases.ROUTES,
    *indicators.ROUTES,
    *operations.ROUTES,
]
