"""``emulator``: the gateway and the vendor on this machine, for trying things and for tests."""

from __future__ import annotations

import gc
from pathlib import Path

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
@click.option("--public", is_flag=True, help="Allow an address that other machines reach; needs --key.")
@click.option(
    "--port",
    default=8642,
    show_default=True,
    type=click.IntRange(0, 65535),
    help="Port; 0: any free one.",
)
@click.option("--key", help="The API key that it accepts; `emulator-key` by default.")
@click.option("--connection", default="default", show_default=True, help="Connection id of the seeded account.")
@click.option("--seed", type=click.Path(path_type=Path, exists=True, dir_okay=False), help="YAML of an account.")
@click.option("--store", type=click.Path(path_type=Path, dir_okay=False), help="SQLite file that keeps accounts.")
def emulator(
    host: str, public: bool, port: int, key: str | None, connection: str, seed: Path | None, store: Path | None
) -> int:
    """Run an emulator of the gateway and Systeme.io on this machine: real HTTP, the same rules, no customers."""
    try:
        from reconciler.emulator import is_loopback, serve
    except ModuleNotFoundError as error:
        raise ConfigurationError(
            f"the emulator needs {error.name}, which is not installed; run: pip install 'reconciler[emulator]'"
        ) from error

    if not is_loopback(host):
        if not public:
            raise click.UsageError(f"{host} can be reached by other machines; allow that with --public")
        if not key:
            raise click.UsageError("--public needs a key of its own: --key")
    key = key or "emulator-key"

    def ready(url: str) -> None:
        click.echo(f"listening on {url} (key {key}, connection {connection}); stop with Ctrl-C")

    gc.enable()  # it stays for long
    try:
        serve(host, port, key, {connection: seed or {}}, store, ready)
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"the emulator cannot start: {error}") from error
    return 0
