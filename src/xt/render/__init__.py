"""A report → text. Renderers compute nothing and know no store; only tables and pages import rich."""
