"""``emulator``: runs the gateway and Systeme.io locally, for trials and tests."""

from __future__ import annotations

import gc
from pathlib import Path
from typing import Any

import click

from reconciler.errors import ConfigurationError

EXAMPLE = """\b
Example:
  reconciler emulator --seed shop.yaml
  export RECONCILER_GATEWAY_URL=http://127.0.0.1:8642
  MATON_API_KEY=emulator-key reconciler plan
"""


@click.command(epilog=EXAMPLE)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--public", is_flag=True, help="Allow an address that other machines can reach; needs --key.")
@click.option(
    "--port",
    default=8642,
    show_default=True,
    type=click.IntRange(0, 65535),
    help="Port to listen on; 0: any free port.",
)
@click.option("--key", help="API key to accept [default: emulator-key].")
@click.option(
    "--connection",
    "connections",
    multiple=True,
    default=("default",),
    metavar="ID",
    help="Connection id of the seeded account; the next ones are of empty accounts [default: default].",
)
@click.option(
    "--seed",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="YAML file with the content of the account.",
)
@click.option(
    "--store",
    type=click.Path(path_type=Path, dir_okay=False),
    help="SQLite file that keeps the accounts between runs.",
)
def emulator(
    host: str,
    public: bool,
    port: int,
    key: str | None,
    connections: tuple[str, ...],
    seed: Path | None,
    store: Path | None,
) -> int:
    """Run a local emulator of the gateway and Systeme.io over real HTTP, with the same rules."""
    try:
        from reconciler.emulator import is_loopback, serve
    except ModuleNotFoundError as error:
        raise ConfigurationError(
            f"the emulator needs {error.name}, which is not installed; run: pip install 'reconciler[emulator]'"
        ) from error

    if not is_loopback(host):
        if not public:
            raise click.UsageError(f"other machines can reach {host}; allow this with --public")
        if not key:
            raise click.UsageError("--public needs --key")
    key = key or "emulator-key"

    def ready(url: str) -> None:
        noun = "connection" if len(connections) == 1 else "connections"
        click.echo(f"listening on {url} (key {key}, {noun} {', '.join(connections)}); stop with Ctrl-C")

    gc.enable()  # a long-running process
    accounts: dict[str, Any] = {each: seed or {} if each == connections[0] else {} for each in connections}
    try:
        serve(host, port, key, accounts, store, ready)
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"the emulator cannot start: {error}") from error
    return 0
