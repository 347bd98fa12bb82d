-- Retention by month of the cohorts, weighted by their size. Each offset counts only cohorts old enough to have it: an
-- unripe cohort is in neither sum, so it does not lower the rate.
SELECT
  period,
  appid,
  ANY_VALUE(app_name) AS app_name,
  DATE_TRUNC(begin_date, MONTH) AS month,
  cohort,
  cohort_label,
  cohort_label_en,
  period_offset,
  COUNT(*) AS cohorts,
  SUM(users) AS users,
  SUM(cohort_users) AS cohort_users,
  SAFE_DIVIDE(SUM(users), SUM(cohort_users)) AS retention
FROM `{dataset}.report_retention`
WHERE users IS NOT NULL AND cohort_users IS NOT NULL
GROUP BY period, appid, month, cohort, cohort_label, cohort_label_en, period_offset
