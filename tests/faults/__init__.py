"""What the package does when WeChat, or the way to it, misbehaves: every fault, at either call, once and forever."""
