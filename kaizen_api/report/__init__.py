"""Shadow mode: log files in, a report out, through the same streams and jobs as production; nothing is left behind."""

from kaizen_api.report.files import write_report
from kaizen_api.report.results import Results, read_results
from kaizen_api.report.shadow import Progress, shadow_run

__all__ = ["Progress", "Results", "read_results", "shadow_run", "write_report"]
