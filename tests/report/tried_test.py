from tests.report import samples


def test_the_front_is_what_no_other_beats_the_quickest_first():
    searched = samples.searched()
    assert [one.label for one in searched.front] == ["WRN-10-1", "WRN-10-2", "WRN-16-2"]
    assert [one.label for one in searched.timed][2] == "WRN-16-1"


def test_what_was_not_timed_is_on_no_front():
    alone = samples.tried(10, 1, 9.0, 1.0, latency_milliseconds=None, rank=None)
    searched = samples.searched(tried=(alone,))
    assert searched.timed == searched.front == ()
