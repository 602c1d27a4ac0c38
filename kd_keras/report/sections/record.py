"""How it was made: commands, settings, versions, fingerprints."""

from kd_keras import __version__
from kd_keras.config import Config
from kd_keras.report.layout import Section, Table

__all__ = ["describe"]

_DEFAULT = "default value"
_FINGERPRINTS = {
    "data": "images and labels",
    "teacher": "the teacher's weights",
    "origin": "the network that it was made from",
}


def describe(content):
    """The record of the runs."""
    return Section(
        name="record",
        heading="How it was made",
        paragraphs=() if content.commands else ("No command line was kept with these runs.",),
        commands=content.commands,
        tables=tuple(table for table in _tables(content) if table.rows),
    )


def _tables(content):
    settings = tuple(_setting_rows(content.identities))
    special = tuple(row for row in settings if _is_special(row))
    yield Table(
        caption="Settings that are not the default. A dash: the run does not have that setting.",
        rows=special,
    )
    yield Table(caption="All settings.", rows=settings, folded=True)
    yield Table(
        caption=(
            "Fingerprints, SHA-256: what has the same one has the same content, byte by byte."
        ),
        rows=tuple(_fingerprint_rows(content.identities)),
        folded=True,
    )
    trained = [{"library": name, "version": v} for name, v in content.versions.items()]
    made = {"library": "kd_keras, which made this page", "version": __version__}
    yield Table(caption="Versions that trained it.", rows=(*trained, made), folded=True)


def _setting_rows(identities):
    """A row for each setting, a column for each contender, and the default."""
    defaults = _flatten(Config().to_dictionary())
    names = dict.fromkeys(name for identity in identities.values() for name in identity)
    for name in names:
        if "." in name:
            values = {
                label: _text(identity[name]) if name in identity else None
                for label, identity in identities.items()
            }
            default = _text(defaults[name]) if name in defaults else None
            yield {"setting": name, **values, _DEFAULT: default}


def _is_special(row):
    values = [v for key, v in row.items() if key not in ("setting", _DEFAULT) and v is not None]
    return any(value != row[_DEFAULT] for value in values)


def _flatten(configuration):
    return {
        f"{section}.{field}": value
        for section, fields in configuration.items()
        for field, value in fields.items()
    }


def _text(value):
    """A value as it stands on the command line."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return ", ".join(map(_text, value)) or "none"
    return str(value) if value != "" else "none"


def _fingerprint_rows(identities):
    for label, identity in identities.items():
        for key, words in _FINGERPRINTS.items():
            if key in identity:
                yield {"of": f"{label}: {words}", "SHA-256": identity[key]}
