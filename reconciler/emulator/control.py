"""The endpoints below /connections, which read and change the gateway's connections (api.md 10)."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from reconciler.emulator.answers import Answer, Refusal, gateway_error, ok
from reconciler.emulator.gateway import APP, Connection, Gateway


class Control:
    def __init__(self, gateway: Gateway) -> None:
        self.gateway = gateway

    def routes(self) -> list[Route]:
        return [
            Route("/connections", self._endpoint, methods=["GET", "POST"]),
            Route("/connections/{connection}", self._endpoint, methods=["GET", "DELETE"]),
        ]

    async def _endpoint(self, request: Request) -> Response:
        try:
            self.gateway.authorize(request.headers.get("authorization", ""))
            answer = await self._answer(request)
        except Refusal as refusal:
            answer = refusal.answer
        return Response(answer.body, answer.status, media_type=answer.content_type)

    async def _answer(self, request: Request) -> Answer:
        if "connection" not in request.path_params:
            return self._list(request) if request.method == "GET" else await self._create(request)
        connection = self._find(request.path_params["connection"])
        if request.method == "GET":
            return ok({"connection": self.gateway.read(connection)})
        self.gateway.remove(connection.connection_id)
        return ok({})

    def _find(self, connection: str) -> Connection:
        found = self.gateway.connections.get(connection)
        if found is None:
            raise Refusal(gateway_error(404, f"There is no connection '{connection}'."))
        return found

    def _list(self, request: Request) -> Answer:
        app, status = request.query_params.get("app"), request.query_params.get("status")
        shown = [self.gateway.read(entry) for entry in list(self.gateway.connections.values())]
        kept = [c for c in shown if app in (None, c["app"]) and status in (None, c["status"])]
        return ok({"connections": kept})

    async def _create(self, request: Request) -> Answer:
        """A connection that waits for its owner; nobody comes, so being looked at makes it active."""
        try:
            body = await request.json()
        except ValueError:
            raise Refusal(gateway_error(400, "The body is not JSON.")) from None
        if not isinstance(body, dict) or body.get("app") != APP:
            raise Refusal(gateway_error(400, f"Only the app '{APP}' is known here."))
        account = self.gateway.connect(status="PENDING")
        return ok({"connection": self.gateway.connections[account.connection].shown()}, 201)
