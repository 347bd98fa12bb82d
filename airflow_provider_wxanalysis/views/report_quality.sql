-- Figures that ought to agree with each other, and by how much they do not. A report, not a test: WeChat's own figures
-- differ slightly, so only a difference of more than five, and of more than one per cent, counts as suspicious.
WITH days AS (
  SELECT appid, begin_date, session_cnt, visit_pv, visit_uv, visit_uv_new FROM `{dataset}.daily_visit_trend`
), groups AS (
  SELECT appid, begin_date, distribution, SUM(item_value) AS total
  FROM `{dataset}.visit_distribution` GROUP BY appid, begin_date, distribution
), pages AS (
  SELECT appid, begin_date, COUNT(*) AS listed, SUM(page_visit_pv) AS views
  FROM `{dataset}.visit_page` GROUP BY appid, begin_date
), sizes AS (
  SELECT appid, begin_date, cohort, users FROM `{dataset}.daily_retain` WHERE period_offset = 0
), totals AS (
  SELECT appid, begin_date, visit_total FROM `{dataset}.daily_summary`
), spans AS (
  SELECT 'week' AS span, appid, begin_date, end_date, session_cnt, visit_pv, visit_uv
  FROM `{dataset}.weekly_visit_trend`
  UNION ALL
  SELECT 'month', appid, begin_date, end_date, session_cnt, visit_pv, visit_uv
  FROM `{dataset}.monthly_visit_trend`
), sums AS (
  SELECT
    spans.span, spans.appid, spans.begin_date, COUNT(*) AS days, SUM(days.session_cnt) AS sessions,
    SUM(days.visit_pv) AS views, MAX(days.visit_uv) AS most_visitors, SUM(days.visit_uv) AS sum_of_visitors
  FROM spans
  JOIN days ON days.appid = spans.appid AND days.begin_date BETWEEN spans.begin_date AND spans.end_date
  GROUP BY spans.span, spans.appid, spans.begin_date
), whole_spans AS (  -- with all their days
  SELECT spans.*, sums.sessions, sums.views, sums.most_visitors, sums.sum_of_visitors
  FROM spans JOIN sums USING (span, appid, begin_date)
  WHERE sums.days = DATE_DIFF(spans.end_date, spans.begin_date, DAY) + 1
), checks AS (
  SELECT
    'openings by distribution = openings' AS rule, 'equal' AS kind, groups.distribution AS detail, days.appid,
    days.begin_date, groups.total AS found, days.session_cnt AS expected
  FROM groups JOIN days USING (appid, begin_date)
  WHERE groups.distribution IN ('access_source_session_cnt', 'access_staytime_info', 'access_depth_info')
  UNION ALL
  SELECT 'visitors by source >= visitors', 'at least', NULL, days.appid, days.begin_date, groups.total, days.visit_uv
  FROM groups JOIN days USING (appid, begin_date)
  WHERE groups.distribution = 'access_source_visit_uv'
  UNION ALL
  SELECT
    IF(pages.listed < {row_limit}, 'views of all pages = views', 'views of listed pages <= views'),
    IF(pages.listed < {row_limit}, 'equal', 'at most'), NULL, days.appid, days.begin_date, pages.views, days.visit_pv
  FROM pages JOIN days USING (appid, begin_date)
  UNION ALL
  SELECT
    'size of retention cohort = visitors', 'equal', sizes.cohort, days.appid, days.begin_date, sizes.users,
    IF(sizes.cohort = 'visit_uv', days.visit_uv, days.visit_uv_new)
  FROM sizes JOIN days USING (appid, begin_date)
  UNION ALL
  SELECT
    'first-time visitors = growth of users in all', 'equal', NULL, days.appid, days.begin_date, days.visit_uv_new,
    today.visit_total - day_before.visit_total
  FROM days
  JOIN totals AS today ON today.appid = days.appid AND today.begin_date = days.begin_date
  JOIN totals AS day_before
    ON day_before.appid = days.appid AND day_before.begin_date = DATE_SUB(days.begin_date, INTERVAL 1 DAY)
  UNION ALL
  SELECT CONCAT(span, ': openings = sum of days'), 'equal', NULL, appid, begin_date, session_cnt, sessions
  FROM whole_spans
  UNION ALL
  SELECT CONCAT(span, ': views = sum of days'), 'equal', NULL, appid, begin_date, visit_pv, views FROM whole_spans
  UNION ALL
  SELECT CONCAT(span, ': visitors >= best day'), 'at least', NULL, appid, begin_date, visit_uv, most_visitors
  FROM whole_spans
  UNION ALL
  SELECT CONCAT(span, ': visitors <= sum of days'), 'at most', NULL, appid, begin_date, visit_uv, sum_of_visitors
  FROM whole_spans
)
SELECT
  checks.rule,
  checks.detail,
  checks.appid,
  apps.app_name,
  checks.begin_date,
  checks.found,
  checks.expected,
  checks.found - checks.expected AS difference,
  SAFE_DIVIDE(checks.found - checks.expected, checks.expected) AS difference_share,
  CASE checks.kind
    WHEN 'equal' THEN ABS(checks.found - checks.expected)
    WHEN 'at most' THEN checks.found - checks.expected
    ELSE checks.expected - checks.found
  END > GREATEST(5, 0.01 * checks.expected) AS suspicious
FROM checks
LEFT JOIN {apps} AS apps ON apps.appid = checks.appid
