"""Waiting outside the workers."""
