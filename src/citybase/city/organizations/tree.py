"""The tree's materialised paths: "/610100/610113/" is a prefix of everything below the district."""

from sqlalchemy import func, literal, update
from sqlalchemy.ext.asyncio import AsyncConnection

from citybase.city.organizations.models import organization

__all__ = ["carry_subtree"]


async def carry_subtree(connection: AsyncConnection, old_path: str, new_path: str) -> None:
    """Give everything below a moved organisation its new path."""
    rest = func.substr(organization.c.path, len(old_path) + 1)
    await connection.execute(
        update(organization)
        .where(organization.c.path.startswith(old_path, autoescape=True))
        .values(path=func.concat(literal(new_path), rest))
    )
