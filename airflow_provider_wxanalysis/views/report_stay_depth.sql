-- How long and how deep visits go: shares by bucket, and of all buckets up to it.
WITH buckets AS (
  SELECT
    appid, begin_date AS day, distribution, MAX(distribution_label) AS distribution_label,
    MAX(distribution_label_en) AS distribution_label_en, item_key AS bucket, MAX(item_label) AS bucket_label,
    MAX(item_label_en) AS bucket_label_en, SUM(item_value) AS sessions
  FROM `{dataset}.visit_distribution`
  WHERE distribution IN ('access_staytime_info', 'access_depth_info')
  GROUP BY appid, day, distribution, bucket
)
SELECT
  buckets.appid,
  apps.app_name,
  buckets.day,
  buckets.distribution,
  buckets.distribution_label,
  buckets.distribution_label_en,
  buckets.bucket,
  buckets.bucket_label,
  buckets.bucket_label_en,
  buckets.sessions,
  SAFE_DIVIDE(buckets.sessions, SUM(buckets.sessions) OVER whole) AS sessions_share,
  SAFE_DIVIDE(
    SUM(buckets.sessions) OVER (
      PARTITION BY buckets.appid, buckets.day, buckets.distribution ORDER BY buckets.bucket
    ),
    SUM(buckets.sessions) OVER whole
  ) AS sessions_share_up_to
FROM buckets
LEFT JOIN {apps} AS apps ON apps.appid = buckets.appid
WINDOW whole AS (PARTITION BY buckets.appid, buckets.day, buckets.distribution)
