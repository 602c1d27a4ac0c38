from kd_keras import search
from tests.search.trials import make_search, make_trial


def say(trials, **limits):
    return list(search.choose(trials, **limits).sentences)


def of_seeds(**errors_of):
    """Students of a name such as wrn_10_1, with their errors by seed."""
    return [
        make_trial(*map(int, name.split("_")[1:]), error, seed=seed)
        for name, errors in errors_of.items()
        for seed, error in enumerate(errors)
    ]


def test_one_seed_under_a_limit_of_time():
    assert say(make_search(), max_latency_milliseconds=2.0) == [
        "Take WRN-16-2: 9.00% error on validation, 1.8 ms for one image, 0.256 MB, "
        "64,000 parameters, 9.50% error on test.",
        "The next better, WRN-10-4, would cost 1.2 ms more and has 1.00 points less error.",
        "Against WRN-10-2, the next best within the limits, it has 1.00 points less error; that "
        "is one seed, and what another would change is not known.",
        "Repeated measurements of its time lie between 1.8 ms and 2.1 ms, and 2 ms is the limit: "
        "a busy machine may miss it.",
    ]


def test_without_a_limit():
    assert say(make_search())[1:] == [
        "Against WRN-10-4, the next best, it has 1.00 points less error; that is one seed, and "
        "what another would change is not known.",
    ]


def test_the_best_of_all_is_within_the_limits():
    sentences = say(make_search(), max_latency_milliseconds=6.0)
    assert sentences[1] == "None of the students has a lower error, whatever it costs."


def test_two_limits_are_both_told():
    sentences = say(make_search(), max_latency_milliseconds=2.0, max_size_bytes=300_000)
    assert "would cost 1.2 ms more and 0.384 MB more and has" in sentences[1]


def test_several_seeds_have_an_interval():
    sentences = say(of_seeds(wrn_10_1=(9.0, 9.4, 9.2), wrn_10_2=(8.0, 8.2, 8.4)))
    assert sentences[0].startswith("Take WRN-10-2: 8.20% error on validation (mean of 3 seeds), ")
    assert sentences[1] == (
        "Against WRN-10-1, the next best, it gains 1.00 points, 95% interval 0.50 to 1.50, 3 seeds."
    )


def test_seeds_that_do_not_tell_them_apart():
    sentences = say(of_seeds(wrn_10_1=(8.0, 8.5), wrn_10_2=(8.2, 8.1)))
    assert sentences[1] == (
        "Against WRN-10-1, the next best, no difference is shown: +0.10 points, 95% interval "
        "-3.71 to 3.91, 2 seeds."
    )


def test_seeds_that_differ_may_say_the_opposite():
    sentences = say(of_seeds(wrn_10_1=(6.0, 6.1, 2.0), wrn_10_2=(5.0, 5.0)))
    assert sentences[0].startswith("Take WRN-10-1: 4.70% error on validation (mean of 3 seeds), ")
    assert sentences[1] == (
        "Against WRN-10-2, the next best, it has 0.30 points less error in the mean, but their "
        "seeds differ: over the 2 seeds that both have it is worse, -1.05 points, 95% interval "
        "-1.69 to -0.41."
    )
    unsure = say(of_seeds(wrn_10_1=(6.0, 4.9, 2.0), wrn_10_2=(5.0, 5.0)))
    assert "over the 2 seeds that both have it is worse, -0.45 points, 95% interval" in unsure[1]
    single = say(of_seeds(wrn_10_1=(6.0, 2.0), wrn_10_2=(5.0,)))
    assert single[1] == (
        "Against WRN-10-2, the next best, it has 1.00 points less error in the mean, but their "
        "seeds differ: over the 1 seed that both have it is worse, -1.00 points."
    )


def test_seeds_that_give_no_interval():
    alike = say(of_seeds(wrn_10_1=(9.0, 9.5), wrn_10_2=(8.0, 8.5)))
    assert alike[1].endswith("; the same in each of 2 seeds, which gives no interval.")
    apart = [make_trial(10, 1, 9.0, seed=0), make_trial(10, 2, 8.0, seed=1)]
    assert say(apart)[1].endswith(
        "it has 1.00 points less error; no seed is common to both, so that there is no interval."
    )


def test_ties_and_single_ones():
    tied = say([make_trial(10, 2, 9.0, 2.0), make_trial(16, 1, 9.0, 1.5)])
    assert tied[0].startswith("Take WRN-16-1")
    assert tied[1] == ("WRN-10-2 has the same error; of the two the one that costs less is taken.")
    assert say([make_trial(10, 2, 9.0)])[1:] == ["It is the only one."]
    only = say(make_search(), max_latency_milliseconds=0.6)
    assert only[2] == "It is the only one within the limits."


def test_nothing_fits():
    assert say(make_search(), max_latency_milliseconds=0.4, max_parameters=5000) == [
        "No student is known to be within the limits: 0.4 ms, 5,000 parameters.",
        "The closest, WRN-10-1, has 0.5 ms, which is 0.1 ms or 25% too much and 10,000 "
        "parameters, which is 5,000 parameters or 100% too much.",
    ]


def test_what_is_not_known_is_told():
    trials = [make_trial(10, 1, 9.0, 1.0), make_trial(10, 2, 8.0)]
    assert say(trials, max_latency_milliseconds=5.0)[-1] == (
        "The time of 1 student is not known: left out."
    )
    assert say(trials, max_peak_memory_bytes=10**7) == [
        "No student is known to be within the limits: 10 MB of memory.",
        "The peak memory of 2 students is not known: left out.",
    ]


def test_quantities_have_their_units():
    assert search.format_quantity("latency_milliseconds", 123.4) == "123 ms"
    assert search.format_quantity("multiply_adds", 4.5e7) == "45 million multiply-adds"
    assert search.format_quantity("parameters", 1234567) == "1,234,567 parameters"
    assert search.format_quantity("peak_memory_bytes", 2.5e7) == "25 MB of memory"
