"""What the catalogue of endpoints is made of; pure."""
