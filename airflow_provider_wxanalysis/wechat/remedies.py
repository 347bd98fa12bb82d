"""Every errcode that these endpoints are known to give: which error it becomes, and what a person should do, in English
and in Chinese. Pure data, for messages and docs.

WeChat documents few codes per endpoint; the rest come from its general table and from what developers report.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from airflow_provider_wxanalysis.exceptions import (
    CredentialsError,
    DataNotReadyError,
    DateRangeError,
    InvalidTokenError,
    NotAuthorizedError,
    QuotaExceededError,
    RateLimitError,
    ServiceBusyError,
    UnknownAPIError,
    WeAnalysisAPIError,
)


class Errcode(NamedTuple):
    """What is known of a code.

    :param error: the error it becomes.
    :param en: what to do, in English: the last sentences of the error's message.
    :param zh: the same in Chinese, for the docs.
    """

    error: type[WeAnalysisAPIError]
    en: str
    zh: str


_TABLE = "https://developers.weixin.qq.com/doc/oplatform/developers/errCode/errCode.html"
_SETTINGS = "the WeChat console (mp.weixin.qq.com), 开发管理 > 开发设置"
_SETTINGS_ZH = "微信公众平台（mp.weixin.qq.com）的「开发管理 > 开发设置」"
_API_SECURITY = f"{_SETTINGS} > API安全"
_API_SECURITY_ZH = "「开发管理 > 开发设置 > API安全」"

_BUG = Errcode(
    WeAnalysisAPIError,
    "This looks like a bug in the provider, or a proxy that changes requests; please report it with the rid.",
    "多半是本包的缺陷，或中间代理改写了请求；请附上 rid 提交 issue。",
)
_BUSY = Errcode(
    ServiceBusyError,
    "Try again in a few minutes, as Airflow's retries do.",
    "微信侧繁忙，几分钟后重试即可，任务配置 retries 后会自动重试。",
)
_TOKEN = Errcode(
    InvalidTokenError,
    "Probably another system refreshes this AppID's token with the legacy /cgi-bin/token endpoint or with "
    "force_refresh, the AppSecret was reset, or the connection holds an old token (auth=static). "
    "Use auth=stable here and stable_token in the other systems, or auth=central if your company has a token server.",
    "access_token 已失效：通常是另一系统用旧接口 /cgi-bin/token 或 force_refresh 刷新了同一 AppID 的 token，"
    "或 AppSecret 被重置，或连接里写死了过期的 token（auth=static）。各系统统一改用 stable_token（auth=stable）；"
    "公司有中控服务的，用 auth=central。",
)
_WRONG_APPID = Errcode(
    CredentialsError,
    "The AppID (connection field login) is wrong or missing.",
    "AppID 缺失或不正确，请检查连接的 login 字段。",
)
WRONG_SECRET = Errcode(
    CredentialsError,
    "The AppSecret (connection field password) is wrong or missing. Ask whoever keeps it: WeChat does not show it "
    f"again, and a reset in {_SETTINGS} cuts off every system that uses it.",
    "AppSecret 缺失或不正确，请检查连接的 password 字段。平台不再显示已生成的密钥，请向保管人索取；"
    f"在{_SETTINGS_ZH}重置会使所有使用旧密钥的系统失效。",
)
COMPONENT_TOKEN_OVER = Errcode(
    InvalidTokenError,
    "The connection's component_access_token has expired; it is valid for two hours. A later try works once the "
    "secrets backend holds a new one. To avoid this altogether, use auth=central with your platform's token server.",
    "连接中的 component_access_token 已过期（有效期 2 小时），secrets backend 里换上新的之后重试即可；"
    "长期方案是用 auth=central 接入平台自己的 token 中控服务。",
)
_DATES = Errcode(
    DateRangeError,
    "WeChat answers only for whole natural days, weeks (Monday to Sunday) and months that have ended, and for "
    "portraits of windows that ended yesterday or the day before. If the dates look right, try again later: it has "
    "been seen to refuse valid recent dates for a while.",
    "只能查询已结束的完整自然日、自然周（周一至周日）或自然月；用户画像只能查询截至昨天或前天的窗口。日期确认无误的，稍后再试："
    "曾有近几天的合法日期被短暂拒绝的情况。",
)
_UNSIGNED = Errcode(
    CredentialsError,
    "The account requires encrypted and signed calls (API security): give the connection its keys. If it has them, "
    "look for a proxy that drops the headers that begin with Wechatmp.",
    f"该账号已开启 API 安全（{_API_SECURITY_ZH}），调用必须加密签名：请在连接中补齐密钥；"
    "已配置的，检查代理是否丢弃了以 Wechatmp 开头的请求头。",
)
_OTHER_APP = Errcode(
    CredentialsError,
    "The token belongs to another AppID than the connection field login.",
    "access_token 与连接中填写的 AppID（login）不是同一个小程序。",
)
_CONFIRM = Errcode(
    CredentialsError,
    "The account's administrator must confirm this worker's IP in WeChat.",
    "须由小程序管理员在手机微信上确认本机 IP 的调用请求。",
)
_THIRD_PARTY = Errcode(
    CredentialsError,
    "The platform's own credentials do not fit: component_access_token and authorizer_refresh_token of the connection "
    "must come from the same third-party platform, and its component_verify_ticket must be current.",
    "第三方平台凭据有误：连接中的 component_access_token 与 authorizer_refresh_token 须属于同一第三方平台，且 "
    "component_verify_ticket 仍有效。",
)
_PERMISSION_SET = Errcode(
    NotAuthorizedError,
    "The third-party platform lacks permission set 18 (data analysis) for this account; let its administrator "
    "authorise the platform again.",
    "第三方平台未获得该小程序的「数据分析」权限集（18），请管理员重新授权。",
)
_QUOTA_PATH = Errcode(
    NotAuthorizedError,
    "The account may not ask for the quota of this path (cgi_path), or the path does not exist.",
    "该账号无权查询此接口（cgi_path）的额度，或接口路径不存在。",
)

_KNOWN: dict[int, Errcode] = {
    -1: _BUSY,
    40001: _TOKEN,
    40002: _BUG,
    40013: _WRONG_APPID,
    40014: _TOKEN,
    40066: Errcode(
        WeAnalysisAPIError,
        "WeChat does not know this path; check host and schema of the connection.",
        "接口地址不存在，请检查连接的 host 与 schema。",
    ),
    40125: WRONG_SECRET,
    40164: Errcode(
        CredentialsError,
        f"Add the IP it names to the IP allow-list in {_SETTINGS} > IP白名单.",
        f"本机出口 IP 不在白名单内：把报错中的 IP 加入{_SETTINGS_ZH[:-1]} > IP白名单」。",
    ),
    **dict.fromkeys(range(40230, 40234), _UNSIGNED),
    40234: Errcode(
        CredentialsError,
        "The key in signing_private_key does not belong to the public key in the console, or host is not WeChat's own "
        "address, which is signed too.",
        "签名校验失败：signing_private_key 与平台登记的公钥不配对，或 host 不是微信官方域名（域名也参与签名）。",
    ),
    40235: Errcode(
        CredentialsError,
        f"Compare symmetric_secret_key and symmetric_key_sn with {_API_SECURITY}.",
        f"解密失败：核对连接中的 symmetric_secret_key、symmetric_key_sn 与{_API_SECURITY_ZH}是否一致。",
    ),
    40236: _OTHER_APP,
    40237: _OTHER_APP,
    40238: Errcode(
        CredentialsError,
        f"The account has no symmetric key yet; make one in {_API_SECURITY}.",
        f"该账号尚未设置对称密钥，请在{_API_SECURITY_ZH}中生成。",
    ),
    40239: Errcode(
        CredentialsError,
        f"No public key in {_API_SECURITY} has the number in the connection's signing_key_sn.",
        f"{_API_SECURITY_ZH}中没有编号为 signing_key_sn 的公钥。",
    ),
    40240: Errcode(
        CredentialsError,
        "This worker's clock differs too much from WeChat's: synchronise it (NTP).",
        "本机时钟与微信服务器相差过大，请校时（NTP）。",
    ),
    40243: Errcode(
        CredentialsError,
        f"The AppSecret is frozen; unfreeze it in {_SETTINGS}.",
        f"AppSecret 已被冻结，请在{_SETTINGS_ZH}解冻。",
    ),
    41001: _BUG,
    41002: _WRONG_APPID,
    41004: WRONG_SECRET,
    42001: _TOKEN,
    43002: _BUG,
    43003: Errcode(
        WeAnalysisAPIError,
        "WeChat requires https; check schema and host of the connection.",
        "必须使用 https，请检查连接的 schema 与 host。",
    ),
    44002: _BUG,
    45009: Errcode(
        QuotaExceededError,
        "Today's calls are used up, by all systems that share this AppID together. The quota is full again at midnight "
        "Asia/Shanghai; it can also be cleared a few times a month (/cgi-bin/clear_quota).",
        "该接口当日调用额度已用完（同一 AppID 的所有系统共用）。次日零点（北京时间）恢复，"
        "也可调用 /cgi-bin/clear_quota 清零，每月次数有限。",
    ),
    45011: Errcode(
        RateLimitError,
        "Too many calls within a minute, by all systems that share this AppID together: set requests_per_minute in the "
        "connection, or put the tasks into a smaller Airflow pool.",
        "每分钟调用过于频繁（同一 AppID 的所有系统共用）：在连接中设置 requests_per_minute，"
        "或改用更小的 Airflow pool。",
    ),
    47001: _BUG,
    48001: Errcode(
        NotAuthorizedError,
        "This account has no access to the API: it is not verified, the token is another AppID's, or a third-party "
        "platform lacks permission set 18 (data analysis).",
        "该账号没有此接口的权限：小程序未认证，或 access_token 属于另一个 AppID，"
        "或第三方平台缺少「数据分析」权限集（18）。",
    ),
    48004: Errcode(
        NotAuthorizedError,
        "WeChat has banned the account from this API; see the notices in the console.",
        "该账号的接口权限已被封禁，请查看微信公众平台的站内通知。",
    ),
    48006: Errcode(
        NotAuthorizedError,
        "This month's quota resets (clear_quota) are used up.",
        "本月清零额度（clear_quota）的次数已用完。",
    ),
    48017: Errcode(
        NotAuthorizedError,
        "The IP address of a retired server was called; put WeChat's host name into the connection.",
        "调用的是已下线的服务器 IP，请在连接的 host 中改用微信官方域名。",
    ),
    50002: Errcode(
        NotAuthorizedError,
        "The account is restricted or was cancelled; see the notices in the console.",
        "账号功能受限或已注销，请查看微信公众平台的站内通知。",
    ),
    50004: Errcode(
        NotAuthorizedError,
        "The account may not use the token interface; see the notices in the console.",
        "该账号被禁止使用 token 接口，请查看微信公众平台的站内通知。",
    ),
    50007: Errcode(
        NotAuthorizedError,
        "The account is frozen; see the notices in the console.",
        "账号已冻结，请查看微信公众平台的站内通知。",
    ),
    61003: Errcode(
        NotAuthorizedError,
        "The mini program has not authorised this third-party platform; let its administrator do so.",
        "小程序未授权给该第三方平台，请管理员完成授权。",
    ),
    61004: Errcode(
        CredentialsError,
        "Add this worker's IP to the third-party platform's allow-list in the WeChat Open Platform (白名单IP地址列表).",
        "本机出口 IP 不在第三方平台的「白名单IP地址列表」内，请在微信开放平台添加。",
    ),
    **dict.fromkeys((61005, 61006, 61011, 61014, 61015, 61024), _THIRD_PARTY),
    **dict.fromkeys((61007, 61016, 61017), _PERMISSION_SET),
    61023: Errcode(
        CredentialsError,
        "The authorizer_refresh_token is not valid any more; let the administrator authorise the platform again.",
        "authorizer_refresh_token 已失效，请管理员重新授权。",
    ),
    61500: _DATES,
    61501: _DATES,
    61502: Errcode(
        NotAuthorizedError,
        "This AppID is a mini game, which WeChat does not serve through this API; take it out of the DAG.",
        "该 AppID 是小游戏，此接口不支持；请将其从 DAG 中移除。",
    ),
    61503: Errcode(
        DataNotReadyError,
        "Figures appear between 8:00 and 15:00 Asia/Shanghai on the next day, mostly by 10:00. Schedule at 10:30, "
        "put a WeAnalysisDataSensor in front, or give the task retries some 30 minutes apart.",
        "数据尚未就绪：一般于次日 8:00–15:00（北京时间）发布，多数在 10:00 前。建议 10:30 调度，"
        "或前置 WeAnalysisDataSensor，或将重试间隔设为 30 分钟左右。",
    ),
    61504: _BUSY,
    **dict.fromkeys((76003, 76021, 76022), _QUOTA_PATH),
    **dict.fromkeys((89501, 89502, 89504, 89505), _CONFIRM),
    89503: Errcode(
        CredentialsError,
        "The account's administrator must confirm this call in WeChat.",
        "须由小程序管理员在手机微信上确认此次调用。",
    ),
    89506: Errcode(
        CredentialsError,
        "The administrator refused this IP twice; it is blocked for 24 hours.",
        "管理员已两次拒绝该 IP，24 小时内禁止调用。",
    ),
    89507: Errcode(
        CredentialsError,
        "The administrator refused this IP; it is blocked for one hour.",
        "管理员已拒绝该 IP，1 小时内禁止调用。",
    ),
    9001001: _BUG,
}
#: Known codes, in order.
ERRCODES: Mapping[int, Errcode] = MappingProxyType(dict(sorted(_KNOWN.items())))
#: Any other code: it may or may not pass by itself.
UNKNOWN = Errcode(
    UnknownAPIError,
    f"This package does not know the code: look it up in WeChat's table, {_TABLE}, or by its rid in the console.",
    f"未收录的错误码：请查询微信全局返回码 {_TABLE}，或用 rid 在平台查询详情。",
)
