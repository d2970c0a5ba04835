"""A TCP proxy before Redis, for what networks do: connections that break, are refused, answer late or not at all."""

import asyncio
import threading
from contextlib import suppress

_CHUNK = 65_536


class Proxy:
    """Passes connections on from `port` to `target`, both on loopback, in a thread of its own; ends with its block.

    Attributes:
        port: Where it listens.
        refusing: Whether a new connection is closed at once.
        mute: Whether answers vanish: what is asked is done, and nobody hears of it.
        delay: Seconds by which each answer comes late.
    """

    def __init__(self, target):
        self.port = 0
        self.refusing = self.mute = False
        self.delay = 0.0
        self._target = target
        self._writers = set()
        self._loop = asyncio.new_event_loop()
        self._listens = threading.Event()
        self._thread = threading.Thread(target=lambda: self._loop.run_until_complete(self._serve()), name="proxy")

    def __enter__(self):
        self._thread.start()
        assert self._listens.wait(10)
        return self

    def __exit__(self, *_):
        self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join()
        self._loop.close()

    def cut(self):
        """Break every connection, in the middle of whatever it carries."""
        self._loop.call_soon_threadsafe(self._abort)

    def hear(self):
        """No longer mute; whoever was not answered loses the connection: an answer never meets another question."""
        self.mute = False
        self.cut()

    def _abort(self):
        for writer in list(self._writers):
            writer.transport.abort()

    async def _serve(self):
        self._end = asyncio.Event()
        server = await asyncio.start_server(self._pass_on, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        self._listens.set()
        await self._end.wait()
        server.close()
        self._abort()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _pass_on(self, reader, writer):
        self._writers.add(writer)
        with suppress(OSError, asyncio.CancelledError):
            if not self.refusing:
                await self._join(reader, writer)
        self._writers.discard(writer)
        writer.transport.abort()

    async def _join(self, reader, writer):
        up_reader, up_writer = await asyncio.open_connection("127.0.0.1", self._target)
        self._writers.add(up_writer)
        ways = [
            asyncio.ensure_future(self._pump(reader, up_writer, answers=False)),
            asyncio.ensure_future(self._pump(up_reader, writer, answers=True)),
        ]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            self._writers.discard(up_writer)
            up_writer.transport.abort()

    async def _pump(self, reader, writer, *, answers):
        lost = False
        while data := await reader.read(_CHUNK):
            if answers and self.delay:
                await asyncio.sleep(self.delay)
            lost = answers and (lost or self.mute)
            if lost:
                continue
            writer.write(data)
            await writer.drain()
