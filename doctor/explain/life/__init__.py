"""The life of a run as its log tells it: starts, ready lines, work done, deaths, a stop that was asked for."""
