"""Desired, ledger and live state → changes, approvals, order and requests; pure."""
