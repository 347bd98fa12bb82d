"""From WeChat into BigQuery."""
