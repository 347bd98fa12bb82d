"""One operator per endpoint."""
