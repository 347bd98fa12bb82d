"""What operators, sensor and transfer share."""
