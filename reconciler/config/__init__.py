"""Files and environment variables → checked settings and desired state, with positions."""
