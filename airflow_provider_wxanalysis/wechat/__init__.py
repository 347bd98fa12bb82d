"""The WeChat client: one app's calls over HTTP, without Airflow."""
