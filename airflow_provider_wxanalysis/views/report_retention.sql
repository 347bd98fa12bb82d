-- One row per cohort and period after it. No row means that WeChat has not published the figure yet, which is not zero.
WITH cohorts AS (
  SELECT 'day' AS period, appid, begin_date, end_date, cohort, period_offset, users, cohort_users
  FROM `{dataset}.daily_retain`
  UNION ALL
  SELECT 'week', appid, begin_date, end_date, cohort, period_offset, users, cohort_users
  FROM `{dataset}.weekly_retain`
  UNION ALL
  SELECT 'month', appid, begin_date, end_date, cohort, period_offset, users, cohort_users
  FROM `{dataset}.monthly_retain`
)
SELECT
  cohorts.period,
  cohorts.appid,
  apps.app_name,
  cohorts.begin_date,
  cohorts.end_date,
  cohorts.cohort,
  CASE cohorts.cohort WHEN 'visit_uv_new' THEN '新用户' WHEN 'visit_uv' THEN '活跃用户' END AS cohort_label,
  CASE cohorts.cohort WHEN 'visit_uv_new' THEN 'first-time' WHEN 'visit_uv' THEN 'all' END AS cohort_label_en,
  cohorts.period_offset,
  cohorts.users,
  cohorts.cohort_users,
  SAFE_DIVIDE(cohorts.users, cohorts.cohort_users) AS retention
FROM cohorts
LEFT JOIN {apps} AS apps ON apps.appid = cohorts.appid
WHERE cohorts.period_offset > 0
