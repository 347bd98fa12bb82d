"""Talking to WeChat."""
