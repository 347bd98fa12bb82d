"""What Airflow discovers of this provider.

Airflow 3.2 and later imports this module while it is itself half imported: nothing but the standard library here.
Airflow masks fields whose names hold words such as ``token`` or ``proxies``: right for secrets, so no switch has one.
"""

from __future__ import annotations

from typing import Any

from airflow_provider_wxanalysis import __version__


def _field(label: str, description: str, **schema: Any) -> dict[str, Any]:
    # A null among the types lets a person leave the field empty.
    kind = schema.pop("type", "string")
    return {"label": label, "description": description, "schema": {"type": [kind, "null"], **schema}}


#: Extra fields of the connection form.
CONN_FIELDS: dict[str, dict[str, Any]] = {
    "auth": _field(
        "Where tokens come from",
        "stable: from WeChat; disturbs no other system. legacy: from WeChat's old endpoint; ends the tokens of other "
        "systems. static: the access token below. central: your company's token server. authorizer: a third-party "
        "platform.",
        default="stable",
        enum=["stable", "legacy", "static", "central", "authorizer"],
    ),
    "timeout": _field(
        "Timeout (seconds)",
        "For connecting, and for each piece of a reply.",
        type="number",
        default=30,
        minimum=1,
        maximum=600,
    ),
    "max_concurrency": _field(
        "Requests at once", "The most that one task has in flight.", type="integer", default=4, minimum=1, maximum=64
    ),
    "requests_per_minute": _field(
        "Requests per minute", "The most that one task makes; empty for no limit.", type="integer", minimum=1
    ),
    "verify": _field("TLS verification", "true, false or the path of a CA bundle.", default="true"),
    "proxies": _field(
        "Proxy",
        "Such as http://user:password@proxy.example:3128; empty for HTTPS_PROXY of the environment.",
        format="password",
    ),
    "access_token": _field("Access token", "For static only; it is over within two hours.", format="password"),
    "central_url": _field(
        "Token server's URL",
        "For central only, such as https://tokens.example/{appid}; answers GET with access_token and expires_in.",
    ),
    "central_authorization": _field(
        "Token server's authorization", "For central only: the whole Authorization header.", format="password"
    ),
    "component_appid": _field("Platform's AppID", "For authorizer only."),
    "component_access_token": _field(
        "Platform's token", "For authorizer only: component_access_token, which lives two hours.", format="password"
    ),
    "authorizer_refresh_token": _field(
        "Refresh token", "For authorizer only: this mini program's authorizer_refresh_token.", format="password"
    ),
    "symmetric_secret_key": _field(
        "Symmetric key (API security)", "API对称密钥: AES-256, base64 as the console shows it.", format="password"
    ),
    "symmetric_key_sn": _field("Symmetric key's number (API security)", "As the console shows it."),
    "signing_private_key": _field(
        "Signing key (API security)", "The private half, RSA, of the API非对称密钥, as PEM.", format="password"
    ),
    "signing_key_sn": _field("Signing key's number (API security)", "As the console shows it."),
    "platform_certificates": _field(
        "WeChat's certificates (API security)", "A JSON object: number as the console shows it -> certificate as PEM."
    ),
}

#: Standard fields of the connection form. The port is shown because the Test button of Airflow 3.3.1 and 3.3.2
#: answers "Bad Request" for a saved connection without one: https://github.com/apache/airflow/pull/73298
UI_FIELD_BEHAVIOUR: dict[str, Any] = {
    "hidden-fields": ["schema"],
    "relabeling": {"login": "AppID", "password": "AppSecret", "host": "API host"},
    "placeholders": {
        "login": "wx0123456789abcdef",
        "password": "32 characters; not needed with a token server",
        "host": "empty for https://api.weixin.qq.com",
        "port": "443; Airflow 3.3's Test button needs a port",
    },
}


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
        "operators": [{"integration-name": integration, "python-modules": [f"{package}.operators.weanalysis"]}],
        "sensors": [{"integration-name": integration, "python-modules": [f"{package}.sensors.weanalysis"]}],
        "triggers": [{"integration-name": integration, "python-modules": [f"{package}.triggers.weanalysis"]}],
        "transfers": [
            {
                "source-integration-name": integration,
                "target-integration-name": "Google BigQuery",
                "python-module": f"{package}.transfers.weanalysis_to_bigquery",
            }
        ],
        "extra-links": [f"{package}.links.weanalysis.{link}" for link in ("BigQueryTableLink", "WeChatConsoleLink")],
        "connection-types": [
            {
                "connection-type": "weanalysis",
                "hook-class-name": f"{package}.hooks.weanalysis.WeAnalysisHook",
                "hook-name": "WeChat Analysis",
                "conn-fields": CONN_FIELDS,
                "ui-field-behaviour": UI_FIELD_BEHAVIOUR,
            }
        ],
    }
