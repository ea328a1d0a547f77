"""Emulates Systeme.io accounts behind the Maton gateway, filled from plain seeds."""

from reconciler.emulator.accounts import Account, Recorded
from reconciler.emulator.loopback import is_loopback
from reconciler.emulator.server import Emulator, serve

__all__ = ["Account", "Emulator", "Recorded", "is_loopback", "serve"]
