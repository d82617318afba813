"""What happened, for whoever asks: frozen events, and rings that keep the last of them. Imports leaves, never Trio."""

from jido_trio.observe._event import LEVELS, Event, Kind, Level
from jido_trio.observe._observer import Observer, current_observer, observing
from jido_trio.observe._ring import Ring

__all__ = ["LEVELS", "Event", "Kind", "Level", "Observer", "Ring", "current_observer", "observing"]
