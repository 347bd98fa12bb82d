"""Knowing what is loaded: which periods are expected, what state each is in, and what to load again. Pure: no clock."""
