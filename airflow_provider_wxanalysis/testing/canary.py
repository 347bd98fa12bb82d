"""The mark in every secret that the server makes up: wherever it is found in something written, there is a leak."""

CANARY = "c4n4ry"
