"""How soon a task ends that is told to, in real Airflow, whatever its threads wait for."""
