"""Golden scenarios: what was there, what the files say, and exactly what is planned, sent and left behind."""
