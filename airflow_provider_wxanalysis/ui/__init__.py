"""The page in Airflow's UI: the plugin, its files and what serves them."""
