"""Everything that can be typed or scripted: one grammar, one registry."""
