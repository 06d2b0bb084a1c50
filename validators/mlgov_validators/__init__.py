"""The validators and policy packs we ship. They enter by `jupyter_mlgov.sdk`, like anybody's."""
