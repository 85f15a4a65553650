#!/usr/bin/env python
"""Runs Countersign's commands; with no DATABASE_URL set, against the embedded servers of COUNTERSIGN_HOME."""

import os
import sys

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "governance.project.settings")
    from django.core.management import execute_from_command_line

    from governance.project import embedded

    try:
        servers = embedded.ensure_for_command(sys.argv, os.environ)
    except embedded.Unavailable as error:
        sys.exit(str(error))
    execute_from_command_line(sys.argv)
