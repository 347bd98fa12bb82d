"""Buttons on a task instance's page."""
