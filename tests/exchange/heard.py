"""A sink that remembers what it was handed, for tests of readers alone."""

from __future__ import annotations


class Heard:
    def __init__(self, began=None, several=False):
        self.began = began
        self.several = several
        self.run = "kwpztnlqsmvrxoyu"
        self.points = {}
        self.settings = {}
        self.cases = []
        self.goals = {}
        self.doubts = []

    def point(self, name, value, step=None, labels=None, single=False):
        try:
            number = float(value)
        except (TypeError, ValueError, OverflowError):
            return False
        if isinstance(value, bool):
            return False
        self.points.setdefault((name, *sorted((labels or {}).items())), []).append((step, number))
        return True

    def goal(self, name, goal):
        self.goals[name] = goal

    def setting(self, name, value, *, text=False):
        self.settings[name] = value

    def case(self, cells):
        self.cases.append(cells)

    def doubt(self, message, hint=None):
        self.doubts.append(message)
