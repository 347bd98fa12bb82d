"""What apps and pages are called in the browser's tests; some people are not kind."""

from __future__ import annotations

HOSTILE_NAME = '<img src=x onerror="window.hacked=1"> ${7*7} ‮evil'
HOSTILE_PATH = "pages/<script>window.hacked=2</script>?a=javascript:window.hacked=3"
SHOPS = ["茶饮小铺 Tea House", "共享单车 Bike Share"]
FEW = ["茶饮小铺", "Bike Share", HOSTILE_NAME]
MANY = [f"小程序 {number:03d}" for number in range(100)]
