-- One row per app, endpoint and period since the app's first one: what is there, and what is not.
WITH catalogue AS (
  SELECT * FROM UNNEST([
{endpoints}
  ])
), slices AS (
{slices}
), recorded AS (
  SELECT DISTINCT appid, SPLIT(endpoint, '-')[OFFSET(0)] AS endpoint, begin_date, end_date  -- of any selection
  FROM `{dataset}.weanalysis_empty_periods`
), endpoints AS (  -- those in use, whichever app they were loaded for: nothing is missing of one that nobody loads
  SELECT * FROM catalogue
  WHERE endpoint IN (SELECT endpoint FROM slices UNION ALL SELECT endpoint FROM recorded)
), since AS (  -- retention is loaded for days before an app's first one too, so it counts only if there is nothing else
  SELECT appid, COALESCE(MIN(IF(retention, NULL, begin_date)), MIN(begin_date)) AS first_day
  FROM (
    SELECT slices.appid, slices.begin_date, catalogue.grows_for > 0 AS retention
    FROM slices JOIN catalogue USING (endpoint) WHERE catalogue.period != 'rolling'
    UNION ALL
    SELECT appid, begin_date, FALSE FROM recorded
  )
  GROUP BY appid
), days AS (
  SELECT since.appid, since.first_day, day
  FROM since, UNNEST(GENERATE_DATE_ARRAY(
    since.first_day, DATE_SUB(CURRENT_DATE('Asia/Shanghai'), INTERVAL 1 DAY)
  )) AS day
), periods AS (
  SELECT
    days.appid, endpoints.endpoint, endpoints.grows_for, endpoints.row_limit, endpoints.reach_days, endpoints.period,
    CASE endpoints.period
      WHEN 'week' THEN DATE_SUB(days.day, INTERVAL 6 DAY)
      WHEN 'month' THEN DATE_TRUNC(days.day, MONTH)
      ELSE DATE_SUB(days.day, INTERVAL endpoints.length - 1 DAY)
    END AS begin_date,
    days.day AS end_date, days.first_day
  FROM days CROSS JOIN endpoints
  WHERE CASE endpoints.period
    WHEN 'week' THEN EXTRACT(DAYOFWEEK FROM days.day) = 1
    WHEN 'month' THEN days.day = LAST_DAY(days.day)
    ELSE TRUE
  END
), expected AS (
  SELECT * FROM periods WHERE begin_date >= first_day OR period = 'rolling'
)
SELECT
  expected.appid,
  apps.app_name,
  expected.endpoint,
  expected.begin_date,
  expected.end_date,
  CASE
    WHEN slices.loads > 1 THEN 'doubled'
    WHEN slices.row_count IS NOT NULL AND CURRENT_DATE('Asia/Shanghai') <= CASE expected.period
      WHEN 'week' THEN DATE_ADD(expected.end_date, INTERVAL expected.grows_for WEEK)
      WHEN 'month' THEN LAST_DAY(DATE_ADD(expected.begin_date, INTERVAL expected.grows_for MONTH))
      ELSE DATE_ADD(expected.end_date, INTERVAL expected.grows_for DAY)
    END AND expected.grows_for > 0 THEN 'maturing'
    WHEN slices.row_count >= expected.row_limit THEN 'truncated'
    WHEN slices.row_count IS NOT NULL THEN 'loaded'
    WHEN CURRENT_TIMESTAMP() < TIMESTAMP_ADD(
      TIMESTAMP(DATE_ADD(expected.end_date, INTERVAL 1 DAY), 'Asia/Shanghai'), INTERVAL {ready_seconds} SECOND
    ) THEN 'pending'
    WHEN recorded.appid IS NOT NULL THEN 'empty'
    WHEN expected.end_date < DATE_SUB(CURRENT_DATE('Asia/Shanghai'), INTERVAL expected.reach_days DAY) THEN 'lost'
    ELSE 'missing'
  END AS state,
  COALESCE(slices.row_count, 0) AS row_count,
  slices.loaded_at
FROM expected
LEFT JOIN slices
  ON slices.appid = expected.appid AND slices.endpoint = expected.endpoint
  AND slices.begin_date = expected.begin_date AND slices.end_date = expected.end_date
LEFT JOIN recorded
  ON recorded.appid = expected.appid AND recorded.endpoint = expected.endpoint
  AND recorded.begin_date = expected.begin_date AND recorded.end_date = expected.end_date
LEFT JOIN {apps} AS apps ON apps.appid = expected.appid
