"""What people read: MIME bundle, HTML, terminal text, SARIF; all from one Report."""
