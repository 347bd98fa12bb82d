// What the page says: [English, 中文], of states also what they mean.
export const WORDS = {
  title: ["WeChat data", "微信数据"],
  asOf: ["as of {0} (Asia/Shanghai)", "截至 {0}（北京时间）"],
  old: ["This snapshot is {0} days old. Is the coverage task still running?", "该快照已过去 {0} 天，完整度任务还在运行吗？"],
  by: ["reported by", "来源"],
  destination: ["Destination", "目标数据集"],
  range: ["Time range", "时间范围"],
  days: ["{0} days", "{0} 天"],
  all: ["All", "全部"],
  filter: ["Filter apps by name or AppID", "按名称或 AppID 筛选小程序"],
  noMatch: ["No app matches this filter.", "没有符合条件的小程序。"],
  complete: ["complete", "完整"],
  apps: ["apps", "个小程序"],
  app: ["app", "个小程序"],
  gapTitle: ["What is not there, and why", "缺了什么，为什么"],
  noGaps: ["Nothing is missing in this time range.", "该时间范围内没有缺失。"],
  more: ["Show all {0}", "显示全部 {0} 条"],
  others: ["{0} and {1} more", "{0} 等 {1} 个"],
  periods: ["{0} periods", "{0} 个周期"],
  period: ["1 period", "1 个周期"],
  coverage: ["Coverage", "完整度"],
  overview: ["all endpoints, the worst state of each day", "全部接口，每天取最差状态"],
  row: ["1 row", "1 行"],
  rows: ["{0} rows", "{0} 行"],
  loadedAt: ["loaded {0}", "加载于 {0}"],
  open: ["Click or press Enter to open the task that loaded it.", "点击或按回车键，打开加载该数据的任务。"],
  visits: ["Visits, the last 90 days", "近 90 天访问"],
  uv: ["visitors", "访问人数"],
  pv: ["page views", "访问次数"],
  top: ["highest {0}", "最高 {0}"],
  retention: ["Retention of new users", "新用户留存"],
  retentionHint: ["% of a day's new users who came back that many days later", "每日新增用户在若干天后回访的比例（%）"],
  offset: ["+{0} d", "+{0} 天"],
  average: ["avg.", "平均"],
  cohort: ["{0} new users", "新增 {0} 人"],
  pages: ["Top pages, the last 7 days", "近 7 天热门页面"],
  page: ["Page", "页面"],
  noFigures: ["No figures in this snapshot.", "该快照中没有数据。"],
  loading: ["Loading …", "加载中……"],
  empty: ["No snapshot yet", "还没有快照"],
  emptyText: [
    "This page shows what the coverage task found last. Add it to a DAG, next to your daily load:",
    "本页展示完整度任务最近一次的结果。请把它加入一个 DAG，与每日加载并列：",
  ],
  notThisDag: ["This DAG is not in any snapshot", "快照中没有这个 DAG"],
  notThisDagText: [
    "It has neither loaded WeChat data that is still in the tables nor checked their coverage. All destinations:",
    "它没有加载过仍在表中的微信数据，也没有检查过完整度。全部目标数据集：",
  ],
  forbidden: ["You may not see assets", "没有查看资源的权限"],
  forbiddenText: [
    "The page reads Airflow's asset events with your own permissions. Ask an administrator for read access to assets.",
    "本页以您自己的权限读取 Airflow 资源事件。请联系管理员开通资源的读取权限。",
  ],
  otherVersion: ["The snapshot is of another version", "快照来自其他版本"],
  otherVersionText: [
    "Install the same version of airflow-provider-wxanalysis on workers and API server, then run the coverage task.",
    "请在 worker 和 API server 上安装同一版本的 airflow-provider-wxanalysis，再运行一次完整度任务。",
  ],
  failed: ["The snapshot could not be read", "无法读取快照"],
  retry: ["Try again", "重试"],
};
export const STATES = {
  loaded: ["loaded", "已加载"],
  maturing: ["maturing", "增长中", "Retention that still grows.", "留存数据仍在增长。"],
  truncated: ["truncated", "已截断", "WeChat gives only the top of the list.", "微信只返回列表的前若干行。"],
  empty: ["empty", "无数据", "WeChat had nothing, and a load recorded it.", "微信没有数据，加载时已记录。"],
  pending: ["pending", "待发布", "WeChat may not have published it yet.", "微信可能尚未发布。"],
  lost: ["lost", "补不回", "WeChat no longer answers for it; it cannot be loaded.", "微信已不再提供，无法补回。"],
  stale: ["stale", "待刷新", "Retention was not fetched again; healing does that.", "留存数据未再次获取，补数任务会刷新。"],
  doubled: ["doubled", "重复", "Rows of more than one load; healing replaces them.", "含多次加载的行，补数任务会替换。"],
  missing: ["missing", "缺失", "Not in the table; healing loads it.", "表中没有，补数任务会加载。"],
};
export const RANK = { ...Object.fromEntries(Object.keys(STATES).map((state, rank) => [state, rank])), maturing: -1 };
export const GAPS = ["missing", "doubled", "stale", "lost"];
export const DAG_LINES = `from airflow_provider_wxanalysis.task_groups import weanalysis_heal

weanalysis_heal(
    conn_ids=["weanalysis_default"],
    endpoints=["daily_summary", "daily_visit_trend", "daily_retain", "visit_page"],
    destination="my-project.wechat.{endpoint}",
    since="2026-01-01",
    gcp_conn_id=None,
)`;

const KEY = "weanalysis.language";
const chosen = () => localStorage.getItem(KEY) ?? (/^zh/i.test(navigator.language) ? "zh" : "en");

/** Translates into a language; by default the one chosen last, or else the browser's. */
export function speaker(language = chosen()) {
  const of = (pair) => pair[language === "zh" ? 1 : 0];
  const say = (key, ...values) => of(WORDS[key]).replace(/\{(\d)\}/g, (_, n) => values[n]);
  const formats = {}; // to make one takes much longer than to use it
  const format = (Kind, options) => (formats[JSON.stringify(options)] ??= new Kind(language, options));
  const numbers = (digits) => format(Intl.NumberFormat, { maximumFractionDigits: digits });
  const number = (value, digits = 0) => ((value ?? null) === null ? "–" : numbers(digits).format(value));
  const date = (day, form) => format(Intl.DateTimeFormat, { ...form, timeZone: "UTC" }).format(day * 86400e3);
  const state = (name) => ({ name: of(STATES[name]), meaning: of(STATES[name].slice(2)) ?? "" });
  return Object.assign(say, { language, of, number, date, state });
}

export function remember(language) {
  localStorage.setItem(KEY, language);
  return speaker(language);
}
