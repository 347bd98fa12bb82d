"""Scale on paper."""
