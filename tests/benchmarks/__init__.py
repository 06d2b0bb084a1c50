"""Speed, as ratios against the peer in the same run. `make bench` prints them; nothing here is a timed test."""
