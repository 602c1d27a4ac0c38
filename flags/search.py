"""Flags of a search for the student worth taking."""

from flags.section import Section
from kd_keras.config import Search

SECTION = Section("search", Search)
SECTION.add(
    "axes",
    "What is varied: SECTION.FIELD=A,B,C or SECTION.FIELD=LOW..HIGH, with ,log or ,step=S after "
    "the range and ` if SECTION.FIELD=A` at the end. Repeat it for every field; without it: "
    "student.depth=10,16,22 and student.width=1,2,4.",
    name="search_axis",
    repeated=True,
)
SECTION.add("oracle", "Who proposes the next student.")
SECTION.add("trials", "Students trained at the most; those skipped by a limit do not count.")
SECTION.add("hyperband_factor", "Of hyperband: one in so many students goes on, as much longer.")
SECTION.add("latency_threads", "Threads of the runtime that is timed.")
SECTION.add("latency_rounds", "Rounds in which all files are timed in turns.")
SECTION.add("chief_minutes", "How long a worker on another machine waits for its chief.")
