"""The lab's own themes: one dark, one light. Colours stand for roles; each state has a glyph as well."""

from __future__ import annotations

from textual.theme import Theme

DARK = Theme(
    name="lab-dark",
    primary="#7cb7ff",
    secondary="#c3a6ff",
    accent="#63d3c6",
    foreground="#cfd6df",
    background="#0f1318",
    surface="#161b22",
    panel="#1b222b",
    success="#83cf7d",
    warning="#e8b95c",
    error="#ff7a72",
    dark=True,
    variables={
        "lab-strong": "#f2f5f8",
        "lab-dim": "#8b97a5",
        "lab-frame": "#465361",
        "lab-selected": "#27405c",
        "footer-key-foreground": "#7cb7ff",
        "border": "#465361",
        "scrollbar": "#2a333e",
    },
)

LIGHT = Theme(
    name="lab-light",
    primary="#0b5cad",
    secondary="#6c3fb5",
    accent="#007569",
    foreground="#2a3138",
    background="#fbfbf9",
    surface="#f1f1ee",
    panel="#e7e8e4",
    success="#1f7a26",
    warning="#8f5b00",
    error="#bd2318",
    dark=False,
    variables={
        "lab-strong": "#0c1116",
        "lab-dim": "#616b75",
        "lab-frame": "#a5adb4",
        "lab-selected": "#cfe2f5",
        "footer-key-foreground": "#0b5cad",
        "border": "#a5adb4",
        "scrollbar": "#d5d8d4",
    },
)

THEMES = (DARK, LIGHT)
