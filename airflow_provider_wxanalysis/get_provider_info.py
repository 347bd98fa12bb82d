"""What Airflow discovers about this provider.

Airflow 3.2 and later imports this module while it is itself half imported: nothing but the standard library here.
Airflow masks fields whose names hold words such as ``token`` or ``proxies``: right for secrets, so no other has one.
"""

from __future__ import annotations

from typing import Any

from airflow_provider_wxanalysis import __version__


def _field(label: str, description: str, **schema: Any) -> dict[str, Any]:
    # A null among the types lets a person leave the field empty.
    kind = schema.pop("type", "string")
    return {"label": label, "description": description, "schema": {"type": [kind, "null"], **schema}}


#: Extra fields of the connection form. None has a default: the form would store it, and Airflow would mask the stored
#: value wherever a log holds the same text.
CONN_FIELDS: dict[str, dict[str, Any]] = {
    "app_name": _field(
        "App name (小程序名称)",
        "The name people use for this mini program: shown in logs, labels, views and on the page.",
    ),
    "auth": _field(
        "Token source (token 来源)",
        "Empty for stable. stable: from WeChat; disturbs no other system. legacy: from WeChat's old endpoint; ends the "
        "tokens of other systems. static: the access token below. central: your company's token server (中控). "
        "authorizer: a third-party platform (第三方平台).",
        enum=["stable", "legacy", "static", "central", "authorizer"],
    ),
    "timeout": _field(
        "Timeout in seconds (超时秒数)",
        "For connecting, and for each part of a reply. Empty for 30.",
        type="number",
        minimum=1,
        maximum=600,
    ),
    "max_concurrency": _field(
        "Requests in flight (并发请求数)",
        "The most that one task has for this app. Empty for 4.",
        type="integer",
        minimum=1,
        maximum=64,
    ),
    "requests_per_minute": _field(
        "Requests per minute (每分钟请求数)",
        "The most that one task makes. Empty for no limit.",
        type="integer",
        minimum=1,
    ),
    "verify": _field(
        "TLS verification (TLS 校验)", "false, or the path of a CA bundle. Empty to verify with the usual certificates."
    ),
    "proxies": _field(
        "Proxy (代理)",
        "Such as http://user:password@proxy.example:3128. Empty for HTTPS_PROXY of the environment.",
        format="password",
    ),
    "access_token": _field("Access token", "For static only; valid for two hours at most.", format="password"),
    "central_url": _field(
        "Token server's URL (中控地址)",
        "For central only, such as https://tokens.example/{appid}; answers GET with access_token and expires_in.",
    ),
    "central_authorization": _field(
        "Token server's authorization (中控鉴权)",
        "For central only: the whole Authorization header.",
        format="password",
    ),
    "component_appid": _field("Platform's AppID (第三方平台 AppID)", "For authorizer only."),
    "component_access_token": _field(
        "Platform's token", "For authorizer only: component_access_token, which lives two hours.", format="password"
    ),
    "authorizer_refresh_token": _field(
        "Refresh token", "For authorizer only: this mini program's authorizer_refresh_token.", format="password"
    ),
    "symmetric_secret_key": _field(
        "API security: symmetric key (API对称密钥)", "AES-256, base64 as the console shows it.", format="password"
    ),
    "symmetric_key_sn": _field("API security: symmetric key's number (编号)", "As the console shows it."),
    "signing_private_key": _field(
        "API security: signing key (API非对称密钥)", "The private half, RSA, as PEM.", format="password"
    ),
    "signing_key_sn": _field("API security: signing key's number (编号)", "As the console shows it."),
    "platform_certificates": _field(
        "API security: WeChat's certificates (平台证书)",
        "A JSON object: number as the console shows it -> certificate as PEM.",
    ),
}

#: Standard fields of the connection form. The port is shown because the Test button of Airflow 3.3.1 and 3.3.2
#: answers "Bad Request" for a saved connection without one: https://github.com/apache/airflow/pull/73298
UI_FIELD_BEHAVIOUR: dict[str, Any] = {
    "hidden-fields": ["schema"],
    "relabeling": {"login": "AppID", "password": "AppSecret", "host": "API host (接口地址)"},
    "placeholders": {
        "login": "wx0123456789abcdef (开发管理 > 开发设置)",
        "password": "32 characters; not needed with a token server",
        "host": "empty for https://api.weixin.qq.com",
        "port": "443; Airflow 3.3's Test button needs a port",
    },
}

#: Found by people who type WeChat, 微信 or 小程序 into the list of connection types.
HOOK_NAME = "WeChat Analysis (微信小程序)"


def get_provider_info() -> dict[str, Any]:
    """Return the provider's metadata, in the form of Airflow's ``provider_info.schema.json``."""
    integration = "WeChat Mini Program Data Analysis"
    package = "airflow_provider_wxanalysis"
    return {
        "package-name": "airflow-provider-wxanalysis",
        "name": "WeChat Analysis",
        "description": "WeChat mini-program analytics (访问分析 / 数据分析) into BigQuery.",
        "versions": [__version__],
        "integrations": [
            {
                "integration-name": integration,
                "external-doc-url": "https://developers.weixin.qq.com/miniprogram/dev/server/API/data-analysis/",
                "tags": ["service"],
            }
        ],
        "hooks": [{"integration-name": integration, "python-modules": [f"{package}.hooks.weanalysis"]}],
        "operators": [
            {
                "integration-name": integration,
                "python-modules": [f"{package}.operators.{name}" for name in ("weanalysis", "coverage", "views")],
            }
        ],
        "sensors": [{"integration-name": integration, "python-modules": [f"{package}.sensors.weanalysis"]}],
        "triggers": [{"integration-name": integration, "python-modules": [f"{package}.triggers.weanalysis"]}],
        "transfers": [
            {
                "source-integration-name": integration,
                "target-integration-name": "Google BigQuery",
                "python-module": f"{package}.transfers.weanalysis_to_bigquery",
            }
        ],
        "extra-links": [
            f"{package}.links.{link}"
            for link in ("weanalysis.BigQueryTableLink", "weanalysis.WeChatConsoleLink", "views.LookerStudioLink")
        ],
        "connection-types": [
            {
                "connection-type": "weanalysis",
                "hook-class-name": f"{package}.hooks.weanalysis.WeAnalysisHook",
                "hook-name": HOOK_NAME,
                "conn-fields": CONN_FIELDS,
                "ui-field-behaviour": UI_FIELD_BEHAVIOUR,
            }
        ],
    }
