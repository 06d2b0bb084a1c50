"""Documents for people who judge a model: one document as data, written as HTML, PDF and DOCX from the same facts."""
