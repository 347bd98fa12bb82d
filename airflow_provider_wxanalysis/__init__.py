"""Airflow provider for WeChat mini-program analytics (访问分析 / 数据分析).

Airflow imports this module while it is itself half imported, so it imports nothing but the standard library.
"""

__version__ = "0.1.0"
