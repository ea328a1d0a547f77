"""A write that cannot be taken back and is refused a second time → done or not, by looking at what the account shows.

answer          what is done
────────────────────────────────────────────────────────────────────────────────────────
2xx             done
422, 400        look: what is so already is done, else it is the error
none            look: what is so is done, else send again, once; then the same
none, no look   failed; the intent stays open, and the next plan sees what became of it
"""

from __future__ import annotations

from collections.abc import Callable

from reconciler.errors import GatewayError, Interrupted, Invalid, NoAnswer


def once(send: Callable[[], object], is_so: Callable[[], bool]) -> str:
    """Send at most twice, and the second time only after a look; returns what is to be said of it.

    Raises the GatewayError that ended it; NoAnswer where nobody knows whether it happened.
    """
    try:
        send()
        return ""
    except Invalid as refusal:
        return _settled(refusal, is_so, "was so already")
    except NoAnswer as lost:
        doubt = lost
    try:
        if is_so():
            return "done; its answer was lost"
        send()
        return "done; the first request was lost"
    except Invalid as refusal:
        return _settled(refusal, is_so, "done; its answer was lost")
    except (GatewayError, Interrupted) as error:  # the first attempt stays in doubt, whatever this one is
        raise NoAnswer(f"{doubt}; then {error}", status=doubt.status) from None


def _settled(refusal: Invalid, is_so: Callable[[], bool], said: str) -> str:
    try:
        if is_so():
            return said
    except (GatewayError, Interrupted):
        pass  # the refusal says more than the failed look
    raise refusal
