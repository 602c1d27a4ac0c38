"""Flags of what is done with the stored answers of teachers."""

from flags.section import Section
from kd_keras.config import Cache

SECTION = Section("cache", Cache)
SECTION.add("action", "What to do.", name="cache_action")
SECTION.add("entry", "An entry's name or its beginning; empty: the flags' own.", name="cache_entry")
