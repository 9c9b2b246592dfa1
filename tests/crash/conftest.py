"""Without a browser on the machine what needs one is not collected, as for the pages; the run's header says so."""

from tests.pages.conftest import CHROMIUM

collect_ignore = [] if CHROMIUM else ["test_autosave.py"]
