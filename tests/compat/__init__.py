"""The short suite that runs on every version of Airflow: here, and by tests/test_versions.py in the others."""
