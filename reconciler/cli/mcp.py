"""Options and help of `mcp`."""

from __future__ import annotations

import click

from reconciler.cli.command_options import McpOptions
from reconciler.cli.options import account_options, allow_option, path_argument, with_options
from reconciler.errors import ConfigurationError

EXAMPLE = """\b
Example:
  reconciler mcp site/
  reconciler -e staging mcp site/ --allow-apply
"""


@click.command(epilog=EXAMPLE)
@path_argument
@click.option("--allow-apply", is_flag=True, help="Offer a tool that applies a plan after a person approved it.")
@allow_option
@account_options
@click.pass_context
@with_options(McpOptions)
def mcp(ctx: click.Context, options: McpOptions) -> int:
    """Serve the project to an AI assistant: the Model Context Protocol on standard input and output.

    Without --allow-apply every tool only reads. People are shown as pseudonyms, unless --no-redact is given.
    """
    try:
        from reconciler.cli.handlers import mcp as handlers
    except ModuleNotFoundError as error:
        raise ConfigurationError(f"mcp needs {error.name}; run: pip install 'reconciler[mcp]'") from None

    return handlers.mcp(ctx, options)
