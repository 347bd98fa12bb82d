"""What WeChat's indexes, keys and modules stand for, in its own words and in English.

WeChat adds keys now and then and has never changed the meaning of one. What is not listed here is passed through
without a label. The English words are this package's own: WeChat publishes these tables in Chinese only.

.. seealso:: https://developers.weixin.qq.com/miniprogram/dev/server/API/data-analysis/others/api_getvisitdistribution.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class Label(NamedTuple):
    """The name of an index, a key or a module.

    :param zh: WeChat's own.
    :param en: this package's translation.
    """

    zh: str
    en: str


#: In place of a label, for what is not listed.
UNLISTED = (None, None)


#: Where a visit came from.
SOURCES: Mapping[int, Label] = {
    1: Label("小程序历史列表", "Mini Program history list"),
    2: Label("搜索", "Search"),
    3: Label("会话", "Chat"),
    4: Label("扫一扫二维码", "QR code scan"),
    5: Label("公众号主页", "Official Account profile"),
    6: Label("聊天顶部", "Top of chat"),
    7: Label("系统桌面", "Phone home screen"),
    8: Label("小程序主页", "Mini Program profile"),
    9: Label("附近的小程序", "Nearby Mini Programs"),
    10: Label("其他", "Other"),
    11: Label("模板消息", "Template message"),
    12: Label("客服消息", "Customer-service message"),
    13: Label("公众号菜单", "Official Account menu"),
    14: Label("APP分享", "Shared from an app"),
    15: Label("支付完成页", "Payment-complete page"),
    16: Label("长按识别二维码", "Long-press QR code"),
    17: Label("相册选取二维码", "QR code from album"),
    18: Label("公众号文章", "Official Account article"),
    19: Label("钱包", "Wallet"),
    20: Label("卡包", "Card pack"),
    21: Label("小程序内卡券", "Coupon inside a Mini Program"),
    22: Label("其他小程序", "Another Mini Program"),
    23: Label("其他小程序返回", "Return from another Mini Program"),
    24: Label("卡券适用门店列表", "Coupon store list"),
    25: Label("搜索框快捷入口", "Search-box shortcut"),
    26: Label("小程序客服消息", "Mini Program customer-service message"),
    27: Label("公众号下发", "Pushed by an Official Account"),
    28: Label("系统会话菜单", "System chat menu"),
    29: Label("任务栏-最近使用", "Task bar: recently used"),
    30: Label("长按小程序菜单圆点", "Long press on the capsule menu"),
    31: Label("连wifi成功页", "Wi-Fi connected page"),
    32: Label("城市服务", "City services"),
    33: Label("微信广告", "WeChat ads"),
    34: Label("其他移动应用", "Other mobile app"),
    35: Label("发现入口-我的小程序", "Discover: my Mini Programs"),
    36: Label("任务栏-我的小程序", "Task bar: my Mini Programs"),
    37: Label("微信圈子", "WeChat circles"),
    38: Label("手机充值", "Phone top-up"),
    39: Label("H5", "H5 page"),
    40: Label("插件", "Plugin"),
    41: Label("大家在用", "Everyone is using"),
    42: Label("发现页", "Discover page"),
    43: Label("浮窗", "Floating window"),
    44: Label("附近的人", "People nearby"),
    45: Label("看一看", "Top stories"),
    46: Label("朋友圈", "Moments"),
    47: Label("企业微信", "WeCom"),
    48: Label("视频", "Video"),
    49: Label("收藏", "Favourites"),
    50: Label("微信红包", "Red packet"),
    51: Label("微信游戏中心", "WeChat game centre"),
    52: Label("摇一摇", "Shake"),
    53: Label("公众号导购消息", "Official Account shopping-guide message"),
    54: Label("识物", "Object recognition"),
    55: Label("小程序订单", "Mini Program orders"),
    56: Label("小程序直播", "Mini Program live"),
    57: Label("群工具", "Group tools"),
}

#: How long a visit lasted, in seconds. Edges are written as WeChat documents them, overlaps included.
STAY_TIMES: Mapping[int, Label] = {
    1: Label("0-2 秒", "0-2 s"),
    2: Label("3-5 秒", "3-5 s"),
    3: Label("6-10 秒", "6-10 s"),
    4: Label("11-20 秒", "11-20 s"),
    5: Label("20-30 秒", "20-30 s"),
    6: Label("30-50 秒", "30-50 s"),
    7: Label("50-100 秒", "50-100 s"),
    8: Label(">100 秒", "over 100 s"),
}

#: How many pages a visit went through.
DEPTHS: Mapping[int, Label] = {
    1: Label("1 页", "1 page"),
    2: Label("2 页", "2 pages"),
    3: Label("3 页", "3 pages"),
    4: Label("4 页", "4 pages"),
    5: Label("5 页", "5 pages"),
    6: Label("6-10 页", "6-10 pages"),
    7: Label(">10 页", "more than 10 pages"),
}


#: The reply's ``index`` -> its name. ``access_source_visit_uv`` is not documented but real replies have it.
INDEXES: Mapping[str, Label] = {
    "access_source_session_cnt": Label("访问来源分布（打开次数）", "Openings by source"),
    "access_source_visit_uv": Label("访问来源分布（访问人数）", "Visitors by source"),
    "access_staytime_info": Label("访问时长分布", "Openings by stay time"),
    "access_depth_info": Label("访问深度分布", "Openings by depth"),
}

#: The reply's ``index`` -> what its keys mean.
DISTRIBUTIONS: Mapping[str, Mapping[int, Label]] = {
    "access_source_session_cnt": SOURCES,
    "access_source_visit_uv": SOURCES,
    "access_staytime_info": STAY_TIMES,
    "access_depth_info": DEPTHS,
}

#: The modules of getPerformanceData.
MODULES: Mapping[str, Label] = {
    "10016": Label("打开率", "Open rate"),
    "10017": Label("启动各阶段耗时", "Start-up, by stage"),
    "10021": Label("页面切换耗时", "Page switch"),
    "10022": Label("内存指标", "Memory"),
    "10023": Label("内存异常", "Memory anomalies"),
}
