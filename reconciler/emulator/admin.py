"""The endpoints below /_emulator, with which tests and tools read and change accounts."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from reconciler.emulator.accounts import Account
from reconciler.emulator.gateway import Gateway
from reconciler.emulator.loopback import is_loopback
from reconciler.emulator.seedfiles import parse

Handler = Callable[[Request, Account], Awaitable[Response]]


class Admin:
    """The routes. They ask for no key, and so answer loopback clients only."""

    def __init__(self, gateway: Gateway) -> None:
        self.gateway = gateway

    def routes(self) -> list[Route]:
        account = "/_emulator/accounts/{connection}"
        return [
            Route("/_emulator/accounts", self._list, methods=["GET"]),
            Route(account, self._put, methods=["PUT"]),
            Route(account, self._on(_state), methods=["GET"]),
            Route(account, self._delete, methods=["DELETE"]),
            Route(f"{account}/ids", self._on(_ids), methods=["GET"]),
            Route(f"{account}/seed", self._on(_seed), methods=["POST"]),
            Route(f"{account}/options", self._on(_options), methods=["GET", "PATCH"]),
            Route(f"{account}/requests", self._on(_requests), methods=["GET", "DELETE"]),
            Route(f"{account}/faults", self._on(_faults), methods=["GET", "PUT"]),
            Route(f"{account}/deliveries", self._on(_deliveries), methods=["GET"]),
        ]

    async def _list(self, request: Request) -> Response:
        if refused := _refused(request):
            return refused
        return JSONResponse({"accounts": list(self.gateway.accounts)})

    async def _put(self, request: Request) -> Response:
        """Creates the account, or starts it over, from a seed."""
        if refused := _refused(request):
            return refused
        connection = request.path_params["connection"]
        known = connection in self.gateway.accounts
        try:
            content = await _content(request)
            account = self.gateway.accounts[connection] if known else self.gateway.connect(connection)
            account.replace(content, {})
        except _WRONG as error:
            if not known:
                self.gateway.remove(connection)
            return _error(400, error)
        return Response(status_code=204 if known else 201)

    async def _delete(self, request: Request) -> Response:
        if refused := _refused(request):
            return refused
        self.gateway.remove(request.path_params["connection"])
        return Response(status_code=204)

    def _on(self, handler: Handler) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            if refused := _refused(request):
                return refused
            account = self.gateway.accounts.get(request.path_params["connection"])
            if account is None:
                return _error(404, "there is no such account")
            try:
                return await handler(request, account)
            except _WRONG as error:
                return _error(400, error)

        return endpoint


# What a wrong seed, option or fault raises on its way in.
_WRONG = (ValueError, KeyError, TypeError, AttributeError)


def _error(status: int, error: object) -> Response:
    return JSONResponse({"error": str(error)}, status_code=status)


def _refused(request: Request) -> Response | None:
    """Clients of this machine, that name it in Host, and in Origin if there is one: a browser carries pages of others
    here, by a form or by a name that resolves to this machine, and says so in these headers."""
    peer = request.client.host if request.client else ""
    named = [f"//{request.headers.get('host', '')}", *request.headers.getlist("origin")]
    if is_loopback(peer) and all(is_loopback(_host(each)) for each in named):
        return None
    return _error(403, "loopback only")


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


async def _content(request: Request) -> dict[str, Any]:
    content = parse(await request.body(), request.headers.get("content-type", ""))
    if not isinstance(content, dict):
        raise ValueError("the body must be a mapping")
    return content


async def _state(request: Request, account: Account) -> Response:
    return JSONResponse(account.state(times="times" in request.query_params))


async def _ids(request: Request, account: Account) -> Response:
    return JSONResponse(account.ids())


async def _seed(request: Request, account: Account) -> Response:
    account.seed(await _content(request))
    return Response(status_code=204)


async def _options(request: Request, account: Account) -> Response:
    if request.method == "PATCH":
        account.options.change(await _content(request))
    return JSONResponse(account.options.plain())


async def _requests(request: Request, account: Account) -> Response:
    if request.method == "DELETE":
        account.clear()
        return Response(status_code=204)
    return JSONResponse({"requests": account.requests})


async def _faults(request: Request, account: Account) -> Response:
    """PUT takes a list of rules, or {"faults": [...]}."""
    if request.method == "PUT":
        rules = parse(await request.body(), request.headers.get("content-type", ""))
        account.set_faults(rules["faults"] if isinstance(rules, dict) else rules)
        return Response(status_code=204)
    return JSONResponse({"faults": [fault.plain() for fault in account.faults]})


async def _deliveries(request: Request, account: Account) -> Response:
    return JSONResponse({"deliveries": [delivery.plain() for delivery in account.deliveries]})
