-- Where openings come from: one row per app, day and source.
WITH sources AS (
  SELECT
    appid, begin_date AS day, item_key AS source_key,
    MAX(item_label) AS source_label, MAX(item_label_en) AS source_label_en,
    SUM(IF(distribution = 'access_source_session_cnt', item_value, NULL)) AS sessions,
    SUM(IF(distribution = 'access_source_visit_uv', item_value, NULL)) AS visitors
  FROM `{dataset}.visit_distribution`
  WHERE distribution IN ('access_source_session_cnt', 'access_source_visit_uv')
  GROUP BY appid, day, source_key
)
SELECT
  today.appid,
  apps.app_name,
  today.day,
  today.source_key,
  COALESCE(today.source_label, CONCAT('未登记 ', CAST(today.source_key AS STRING))) AS source_label,
  COALESCE(today.source_label_en, CONCAT('unlisted ', CAST(today.source_key AS STRING))) AS source_label_en,
  today.sessions,
  today.visitors,
  SAFE_DIVIDE(today.sessions, SUM(today.sessions) OVER (PARTITION BY today.appid, today.day)) AS sessions_share,
  SAFE_DIVIDE(today.sessions, today.visitors) AS sessions_per_visitor,
  SAFE_DIVIDE(today.sessions - week_before.sessions, week_before.sessions) AS sessions_vs_week_before
FROM sources AS today
LEFT JOIN sources AS week_before
  ON week_before.appid = today.appid AND week_before.source_key = today.source_key
  AND week_before.day = DATE_SUB(today.day, INTERVAL 7 DAY)
LEFT JOIN {apps} AS apps ON apps.appid = today.appid
