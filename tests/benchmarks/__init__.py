"""``make bench``: how fast and how heavy the package is, as ratios to limits and to what else could do the work."""
