"""Views on the tables: one SQL file each, and next to it a TOML file with descriptions; pure."""
