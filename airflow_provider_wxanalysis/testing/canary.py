"""The mark in every secret of the server's making: who finds it in something written has found a leak."""

CANARY = "c4n4ry"
