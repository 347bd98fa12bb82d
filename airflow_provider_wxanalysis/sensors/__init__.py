"""Waiting until WeChat has published."""
