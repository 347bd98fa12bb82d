"""Every column of every table: its name, type and meaning."""

from __future__ import annotations

from typing import NamedTuple


class Column(NamedTuple):  # hashed in C: caches are keyed by columns, and read for every reply
    """One column: its name, type and meaning.

    :param name: the column's name, WeChat's own wherever it has a usable one.
    :param type: BigQuery type: ``STRING``, ``INT64``, ``FLOAT64``, ``DATE``, ``TIMESTAMP`` or ``JSON``.
    :param zh: its meaning in Chinese, in the words of WeChat's reference.
    :param en: its meaning in English.
    :param mode: ``NULLABLE`` or ``REQUIRED``.
    :param key: whether it is one of the columns by which the rows of one app and period differ.
    :param field: what WeChat calls it, where it needs another name in a table; for messages.
    """

    name: str
    type: str
    zh: str
    en: str
    mode: str = "NULLABLE"
    key: bool = False
    field: str = ""

    @property
    def description(self) -> str:
        """The text that BigQuery shows next to the column."""
        return f"{self.zh} / {self.en}"

    @property
    def wire_name(self) -> str:
        """What WeChat calls it."""
        return self.field or self.name


#: The columns every table begins with.
LEADING = (
    Column("appid", "STRING", "小程序 AppID", "AppID of the mini program", "REQUIRED"),
    Column("begin_date", "DATE", "统计周期首日（北京时间）", "First day of the period, Asia/Shanghai", "REQUIRED"),
    Column("end_date", "DATE", "统计周期末日（北京时间）", "Last day of the period, inclusive", "REQUIRED"),
    Column("ref_date", "STRING", "微信返回的日期原文", "The period as WeChat wrote it"),
)
#: The columns every table ends with.
EXTRA = Column("_extra", "JSON", "目录中未登记的返回字段", "Fields WeChat sent that the catalogue does not know")
LOAD = (
    Column("_loaded_at", "TIMESTAMP", "写入时间", "When the row was written", "REQUIRED"),
    Column("_load_id", "STRING", "写入该行的 BigQuery 作业 ID", "BigQuery job that wrote the row", "REQUIRED"),
    Column("_run_id", "STRING", "写入该行的 Airflow 运行 ID", "Airflow run that wrote the row"),
    Column("_dag_id", "STRING", "写入该行的 DAG", "DAG of that run"),
    Column("_task_id", "STRING", "写入该行的任务", "Task of that DAG"),
)


def _count(name: str, zh: str, en: str, field: str = "") -> Column:
    return Column(name, "INT64", zh, en, field=field)


def _label(name: str, zh: str, en: str) -> tuple[Column, Column]:
    """A column for the Chinese label and one for the English."""
    return Column(name, "STRING", f"{zh}（中文）", f"{en}, in Chinese"), Column(
        f"{name}_en", "STRING", f"{zh}（英文）", f"{en}, in English"
    )


def _key(name: str, column_type: str, zh: str, en: str, field: str = "") -> Column:
    return Column(name, column_type, zh, en, key=True, field=field)


SUMMARY = (
    _count("visit_total", "累计用户数", "Users since launch, cumulative"),
    _count("share_pv", "转发次数", "Times the mini program was shared"),
    _count("share_uv", "转发人数", "People who shared it"),
)
TREND = (
    _count("session_cnt", "打开次数", "Times the mini program was opened"),
    _count("visit_pv", "访问次数", "Page views"),
    _count(
        "visit_uv",
        "访问人数（周期内去重，不同周期不可相加）",
        "Visitors, each counted once per period; periods cannot be added up",
    ),
    _count("visit_uv_new", "新用户数（周期内去重）", "First-time visitors, each counted once per period"),
    Column("stay_time_uv", "FLOAT64", "人均停留时长（秒）", "Mean stay per visitor, in seconds"),
    Column("stay_time_session", "FLOAT64", "次均停留时长（秒）", "Mean stay per opening, in seconds"),
    Column("visit_depth", "FLOAT64", "平均访问深度（页）", "Mean pages per opening"),
)
DISTRIBUTION = (
    _key("distribution", "STRING", "分布类型（返回中的 index）", "What is distributed: the reply's index", "index"),
    *_label(
        "distribution_label", "分布类型的含义，未收录则为 NULL", "What the index stands for (NULL if it is not listed)"
    ),
    _key("item_key", "INT64", "场景、时长或深度的 key", "Key of the source, stay-time or depth bucket", "key"),
    *_label("item_label", "key 的含义，未收录则为 NULL", "What the key stands for (NULL if it is not listed)"),
    _count(
        "item_value",
        "该 key 下的打开次数；access_source_visit_uv 为人数",
        "Openings, or visitors for access_source_visit_uv",
        "value",
    ),
)
RETENTION = (
    _key(
        "cohort",
        "STRING",
        "用户群：visit_uv_new（新增用户）或 visit_uv（活跃用户）",
        "Who is followed: visit_uv_new (first-time) or visit_uv (all visitors)",
    ),
    _key(
        "period_offset",
        "INT64",
        "距首期的天数、周数或月数；0 为用户群本身的人数",
        "Periods since the first: days, weeks or months; 0 is the cohort's size",
        "key",
    ),
    _count("users", "留存人数", "People of the cohort who came back in that period", "value"),
    _count(
        "cohort_users",
        "用户群人数（第 0 期人数，留存率的分母）",
        "Size of the cohort: its users at offset 0, what a retention rate divides by",
        "value of key 0",
    ),
)
PAGE = (
    Column("page_rank", "INT64", "在返回中的次序，1 为访问最多", "Place in the reply, 1 = most viewed"),
    _key("page_path", "STRING", "页面路径（不含参数）", "Path of the page, without query parameters"),
    _count("page_visit_pv", "访问次数", "Page views"),
    _count("page_visit_uv", "访问人数", "Visitors of the page"),
    Column("page_staytime_pv", "FLOAT64", "次均停留时长（秒）", "Mean stay per view, in seconds"),
    _count("entrypage_pv", "进入页次数", "Times it was the first page of a visit"),
    _count("exitpage_pv", "退出页次数", "Times it was the last page of a visit"),
    _count("page_share_pv", "转发次数", "Times the page was shared"),
    _count("page_share_uv", "转发人数", "People who shared it"),
)
PORTRAIT = (
    _key(
        "cohort",
        "STRING",
        "用户群：visit_uv_new（新增用户）或 visit_uv（活跃用户）",
        "Who is described: visit_uv_new (first-time) or visit_uv (all visitors)",
    ),
    _key(
        "dimension",
        "STRING",
        "画像维度：province、city、genders、platforms、devices 或 ages",
        "province, city, genders, platforms, devices or ages",
    ),
    _key("item_id", "INT64", "属性值 ID；devices 没有 ID", "WeChat's id of the value; devices have none", "id"),
    _key("item_name", "STRING", "属性值名称", "WeChat's name of the value, in Chinese", "name"),
    _count("users", "人数", "People", "value"),
)
PERFORMANCE = (
    _key(
        "module",
        "STRING",
        "性能模块：10016 打开率、10017 启动、10021 页面切换、10022 内存、10023 内存异常",
        "10016 open rate, 10017 start-up, 10021 page switch, 10022 memory, 10023 memory anomaly",
    ),
    *_label("module_label", "性能模块名称", "Name of the module"),
    _key("network_type", "STRING", "网络类型：all、3g、4g 或 wifi", "all, 3g, 4g or wifi"),
    _key("device_level", "STRING", "机型档次：all、1（高）、2（中）或 3（低）", "all, 1 (high), 2 (middle) or 3 (low)"),
    _key("device", "STRING", "操作系统：all、1（iOS）或 2（Android）", "all, 1 (iOS) or 2 (Android)"),
    _key("metric", "STRING", "指标 ID", "WeChat's id of the metric", "id"),
    Column("metric_name", "STRING", "指标名称", "WeChat's name of the metric, in Chinese", field="zh"),
    Column("value", "FLOAT64", "指标值，单位因指标而异", "Value, in the metric's own unit"),
)
