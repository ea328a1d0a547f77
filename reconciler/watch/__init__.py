"""The reconcile loop: cycles, health and notifications."""
