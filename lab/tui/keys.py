"""Keys act in the order in which they were typed, however fast they come.

Textual gives a key to the widget that has the focus when the key is read, and does what it is bound to later, when
nobody below the app has taken it. Of keys that come in one piece (over a slow line, from a terminal multiplexer, from
a fast hand) all would go to the widget that has the focus before the first of them: what is typed after `:` would
act on the panes. Here each key has had its effect before the next one is looked at.
"""

from __future__ import annotations

from textual import events
from textual.app import App
from textual.widgets import Input


class KeysInOrder(App[int]):
    """An app all of whose keys are bindings, or text for an `Input`."""

    async def on_event(self, event: events.Event) -> None:
        """Textual's, but for keys that come from the terminal."""
        typed = isinstance(event, events.Key) and not event.is_forwarded
        if not (typed and await self._acted(event)):  # type: ignore[arg-type]
            await super().on_event(event)

    async def _acted(self, key: events.Key) -> bool:
        """Do what a key does; whether there was anything to do."""
        target = self.focused
        if isinstance(target, Input) and key.is_printable and key.character is not None:
            target.replace(key.character, *target.selection)
            return True
        return await self._check_bindings(key.key, priority=True) or await self._check_bindings(key.key)
