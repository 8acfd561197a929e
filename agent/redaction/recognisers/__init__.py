"""Recognisers of what no pattern can find: names, places. They are asked before a text goes to a judge, and whatever they fail on is dropped."""
