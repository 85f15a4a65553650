"""Files that come with a form: on disk under the home directory, and only as large as any page takes."""

from typing import Any

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.core.files.uploadhandler import TemporaryFileUploadHandler

OF_THE_FORM = 65_536  # what the fields beside the file may add


class BoundedUpload(TemporaryFileUploadHandler):
    """Refuses a body before a byte of it is read. Without a stated length nothing is read either."""

    def handle_raw_input(
        self,
        input_data: Any,
        META: dict[str, Any],  # noqa: N803  Django's name
        content_length: int,
        boundary: str,
        encoding: Any = None,
    ) -> None:
        if content_length > settings.MAX_BUNDLE_BYTES + OF_THE_FORM:
            raise RequestDataTooBig("The file is larger than any page takes.")
