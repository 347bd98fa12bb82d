"""Airflow's access to WeChat."""
