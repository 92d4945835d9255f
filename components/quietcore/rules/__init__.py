"""Rules: what a real-time site must not be, each declared once as data."""
