"""The reference layout, against the figures of the course's recipe."""

import numpy as np
import pytest

from models.clips import reference_layout


def test_random_segment_is_uniform_over_the_whole_clip():
    rng = np.random.RandomState(0)
    starts = [reference_layout.random_segment(rng, 9990)[0] for _ in range(2000)]
    assert set(starts) == set(range(10))
    start, last = reference_layout.random_segment(rng, 1000)
    assert last == start + 999


@pytest.mark.parametrize(
    ("segment", "taken", "expected"),
    [
        ((100, 200), [(200, 250)], True),
        ((100, 199), [(200, 250)], False),
        ((950, 1430), [(2000, 2550), (260, 949)], False),
        ((2305, 2950), [(824, 1532), (1900, 2305), (3424, 3656)], True),
        ((0, 9999), [(5000, 5001)], True),
    ],
)
def test_overlaps(segment, taken, expected):
    assert reference_layout.overlaps(segment, taken) is expected


def test_legacy_seed_5_gives_the_known_place():
    rng = np.random.RandomState(5)
    background = np.zeros(441_000)
    word = np.ones(round(0.916 * 44100))
    taken = [(3790, 4400)]
    assert reference_layout.insert(rng, background, word, taken, 44100) == (2254, 3169)
    assert taken == [(3790, 4400), (2254, 3169)]
    used = np.flatnonzero(background)
    assert (used[0], used[-1]) == (2254 * 44100 // 1000, 2254 * 44100 // 1000 + len(word) - 1)


def test_no_place_after_seven_tries_leaves_the_background():
    class Counting(np.random.RandomState):
        calls = 0

        def randint(self, *args):
            Counting.calls += 1
            return super().randint(*args)

    background = np.ones(441_000)
    taken = [(0, 9999)]
    place = reference_layout.insert(Counting(1), background, np.ones(44100), taken, 44100)
    assert place == (10000, 10000)
    assert Counting.calls == 7
    assert taken == [(0, 9999)]
    assert (background == 1).all()


def course_insertion(rng, segment_ms, taken):
    """The loop of the course's notebook, as it stands there."""
    segment = reference_layout.random_segment(rng, segment_ms)
    retry = 5
    while reference_layout.overlaps(segment, taken) and retry >= 0:
        segment = reference_layout.random_segment(rng, segment_ms)
        retry = retry - 1
    return None if reference_layout.overlaps(segment, taken) else segment


def test_places_and_generator_are_the_course_s_in_all_cases():
    failed = 0
    for seed in range(300):
        ours, theirs = np.random.RandomState(seed), np.random.RandomState(seed)
        taken = [(0, 2500 + 5 * seed), (5000, 7000 + 5 * seed)]
        place = reference_layout.place(ours, 1500, taken)
        assert place == course_insertion(theirs, 1500, taken)
        assert ours.randint(1 << 30) == theirs.randint(1 << 30)
        failed += place is None
    assert 10 < failed < 290


def test_labels_are_the_50_steps_strictly_after_the_end():
    labels = np.zeros(1375, np.float32)
    reference_layout.insert_ones(labels, 9700)
    reference_layout.insert_ones(labels, 4251)
    assert labels[1333] == 0
    assert labels[1334:].all()
    assert (labels[584], labels[585], labels[634], labels[635]) == (0, 1, 1, 0)


def test_labels_sum_to_a_multiple_of_50_when_nothing_is_clipped():
    labels = np.zeros(1375, np.float32)
    for end_ms in (1000, 2500, 9000):
        reference_layout.insert_ones(labels, end_ms)
    assert labels.sum() == 150


def test_a_word_without_place_labels_nothing():
    labels = np.zeros(1375, np.float32)
    reference_layout.insert_ones(labels, 10000)
    assert not labels.any()
