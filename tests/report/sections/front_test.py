from kd_keras.report.sections import front
from tests.report import samples


def test_a_run_has_no_front():
    assert front.describe(samples.run_content()) is None


def test_the_front_is_drawn_and_said():
    section = front.describe(samples.search_content())
    assert section.paragraphs[0] == "Take WRN-16-2: 8.00% error on validation."
    [figure] = section.figures
    [drawing] = figure.drawings
    assert drawing.description == (
        "The front, from the quickest to the best: WRN-10-1 14.00% at 0.5 ms; WRN-10-2 10.00% at "
        "0.9 ms; WRN-16-2 8.00% at 1.9 ms."
    )
    assert (
        "up to 14.00% and 1.9 ms, the worst of this search, is 7.5 points times milliseconds. "
        "Another search has a worst of its own: only where that is the same do the two figures "
        "compare."
    ) in figure.caption
    assert "the larger is the better" not in figure.caption
    assert figure.caption.endswith("Time is measured.")


def test_students_are_listed_by_rank_with_who_beats_them():
    table, unfinished = front.describe(samples.search_content()).tables
    assert [(row["student"], row["rank"]) for row in table.rows] == [
        ("WRN-16-2", 0),
        ("WRN-10-2", 0),
        ("WRN-10-1", 0),
        ("WRN-16-1", 1),
    ]
    assert [row["beaten by"] for row in table.rows] == ["", "", "", "WRN-10-2"]
    assert [row["seeds"] for row in table.rows] == [2, 1, 1, 1]
    assert table.rows[0]["ms, lowest to highest"] == "1.71 to 2.09"
    assert unfinished.rows[0]["reason"] == "No memory."


def test_times_of_small_students_keep_their_digits():
    quick = samples.tried(10, 1, 9.0, 0.0123)
    section = front.describe(samples.search_content(tried=(quick,), unfinished=()))
    assert section.tables[0].rows[0]["ms per image"] == "0.012"
    assert "WRN-10-1 9.00% at 0.0123 ms." in section.figures[0].drawings[0].description


def test_without_times_there_is_a_table_alone():
    alone = samples.tried(10, 1, 9.0, 1.0, latency_milliseconds=None, latency_range=None, rank=None)
    section = front.describe(samples.search_content(tried=(alone,), unfinished=()))
    assert section.figures == ()
    [row] = section.tables[0].rows
    assert (row["rank"], row["ms per image"]) == (None, None)


def test_a_search_without_a_result_says_what_failed():
    section = front.describe(samples.search_content(tried=(), sentences=(), hypervolume=None))
    [unfinished] = section.tables
    assert unfinished.caption == "Trials without a result: 1."
