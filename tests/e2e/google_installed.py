"""Google's official clients bring a hundred packages each: they are installed by whoever wants to see them."""

import os
import pathlib
import unittest

FOLDER = os.environ.get("FOREWARM_GOOGLE_CLIENTS", "")


def is_installed(name):
    return FOLDER != "" and (pathlib.Path(FOLDER) / "node_modules" / name).is_dir()


def needs_google_client(name, version):
    return unittest.skipUnless(is_installed(name), f"Google's client is not installed: npm install {name}@{version} in a folder, and "
                                                   "FOREWARM_GOOGLE_CLIENTS=FOLDER")
