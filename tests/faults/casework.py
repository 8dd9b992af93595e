"""Somebody who handles cases over the API without pause, and remembers every step that was answered with success."""

import random
import time
from collections.abc import Callable
from typing import Any
from uuid import UUID

import httpx

from tests.faults.load import Load

__all__ = ["Caseworker", "Step"]

Step = tuple[UUID, str]
"""(case, action)."""

_PAUSE = 0.2
_WAY: tuple[tuple[str, dict[str, Any]], ...] = (
    ("accept", {}),
    ("register", {}),
    ("dispatch", {"form": {"instruction": "尽快处置"}}),
    ("handle", {"form": {"cause": "dust", "measures": "洒水降尘"}}),
    ("verify", {}),
    ("close", {}),
)


class Caseworker(Load):
    """Takes cases in and leads them to their end. A request without an answer is not repeated blindly: the case is
    read again, as a person would do."""

    def __init__(self, number: int, address: str, token: str, chance: random.Random) -> None:
        super().__init__()
        self.number = number
        self.answered: list[Step] = []
        self.tried: set[str] = set()
        """Titles of all cases ever asked for."""
        self._chance = chance
        self._client = httpx.Client(
            base_url=f"{address}/api/v1", headers={"Authorization": f"Bearer {token}"}, timeout=10, trust_env=False
        )

    def step(self) -> None:
        case_id = self._open()
        if case_id is None:
            return
        for action, body in _WAY:
            time.sleep(self._chance.uniform(0.0, 0.05))
            self._perform(case_id, action, body)

    def close(self) -> None:
        self._client.close()

    def _open(self) -> UUID | None:
        title = f"演练 {self.number}-{len(self.tried)}"
        self.tried.add(title)
        new = {"type": "air-pollution", "title": title, "area_code": "610113", "data": {"description": "扬尘"}}
        answer = self._ask(lambda: self._client.post("/cases", json=new))
        if answer is None:
            return None
        case_id = UUID(answer.json()["id"])
        self.answered.append((case_id, "opened"))
        return case_id

    def _perform(self, case_id: UUID, action: str, body: dict[str, Any]) -> None:
        """Until it is done: by the request that was answered, or by one whose answer was lost."""
        before = self._version(case_id)
        address, given = f"/cases/{case_id}/actions/{action}", {**body, "version": before}
        while True:
            answer = self._ask(lambda: self._client.post(address, json=given))
            if answer is not None:
                self.answered.append((case_id, action))
                return
            if self._version(case_id) > before:
                return

    def _version(self, case_id: UUID) -> int:
        while True:
            answer = self._ask(lambda: self._client.get(f"/cases/{case_id}"))
            if answer is not None:
                return int(answer.json()["version"])

    def _ask(self, request: Callable[[], httpx.Response]) -> httpx.Response | None:
        """The answer; None when there was none or the city says that it recovers. Anything else is a fault."""
        try:
            answer = request()
        except httpx.HTTPError:
            time.sleep(_PAUSE)
            return None
        if answer.status_code == 503:
            time.sleep(_PAUSE)
            return None
        assert answer.is_success, f"{answer.request.method} {answer.request.url}: {answer.status_code} {answer.text}"
        return answer
