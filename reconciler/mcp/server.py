"""Assembles the server and serves it on standard input and output, where nothing but the protocol is written."""

from __future__ import annotations

import signal
from collections.abc import Callable
from inspect import Parameter, Signature, signature
from typing import Annotated, Any, get_args, get_origin, get_type_hints

import anyio
from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.tools import Tool
from mcp.types import CallToolResult, ToolAnnotations
from pydantic import ConfigDict, Field

from reconciler import __version__
from reconciler.config.settings import Settings
from reconciler.mcp.apply import Apply, apply_tool
from reconciler.mcp.calls import Ctx, Running
from reconciler.mcp.guidance import INSTRUCTIONS, add_prompts, add_resources
from reconciler.mcp.listings import Listing, Listings
from reconciler.mcp.plans import Plans
from reconciler.mcp.tools import Tools
from reconciler.mcp.workspace import Workspace

Limit = Annotated[int, Field(ge=1, le=100, description="Rows of one page.")]
Cursor = Annotated[
    str | None, Field(max_length=100, description="Cursor of the page before; other arguments are then ignored.")
]


def build(workspace: Workspace, running: Running, applying: Settings | None) -> MCPServer[None]:
    """The server; ``applying`` are the settings that apply is bound to, None for a server that only reads."""
    kept, listings = Plans(), Listings()
    reads = Tools(workspace, kept)
    offline = (reads.validate, reads.show, reads.history, reads.schema)
    online = (reads.plan, reads.explain, reads.drift, reads.list_resources, reads.doctor)
    tools = [_reading(work, running, listings, online=work in online) for work in (*offline, *online)]
    if applying is not None:
        function = apply_tool(Apply(workspace, kept, listings, running, applying))
        tools.append(_strict(function, "apply", ToolAnnotations(read_only_hint=False, destructive_hint=True)))
    options: Any = {"log_level": "CRITICAL"}  # the SDK logs bad requests with tracebacks; answers say what is wrong
    server: MCPServer[None] = MCPServer(
        "reconciler", instructions=INSTRUCTIONS, version=__version__, tools=tools, **options
    )
    add_resources(server)
    add_prompts(server)
    return server


def _reading(work: Callable[..., Any], running: Running, listings: Listings, *, online: bool) -> Tool:
    """The tool of a function of :class:`Tools`: called in a thread, and with pages where it returns a listing."""
    hints = get_type_hints(work, include_extras=True)
    parameters = [each for name, each in signature(work).parameters.items() if name != "call"]
    arguments = [each.replace(annotation=hints[each.name], kind=Parameter.KEYWORD_ONLY) for each in parameters]
    kind = hints["return"]
    paged = get_origin(kind) is Listing
    if paged:
        (kind,) = get_args(kind)
        arguments += [_argument("limit", Limit, 15), _argument("cursor", Cursor, None)]

    async def called(ctx: Ctx, limit: int = 0, cursor: str | None = None, **given: Any) -> CallToolResult:
        if cursor is not None:
            return await running.answer(ctx, lambda call: listings.next(kind, cursor, limit))
        if paged:
            return await running.answer(ctx, lambda call: listings.first(work(call, **given), limit))
        return await running.answer(ctx, lambda call: work(call, **given))

    called.__doc__ = work.__doc__
    called.__annotations__ = {"ctx": Ctx}
    result = Annotated[CallToolResult, kind]
    called.__signature__ = Signature([_argument("ctx", Ctx), *arguments], return_annotation=result)  # type: ignore[attr-defined]
    hint = ToolAnnotations(read_only_hint=True, destructive_hint=False, open_world_hint=online)
    return _strict(called, work.__name__.removesuffix("_resources"), hint)


def _argument(name: str, annotation: Any, default: Any = Parameter.empty) -> Parameter:
    return Parameter(name, Parameter.KEYWORD_ONLY, annotation=annotation, default=default)


def _strict(function: Callable[..., Any], name: str, annotations: ToolAnnotations) -> Tool:
    """The tool of a function; arguments that it does not have are refused."""
    tool = Tool.from_function(function, name=name, annotations=annotations)
    known = tool.fn_metadata.arg_model

    class Arguments(known):  # type: ignore[misc, valid-type]
        model_config = ConfigDict(extra="forbid", arbitrary_types_allowed=True)

    tool.fn_metadata.arg_model = Arguments
    tool.parameters = {**tool.parameters, "additionalProperties": False}
    return tool


def serve(server: MCPServer[None], running: Running, leave: Callable[[int], None]) -> int:
    """Serves until the client closes standard input; 0.

    A signal stops running calls in order and then calls ``leave`` with its number: the thread that waits for standard
    input cannot be ended in another way.
    """

    async def stop_on_signal() -> None:
        with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
            async for number in signals:
                await running.stop()
                leave(number)

    async def main() -> None:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(stop_on_signal)
            await server.run_stdio_async()
            tasks.cancel_scope.cancel()

    anyio.run(main)
    return 0
