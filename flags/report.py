"""Flags of the page about a run or a comparison."""

from flags.section import Section
from kd_keras.config import Report

SECTION = Section("report", Report)
SECTION.add(
    "class_name",
    "Class of the histograms of logits; empty: the most confused one.",
    name="report_class",
)
SECTION.add("images", "How many images of disagreement are shown.", name="report_images")
SECTION.add("beside", "Folders of other runs, whose exported files are timed with this one's.")
