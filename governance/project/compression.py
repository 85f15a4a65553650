"""Pages travel compressed; answers of the API and files do not pass here.

Compression can tell a secret that stands beside text of an attacker's choosing (BREACH: Gluck, Harris, Prado, 2013): he
makes a signed-in browser ask again and again and reads the lengths. Here he cannot. The only secret that a page
repeats is the CSRF token, which Django masks anew in every answer; a key or a webhook's secret stands in the one answer
to a POST that no other site can send; session cookies are Lax, so that another site's requests are nobody's. And Django
adds to each compressed answer up to a hundred random bytes (Heal the Breach: Palacios and others, 2022), which hide the
few bytes that a guess would save.
"""

from __future__ import annotations

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.middleware.gzip import GZipMiddleware


class CompressedPages(GZipMiddleware):
    """Middleware: HTML goes out with gzip where the browser takes it."""

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        if not response.get("Content-Type", "").startswith("text/html"):
            return response
        return super().process_response(request, response)
