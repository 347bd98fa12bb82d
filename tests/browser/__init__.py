"""What a person sees, in a real browser: ``python -m tests.browser``."""
