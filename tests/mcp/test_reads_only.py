"""Whatever is called on a server without --allow-apply, the account sees GETs only."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.mcp.assistant import Assistant
from tests.support.project import requests_of

SITE = """\
tags: [VIP, Gold]
contacts:
  - {email: ann@example.com, first_name: Ann, tags: [VIP]}
"""
TOOLS = ("validate", "plan", "show", "explain", "drift", "history", "list", "schema", "doctor", "apply", "nothing")
WORDS = st.sampled_from(
    ["tag/VIP", "tag", "contact/*", "*", "contact/ann@example.com", "contact/c:00000000", "live", "ledger", "desired"]
) | st.text(st.characters(codec="utf-8"), max_size=12)
VALUES = st.none() | st.booleans() | st.integers(-1, 200) | WORDS | st.lists(WORDS, max_size=3)
NAMES = st.sampled_from(
    ["targets", "excludes", "limit", "cursor", "plan", "match", "address", "run", "side", "kind", "allow", "yes"]
)
CALLS = st.lists(
    st.tuples(st.sampled_from(TOOLS), st.dictionaries(NAMES, VALUES, max_size=3)), min_size=1, max_size=6
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], deadline=None)
@given(CALLS, st.booleans())
def test_tools_at_random(reader: Assistant, calls: list[tuple[str, dict[str, Any]]], applied: bool) -> None:
    """Errors are results, the server lives, and no request but a GET is sent."""
    project = reader.reset()
    project.write(SITE)
    if applied:
        project.apply()
        project.write(SITE.replace("Ann,", "Anne,").replace(", Gold", ""))
        project.account.clear()
    plan = reader.ask("plan")
    for tool, arguments in calls:
        known = {
            name: plan["plan"] if name == "plan" and value is None else value for name, value in arguments.items()
        }
        result = reader.call(tool, **known)
        assert "Traceback" not in str(result.content)
    assert reader.ask("validate")["valid"]
    assert all(line.startswith("GET ") for line in requests_of(project.account))
    assert reader.diagnostics == ""
