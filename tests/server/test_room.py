"""A full disk: NATS is started anew when there is room again, once."""

from citybase.server.health import LEAST_ROOM
from citybase.server.room import RoomWatch


def test_nats_is_started_anew_once_after_the_disk_was_full() -> None:
    frees = iter([10 * LEAST_ROOM, LEAST_ROOM - 1, 0, LEAST_ROOM + 1, 3 * LEAST_ROOM, 3 * LEAST_ROOM])
    mended: list[str] = []
    watch = RoomWatch(lambda: next(frees), lambda: mended.append("nats"))
    told = []
    for _ in range(6):
        watch.look()
        told.append(len(mended))
    assert told == [0, 0, 0, 0, 1, 1]
