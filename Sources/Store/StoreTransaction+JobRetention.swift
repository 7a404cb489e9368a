import Model

// How long jobs and runs are kept.
extension StoreTransaction {
  /// Removes runs that began before an instant, and jobs that ended before it and belong to no run
  /// that stays.
  ///
  /// What may still matter stays: an open job with its runs, the newest run of an attachment, and the
  /// newest that its schedule began, by which it is known what was missed.
  ///
  /// - Returns: how many runs and jobs were removed.
  func pruneJobs(before cutoff: Instant) throws -> (runs: Int, jobs: Int) {
    let old = """
      SELECT id FROM runs WHERE created_at < $1
        AND id NOT IN (SELECT max(id) FROM runs GROUP BY attachment)
        AND NOT (cause = 'schedule' AND due_at = (SELECT max(s.due_at) FROM runs s
          WHERE s.attachment = runs.attachment AND s.cause = 'schedule'))
        AND id NOT IN (SELECT run FROM run_jobs WHERE job IN
          (SELECT id FROM jobs WHERE state IN ('waiting', 'leased')))
      """
    let runs = try session.rows(old, [cutoff.value]) { $0.integer(0) }
    for run in runs {
      try session.run("DELETE FROM run_jobs WHERE run = $1", [.integer(run)])
      try session.run("DELETE FROM runs WHERE id = $1", [.integer(run)])
    }
    try session.run(
      """
      DELETE FROM uploads WHERE job IN
        (SELECT id FROM jobs WHERE state NOT IN ('waiting', 'leased') AND finished_at < $1)
      """,
      [cutoff.value]
    )
    let jobs = try session.run(
      """
      DELETE FROM jobs WHERE state NOT IN ('waiting', 'leased') AND finished_at < $1
        AND id NOT IN (SELECT job FROM run_jobs)
        AND id NOT IN (SELECT job FROM uploads)
        AND (scan IS NULL
          OR scan NOT IN (SELECT id FROM scans WHERE status IN ('collecting', 'running')))
      """,
      [cutoff.value]
    )
    return (runs.count, jobs)
  }

  /// The jobs that failed, or were set aside, with none of the same target ending after them; those whose
  /// credential is revoked are nobody's concern any more.
  package func lastFailedJobs() throws -> [Job] {
    try session.rows(
      Self.jobColumns + """
        WHERE state IN ('failed', 'set_aside') AND NOT EXISTS (
          SELECT 1 FROM jobs later WHERE later.target = jobs.target AND later.id > jobs.id
            AND later.state IN ('done', 'failed', 'set_aside'))
          AND NOT EXISTS (
          SELECT 1 FROM credentials WHERE credentials.name = jobs.credential
            AND revoked_at IS NOT NULL)
        ORDER BY id
        """,
      [],
      Self.job
    )
  }
}
