"""What a load does with each outcome: every reply, for due and lookback periods, under every setting, for real."""
