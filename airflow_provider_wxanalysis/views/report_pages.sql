-- One row per app, day and page of WeChat's list.
SELECT
  page.appid,
  apps.app_name,
  page.begin_date AS day,
  page.page_rank,
  page.page_path,
  page.page_visit_pv,
  page.page_visit_uv,
  page.page_staytime_pv,
  page.entrypage_pv,
  page.exitpage_pv,
  page.page_share_pv,
  page.page_share_uv,
  SAFE_DIVIDE(page.page_visit_pv, trend.visit_pv) AS views_share,
  SAFE_DIVIDE(page.entrypage_pv, trend.session_cnt) AS entry_share,
  SAFE_DIVIDE(page.entrypage_pv, page.page_visit_pv) AS entry_rate,
  SAFE_DIVIDE(page.exitpage_pv, page.page_visit_pv) AS exit_rate,
  SAFE_DIVIDE(page.page_share_uv, page.page_visit_uv) AS sharer_share,
  page.page_visit_pv * page.page_staytime_pv AS seconds_spent,
  COUNT(*) OVER (PARTITION BY page.appid, page.begin_date) >= {row_limit} AS list_is_truncated
FROM `{dataset}.visit_page` AS page
LEFT JOIN `{dataset}.daily_visit_trend` AS trend
  ON trend.appid = page.appid AND trend.begin_date = page.begin_date
LEFT JOIN {apps} AS apps ON apps.appid = page.appid
