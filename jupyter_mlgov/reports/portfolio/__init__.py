"""The portfolio for readers: text, CSV and one HTML file that asks nobody for anything."""
