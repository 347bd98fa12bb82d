-- One row per app and day. Comparisons join on the date, so that a day that is missing gives NULL.
WITH trend AS (
  SELECT
    appid, begin_date AS day, session_cnt, visit_pv, visit_uv, visit_uv_new, stay_time_uv, stay_time_session, visit_depth,
    COUNT(visit_uv) OVER last_7 AS days_known,
    AVG(visit_uv) OVER last_7 AS mean_of_known
  FROM `{dataset}.daily_visit_trend`
  WINDOW last_7 AS (PARTITION BY appid ORDER BY UNIX_DATE(begin_date) RANGE BETWEEN 6 PRECEDING AND CURRENT ROW)
)
SELECT
  today.appid,
  apps.app_name,
  today.day,
  today.session_cnt,
  today.visit_pv,
  today.visit_uv,
  today.visit_uv_new,
  today.visit_uv - today.visit_uv_new AS visit_uv_returning,
  SAFE_DIVIDE(today.visit_uv_new, today.visit_uv) AS new_share,
  SAFE_DIVIDE(today.session_cnt, today.visit_uv) AS sessions_per_visitor,
  SAFE_DIVIDE(today.visit_pv, today.visit_uv) AS views_per_visitor,
  today.stay_time_uv,
  today.stay_time_session,
  today.visit_depth,
  summary.visit_total,
  summary.share_pv,
  summary.share_uv,
  SAFE_DIVIDE(summary.share_uv, today.visit_uv) AS sharer_share,
  SAFE_DIVIDE(today.visit_uv - day_before.visit_uv, day_before.visit_uv) AS visit_uv_vs_day_before,
  SAFE_DIVIDE(today.visit_uv - week_before.visit_uv, week_before.visit_uv) AS visit_uv_vs_week_before,
  IF(today.days_known = 7, today.mean_of_known, NULL) AS visit_uv_mean_7d
FROM trend AS today
LEFT JOIN trend AS day_before
  ON day_before.appid = today.appid AND day_before.day = DATE_SUB(today.day, INTERVAL 1 DAY)
LEFT JOIN trend AS week_before
  ON week_before.appid = today.appid AND week_before.day = DATE_SUB(today.day, INTERVAL 7 DAY)
LEFT JOIN `{dataset}.daily_summary` AS summary ON summary.appid = today.appid AND summary.begin_date = today.day
LEFT JOIN {apps} AS apps ON apps.appid = today.appid
