"""Tasks that know nothing of each other, side by side on joblib's workers."""

from winstan.parallel.tasks import Tasks, run_tasks
from winstan.parallel.workers import Workers, threads_unless_told, workers_of

__all__ = ["Tasks", "Workers", "run_tasks", "threads_unless_told", "workers_of"]
