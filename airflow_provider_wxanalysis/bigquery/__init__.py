"""Replacing slices of BigQuery tables: the only part of the package that imports Google's client."""
