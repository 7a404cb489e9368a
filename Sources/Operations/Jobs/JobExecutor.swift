package import JSON
package import Store

/// What does jobs: the port that a worker hands them to.
package protocol JobExecutor: Sendable {
  /// Does a job to its end, telling now and then how far it is.
  ///
  /// It returns only when the job is done. When its task is cancelled it stops what it began, and
  /// throws whatever it likes.
  ///
  /// - Throws: ``JobFailure`` that says why it came to nothing; other errors count as such.
  func run(_ job: Job, report: @escaping @Sendable (JobReport) -> Void) async throws
}

/// How far a job is.
package struct JobReport: Sendable, Equatable {
  package var progress: JSONValue
  /// The saved scan that it has begun.
  package var scan: Int64?

  package init(progress: JSONValue = [:], scan: Int64? = nil) {
    (self.progress, self.scan) = (progress, scan)
  }
}

/// Why a job came to nothing, without secrets.
package struct JobFailure: Error, Equatable, CustomStringConvertible {
  package var description: String
  /// Whether another try would come to the same.
  package var isFinal: Bool

  package init(_ description: String, isFinal: Bool = false) {
    (self.description, self.isFinal) = (description, isFinal)
  }
}
