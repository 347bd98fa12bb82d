"""``make demo``: every endpoint of two apps, fetched by real Airflow and loaded through the BigQuery protocol."""
