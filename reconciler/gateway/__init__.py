"""The only HTTP client: transport, rate limiter, retries, responses and connections."""
