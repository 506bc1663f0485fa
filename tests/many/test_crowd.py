"""Fifty runs at once in one store, while others list, pin, tag, push and tidy up."""

from __future__ import annotations

from tests.many.crowd import Crowd, offered


def test_a_crowd_loses_nothing_and_doubles_nothing(tmp_path):
    crowd = Crowd(tmp_path)
    beside = offered()
    going = []
    for number in range(1, 51):
        going.append(crowd.run(number))
        if number % 6 == 0:
            going.append(crowd.beside(beside[number // 6 % len(beside)], number))
    crowd.wait(going)
    crowd.check()
