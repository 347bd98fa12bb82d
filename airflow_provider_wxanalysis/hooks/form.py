"""The connection form of Airflow before 3.2, made of the metadata that later versions read themselves."""

from __future__ import annotations

from typing import Any

from airflow_provider_wxanalysis.get_provider_info import CONN_FIELDS, UI_FIELD_BEHAVIOUR


def connection_form_widgets() -> dict[str, Any]:
    """Return the extra fields as WTForms fields.

    Airflow takes four kinds of field, so a number that need not be whole becomes a text field.

    :raises ImportError: without WTForms and Flask AppBuilder; Airflow then leaves the fields out.
    """
    from flask_appbuilder.fieldwidgets import BS3PasswordFieldWidget, BS3TextFieldWidget
    from wtforms import IntegerField, PasswordField, StringField
    from wtforms.validators import Optional, any_of

    def field(label: str, description: str, schema: dict[str, Any]) -> Any:
        # All connection types share one form in Airflow 2: a field that insists on a value would block the other types.
        validators = [Optional(), *([any_of(schema["enum"])] if "enum" in schema else [])]
        kind, widget = StringField, BS3TextFieldWidget
        if schema.get("format") == "password":
            kind, widget = PasswordField, BS3PasswordFieldWidget
        elif "integer" in schema["type"]:
            kind = IntegerField
        return kind(label, validators, description=description, widget=widget())

    return {name: field(**metadata) for name, metadata in CONN_FIELDS.items()}


def ui_field_behaviour() -> dict[str, Any]:
    """Return labels and placeholders of the standard fields."""
    return {name.replace("-", "_"): value for name, value in UI_FIELD_BEHAVIOUR.items()}
