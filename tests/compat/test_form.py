"""The connection form as this version of Airflow reads it: the same fields everywhere, from one table."""

from __future__ import annotations

from importlib.util import find_spec

import pytest

from airflow_provider_wxanalysis.get_provider_info import CONN_FIELDS, UI_FIELD_BEHAVIOUR

AIRFLOW_2 = not find_spec("airflow.sdk")
STANDARD = ("description", "host", "port", "login", "password", "schema")


def form_of_airflow_2():
    """The form of Flask AppBuilder: what its WTForms fields show, once bound to a form."""
    from airflow.providers_manager import ProvidersManager
    from wtforms import Form

    behaviour = ProvidersManager().field_behaviours["weanalysis"]
    standard = {
        name: (name in behaviour["hidden_fields"], *(behaviour[k].get(name) for k in ("relabeling", "placeholders")))
        for name in STANDARD
    }
    infos = [info for key, info in ProvidersManager().connection_form_widgets.items() if "__weanalysis__" in key]
    form = type("ConnectionForm", (Form,), {info.field_name: info.field for info in infos})()
    secrets = {info.field_name for info in infos if info.is_sensitive}
    extra = {
        field.name: {
            "title": field.label.text,
            "description": field.description,
            "value": field.data,
            "enum": next((validator.values for validator in field.validators if hasattr(validator, "values")), None),
            "format": "password" if field.name in secrets else None,
        }
        for field in form
    }
    return standard, extra, form


def form_of_airflow_3():
    """What the UI asks the API server for."""
    from airflow.api_fastapi.core_api.services.ui.connections import HookMetaService

    (meta,) = [meta for meta in HookMetaService.hook_meta_data() if meta.connection_type == "weanalysis"]
    assert meta.standard_fields is not None
    assert meta.extra_fields is not None
    fields = meta.standard_fields.model_dump()
    fields["schema"] = fields.pop("url_schema")
    standard = {
        name: (field["hidden"], field["title"], field["placeholder"]) if field else (False, None, None)
        for name, field in fields.items()
    }
    extra = {
        name: {
            **{key: field["schema"].get(key) for key in ("title", "enum", "format")},
            **{key: field[key] for key in ("description", "value")},
        }
        for name, field in meta.extra_fields.items()
    }
    return standard, extra


@pytest.fixture(scope="module")
def form():
    return form_of_airflow_2() if AIRFLOW_2 else form_of_airflow_3()


def test_standard_fields(form):
    hidden, labels, hints = (UI_FIELD_BEHAVIOUR[name] for name in ("hidden-fields", "relabeling", "placeholders"))
    assert form[0] == {name: (name in hidden, labels.get(name), hints.get(name)) for name in STANDARD}


def test_extra_fields(form):
    expected = {
        name: {
            "title": field["label"],
            "description": field["description"],
            "value": None,
            "enum": field["schema"].get("enum"),
            "format": field["schema"].get("format"),
        }
        for name, field in CONN_FIELDS.items()
    }
    assert form[1] == expected


def test_nothing_is_stored_that_nobody_typed(form):
    """Airflow masks the values of masked fields in every log: a stored "true" would hide each "true" there."""
    assert {field["value"] for field in form[1].values()} == {None}


@pytest.mark.skipif(not AIRFLOW_2, reason="Airflow 3 has a form for each connection type")
def test_an_empty_form_is_accepted(form):
    """All types share one form, so a field of ours that refuses to be empty would block every other type."""
    from werkzeug.datastructures import MultiDict

    form[2].process(MultiDict(dict.fromkeys(CONN_FIELDS, "")))
    assert form[2].validate(), form[2].errors
