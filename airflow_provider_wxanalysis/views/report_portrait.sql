-- Who visitors are: shares within each dimension, and first-time visitors against all.
WITH portraits AS (
  SELECT 1 AS window_days, appid, begin_date, end_date, cohort, dimension, item_name, users
  FROM `{dataset}.user_portrait`
  UNION ALL
  SELECT 7, appid, begin_date, end_date, cohort, dimension, item_name, users FROM `{dataset}.user_portrait_7d`
  UNION ALL
  SELECT 30, appid, begin_date, end_date, cohort, dimension, item_name, users FROM `{dataset}.user_portrait_30d`
), items AS (
  SELECT
    window_days, appid, begin_date, end_date, dimension, item_name,
    SUM(IF(cohort = 'visit_uv', users, NULL)) AS visitors,
    SUM(IF(cohort = 'visit_uv_new', users, NULL)) AS new_visitors
  FROM portraits
  GROUP BY window_days, appid, begin_date, end_date, dimension, item_name
), shares AS (
  SELECT
    items.*,
    SAFE_DIVIDE(visitors, SUM(visitors) OVER whole) AS visitors_share,
    SAFE_DIVIDE(new_visitors, SUM(new_visitors) OVER whole) AS new_visitors_share
  FROM items
  WINDOW whole AS (PARTITION BY window_days, appid, end_date, dimension)
)
SELECT
  shares.window_days,
  shares.appid,
  apps.app_name,
  shares.begin_date,
  shares.end_date,
  shares.dimension,
  CASE shares.dimension
    WHEN 'province' THEN '省份' WHEN 'city' THEN '城市' WHEN 'genders' THEN '性别'
    WHEN 'platforms' THEN '平台' WHEN 'devices' THEN '机型' WHEN 'ages' THEN '年龄'
  END AS dimension_label,
  shares.item_name,
  shares.visitors,
  shares.visitors_share,
  shares.new_visitors,
  shares.new_visitors_share,
  100 * SAFE_DIVIDE(shares.new_visitors_share, shares.visitors_share) AS new_visitors_index
FROM shares
LEFT JOIN {apps} AS apps ON apps.appid = shares.appid
