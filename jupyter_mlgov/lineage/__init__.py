"""What ran on what: tags, dataflow, fingerprints, the recorder, the state of a notebook's steps."""
