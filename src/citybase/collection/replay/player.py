"""Play a plan: keep the recording's time, one task a device, and send again what was not acknowledged."""

import asyncio
from collections.abc import Mapping
from typing import TypeAlias

from citybase.collection.replay.schedule import Message, Plan, Way, seconds_until
from citybase.collection.replay.sender import NotAuthorizedError, Sender, UnreachableError
from citybase.collection.replay.tally import Tally

__all__ = ["Senders", "play"]

Senders: TypeAlias = Mapping[tuple[str, Way], Sender]
_Queue: TypeAlias = asyncio.Queue[Message | None]

_AHEAD = 48
_ATTEMPTS = 6
_SHORTEST, _LONGEST = 0.2, 10.0


async def play(plan: Plan, senders: Senders, speed: float, tally: Tally) -> None:
    """Send every message of the plan; returns when each was acknowledged or refused.

    The recording's clock runs `speed` times as fast as real time; at 0 nothing waits but for acknowledgements. A device
    sends one message after the other, so its readings arrive in order. Cancelling ends it cleanly: connections are
    closed, `tally` says what was acknowledged.
    """
    queues: dict[tuple[str, Way], _Queue] = {key: asyncio.Queue(_AHEAD) for key in senders}
    try:
        async with asyncio.TaskGroup() as group:
            for key, sender in senders.items():
                group.create_task(_run_device(queues[key], sender, tally))
            await _feed(plan, queues, speed, tally)
    finally:
        await asyncio.gather(*(sender.close() for sender in senders.values()))


async def _feed(plan: Plan, queues: Mapping[tuple[str, Way], _Queue], speed: float, tally: Tally) -> None:
    clock = asyncio.get_running_loop().time
    began, first = clock(), int(plan.recording.times[plan.first])
    for hour, messages in plan.hours():
        await asyncio.sleep(max(0.0, began + seconds_until(hour, first, speed) - clock()))
        tally.reach(messages)
        for message in messages:
            if message.values:
                await queues[message.device, message.way].put(message)
    for queue in queues.values():
        await queue.put(None)


async def _run_device(queue: _Queue, sender: Sender, tally: Tally) -> None:
    """Send what the queue holds. A device that is not accepted, or is never answered, stops; the others go on."""
    answered, given_up = False, ""
    while (message := await queue.get()) is not None:
        if given_up:
            tally.refuse(message, given_up)
            continue
        tally.sent[message.way] += 1
        try:
            await _deliver(message, sender, tally)
        except OSError as error:
            reason = str(error) or "no acknowledgement"
            tally.refuse(message, reason)
            if isinstance(error, NotAuthorizedError) or not answered:
                given_up = reason
        else:
            answered = True
            tally.acknowledge(message)


async def _deliver(message: Message, sender: Sender, tally: Tally) -> None:
    """Send until acknowledged. A gateway that is away is waited for; one that is there has six attempts."""
    pause, attempts = _SHORTEST, 0
    try:
        while True:
            try:
                return await sender.send(message)
            except OSError as error:
                await sender.close()
                there = not isinstance(error, UnreachableError)
                attempts += there
                if attempts >= _ATTEMPTS:
                    raise
            tally.resent[message.way] += there
            tally.away.add(message.device)
            await asyncio.sleep(pause)
            pause = min(_LONGEST, pause * 2)
    finally:
        tally.away.discard(message.device)
