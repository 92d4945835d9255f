"""Describe a real-time cluster as one typed Python program; preview it, prove it, apply it."""
