"""What the engine talks to: one plugin per kind of host service, and what they share."""
