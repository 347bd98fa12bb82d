-- Figures of speed and memory, against the same weekday a week before.
SELECT
  today.appid,
  apps.app_name,
  today.begin_date AS day,
  today.module,
  today.module_label,
  today.module_label_en,
  today.network_type,
  today.device_level,
  today.device,
  today.metric,
  today.metric_name,
  today.value,
  week_before.value AS value_week_before,
  SAFE_DIVIDE(today.value - week_before.value, week_before.value) AS value_vs_week_before
FROM `{dataset}.performance_data` AS today
LEFT JOIN `{dataset}.performance_data` AS week_before
  ON week_before.appid = today.appid AND week_before.module = today.module AND week_before.metric = today.metric
  AND week_before.network_type = today.network_type AND week_before.device_level = today.device_level
  AND week_before.device = today.device AND week_before.begin_date = DATE_SUB(today.begin_date, INTERVAL 7 DAY)
LEFT JOIN {apps} AS apps ON apps.appid = today.appid
