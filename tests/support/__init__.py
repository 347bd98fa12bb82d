"""What tests and demo share: starting the real things."""
