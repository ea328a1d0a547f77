"""The events of the stream of a run, which has the format version of the report."""

from __future__ import annotations

#: Event → its meaning, in the order in which a stream may have them. The first one is always there, and one of the
#: last two ends the stream.
EVENTS = {
    "begin": "The stream begins: its format, the tool, the command.",
    "plan": "The plan is made: how much it would change, and what it costs.",
    "started": "A step has begun.",
    "ended": "A step has ended. One that was only accepted may end a second time, in the report.",
    "heartbeat": "The run goes on; how far it is.",
    "waiting": "Nothing leaves for a while: the gateway asked for it.",
    "report": "The run has ended; the document of `apply --json`.",
    "error": "The command has ended without a report; nothing after the last event has happened.",
}

#: The keys of the plan's document that the event ``plan`` has.
PLANNED = ("base", "partial", "summary", "calls", "people", "unmanaged", "needs")
