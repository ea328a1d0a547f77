"""The HTTP server of a gateway with its accounts: in a thread for tests, in the main thread for the CLI."""

from __future__ import annotations

import asyncio
import signal
import socket
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.types import Receive, Scope, Send

from reconciler.emulator.accounts import Account
from reconciler.emulator.admin import Admin
from reconciler.emulator.answers import gateway_error
from reconciler.emulator.control import Control
from reconciler.emulator.gateway import Gateway
from reconciler.emulator.quota import Clock
from reconciler.emulator.seedfiles import read
from reconciler.emulator.snapshots import Store, freeze, thaw
from reconciler.emulator.state import Now, utc_now
from reconciler.emulator.vendor import PREFIX, Vendor
from reconciler.emulator.wire import BreakableProtocol, send_answer

KEY = "emulator-key"
SAVE_EVERY = 1.0  # seconds
START_WITHIN = 10.0  # seconds
Ready = Callable[[str], None]


class Emulator:
    """The gateway and the vendor behind it on one loopback port.

    A context manager: entering starts the server in a daemon thread, leaving stops it and saves the
    store. Accounts may be added before, during and after. `clock` (seconds) drives the rate limits,
    `now` every date-time.
    """

    def __init__(
        self,
        key: str = KEY,
        port: int = 0,
        store: str | Path | None = None,
        *,
        host: str = "127.0.0.1",
        activate_after: int = 1,
        gateway_limit: float | None = None,
        clock: Clock = time.monotonic,
        now: Now = utc_now,
    ) -> None:
        self.key = key
        self.host = host
        self.port = port
        self.gateway = Gateway(key, now, clock, activate_after, gateway_limit)
        self._store = None if store is None else Store(Path(store))
        self._stored: set[str] = set()
        self._server: _Server | None = None
        self._thread: threading.Thread | None = None
        self._load(now)

    @property
    def url(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"

    def account(self, connection: str = "default", seed: Mapping[str, Any] | None = None, **options: Any) -> Account:
        """The account behind a connection, made (active) when it is new.

        With a seed or options it starts over: content, options, faults and log.
        """
        accounts = self.gateway.accounts
        known = connection in accounts
        account = accounts[connection] if known else self.gateway.connect(connection)
        if not known or seed is not None or options:
            account.replace(seed or {}, options)
        return account

    # Running

    def start(self) -> Emulator:
        listener = self.listen()
        started = threading.Event()
        self._server = self.server(lambda url: started.set())
        self._thread = threading.Thread(target=self._server.run, args=([listener],), name="emulator", daemon=True)
        self._thread.start()
        if not started.wait(START_WITHIN):
            raise RuntimeError("the emulator did not start")
        return self

    def stop(self) -> None:
        if self._server is not None and self._thread is not None:
            self._server.should_exit = True
            self._thread.join()
        self._server = self._thread = None
        self.gateway.postman.stop()
        self.save()

    def __enter__(self) -> Emulator:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def listen(self) -> socket.socket:
        """A listening socket: clients may connect from now on, and are answered once the server runs."""
        family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
        # The protocol is named because asyncio switches Nagle's delay off for IPPROTO_TCP only.
        listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((self.host, self.port))
            listener.listen(1024)
        except OSError:
            listener.close()
            raise
        self.port = listener.getsockname()[1]
        return listener

    def server(self, ready: Ready) -> _Server:
        vendor = Vendor(self.gateway)
        config = uvicorn.Config(
            _Front(vendor, self._pages(ready)),
            http=BreakableProtocol,
            loop="asyncio",
            ws="none",
            lifespan="on",
            log_config=None,
            log_level="error",
            access_log=False,
            server_header=False,
            date_header=False,
            timeout_graceful_shutdown=2,
        )
        return _Server(config, vendor.closing)

    def _pages(self, ready: Ready) -> Starlette:
        """The control and admin interfaces, and the life of the store."""

        @asynccontextmanager
        async def lifespan(app: Starlette) -> AsyncIterator[None]:
            saving = asyncio.create_task(self._keep_saving())
            ready(self.url)
            yield
            saving.cancel()

        return Starlette(routes=[*Control(self.gateway).routes(), *Admin(self.gateway).routes()], lifespan=lifespan)

    # The store

    def _load(self, now: Now) -> None:
        for connection, face, content in self._store.load() if self._store else ():
            self.gateway.restore(face, thaw(content, now))
            self._stored.add(connection)

    async def _keep_saving(self) -> None:
        while self._store is not None:
            await asyncio.sleep(SAVE_EVERY)
            self.save()

    def save(self) -> None:
        """Writes what has changed since the last time; nothing without a store."""
        if self._store is None:
            return
        for gone in self._stored - set(self.gateway.accounts):
            self._store.forget(gone)
        for connection, account in list(self.gateway.accounts.items()):
            with account.lock:
                if account.dirty:
                    face = self.gateway.connections[connection]
                    self._store.save(
                        connection, {**face.shown(), "reads_left": face.reads_left}, freeze(account.content)
                    )
                    account.dirty = False
        self._stored = set(self.gateway.accounts)


class _Front:
    """Sends requests of the app to the vendor at once, and everything else through the router."""

    def __init__(self, vendor: Vendor, pages: Starlette) -> None:
        self.vendor = vendor
        self.pages = pages

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path: str = scope.get("path", "")
        if path.startswith(PREFIX + "/"):
            await self.vendor(scope, receive, send)
        elif scope["type"] == "http" and not path.startswith(("/connections", "/_emulator/")):
            await send_answer(send, gateway_error(404, f"There is no app at '{path}'."))
        else:
            await self.pages(scope, receive, send)


class _Server(uvicorn.Server):
    """Wakes sleeping faults when it stops, and ends quietly on signals so that the store is saved."""

    def __init__(self, config: uvicorn.Config, closing: asyncio.Event) -> None:
        super().__init__(config)
        self._closing = closing

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._closing.set()
        await super().shutdown(sockets)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.signal(number, self.handle_exit) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def serve(
    host: str = "127.0.0.1",
    port: int = 0,
    key: str = KEY,
    accounts: Mapping[str, str | Path | Mapping[str, Any]] | None = None,
    store: str | Path | None = None,
    ready: Ready = lambda url: None,
) -> None:
    """Runs until SIGINT or SIGTERM. `accounts` maps connection ids to seeds or to files with them.

    An account that the store holds already keeps its content. Raises OSError when the port is taken
    and ValueError for a seed that cannot be read.
    """
    emulator = Emulator(key, port, store, host=host)
    for connection, seed in (accounts or {}).items():
        if connection not in emulator.gateway.accounts:
            emulator.account(connection, seed if isinstance(seed, Mapping) else read(Path(seed)))
    listener = emulator.listen()
    try:
        with suppress(KeyboardInterrupt):
            emulator.server(ready).run([listener])
    finally:
        emulator.stop()
