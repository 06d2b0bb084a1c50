"""PDF from a page of ours, by WeasyPrint: tagged for screen readers (PDF/UA-1), with bookmarks; nothing is fetched."""

from __future__ import annotations

from jupyter_mlgov.core.errors import BadInput, NotReady


def pdf(page: str) -> bytes:
    """The page as PDF. Raises NotReady without the extra `pdf`, BadInput for a page that asks for anything outside itself."""
    try:
        from weasyprint import HTML
    except ImportError:
        raise NotReady("PDF needs the package weasyprint.", next='`pip install "jupyter-mlgov[pdf]"`.') from None
    except OSError as error:
        raise NotReady(
            f"weasyprint cannot load its system libraries ({error}).", next="Install Pango (Debian: libpango-1.0-0 libpangoft2-1.0-0)."
        ) from None
    from weasyprint.urls import FatalURLFetchingError, URLFetcher

    _quiet()
    nothing = URLFetcher(allowed_protocols=(), fail_on_errors=True)
    try:
        written: bytes = HTML(string=page, url_fetcher=nothing, base_url=None).write_pdf(pdf_variant="pdf/ua-1", pdf_tags=True)
    except FatalURLFetchingError as error:
        raise BadInput(f"The page asks for something outside itself ({str(error)[:200]}), and a document asks for nothing.") from None
    return written


def _quiet() -> None:
    """WeasyPrint tells the log about each rule of CSS that is for screens; nobody needs that on stderr."""
    import logging

    logging.getLogger("weasyprint").setLevel(logging.ERROR)
