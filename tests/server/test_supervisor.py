"""The supervisor: what dies is started again, at a pace; everything is stopped in reverse order."""

import threading

from citybase.server.supervisor import Supervisor


class Fake:
    def __init__(self, name: str, diary: list[str], failing: int = 0) -> None:
        self.name = name
        self.diary = diary
        self.failing = failing
        self.alive = False

    def start(self) -> None:
        self.diary.append(f"start {self.name}")
        if self.failing > 0:
            self.failing -= 1
            raise RuntimeError("cannot start")
        self.alive = True

    def is_alive(self) -> bool:
        return self.alive

    def stop(self) -> None:
        self.diary.append(f"stop {self.name}")
        self.alive = False


def test_what_dies_is_started_again_and_all_is_stopped_in_reverse_order() -> None:
    diary: list[str] = []
    supervisor = Supervisor()
    first, second = Fake("postgres", diary), Fake("server", diary)
    supervisor.start(first)
    supervisor.start(second)
    second.alive = False
    second.failing = 1

    def end_when_mended() -> None:
        while not second.alive:
            threading.Event().wait(0.01)
        supervisor.end()

    waiting = threading.Thread(target=end_when_mended)
    waiting.start()
    supervisor.watch()
    waiting.join()
    supervisor.stop()
    assert diary == ["start postgres", "start server", "start server", "start server", "stop server", "stop postgres"]
    assert supervisor.restarts() == {"postgres": 0, "server": 2}
