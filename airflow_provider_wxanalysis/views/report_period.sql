-- One row per app and week or month. People are counted once per period, so days cannot be added up to give these.
WITH periods AS (
  SELECT
    'week' AS period, appid, begin_date, end_date, DATE_SUB(begin_date, INTERVAL 7 DAY) AS previous_begin,
    session_cnt, visit_pv, visit_uv, visit_uv_new, stay_time_uv, stay_time_session, visit_depth
  FROM `{dataset}.weekly_visit_trend`
  UNION ALL
  SELECT
    'month', appid, begin_date, end_date, DATE_SUB(begin_date, INTERVAL 1 MONTH),
    session_cnt, visit_pv, visit_uv, visit_uv_new, stay_time_uv, stay_time_session, visit_depth
  FROM `{dataset}.monthly_visit_trend`
)
SELECT
  this_one.period,
  this_one.appid,
  apps.app_name,
  this_one.begin_date,
  this_one.end_date,
  this_one.session_cnt,
  this_one.visit_pv,
  this_one.visit_uv,
  this_one.visit_uv_new,
  SAFE_DIVIDE(this_one.visit_uv_new, this_one.visit_uv) AS new_share,
  SAFE_DIVIDE(this_one.session_cnt, this_one.visit_uv) AS sessions_per_visitor,
  SAFE_DIVIDE(this_one.visit_pv, this_one.visit_uv) AS views_per_visitor,
  this_one.stay_time_uv,
  this_one.stay_time_session,
  this_one.visit_depth,
  SAFE_DIVIDE(this_one.visit_uv - previous.visit_uv, previous.visit_uv) AS visit_uv_vs_previous,
  SAFE_DIVIDE(this_one.visit_pv - previous.visit_pv, previous.visit_pv) AS visit_pv_vs_previous
FROM periods AS this_one
LEFT JOIN periods AS previous
  ON previous.period = this_one.period AND previous.appid = this_one.appid
  AND previous.begin_date = this_one.previous_begin
LEFT JOIN {apps} AS apps ON apps.appid = this_one.appid
