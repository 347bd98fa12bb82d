"""The connection form in a real browser: ``python -m tests.browser``."""
