"""Many accounts in one run: declaration, lanes, engines, rollout."""
