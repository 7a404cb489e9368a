import Reports

/// What is said after a change; an address names it, so that it can say nothing else.
enum Notice: String {
  case exceptionRequested = "exception-requested"
  case exceptionApproved = "exception-approved"
  case exceptionEnded = "exception-ended"
  case findingChanged = "finding-changed"
  case judgedAgain = "judged-again"
  case scanCancelled = "scan-cancelled"
  case jobCancelled = "job-cancelled"
  case jobRetried = "job-retried"
  case runStarted = "run-started"
  case attached, detached, paused, resumed
  case scopeSaved = "scope-saved"
  case scopeRemoved = "scope-removed"
  case profileKept = "profile-kept"
  case attested
  case attestationApproved = "attestation-approved"
  case credentialKept = "credential-kept"
  case credentialTested = "credential-tested"
  case credentialRevoked = "credential-revoked"
  case collectorApproved = "collector-approved"
  case collectorStopped = "collector-stopped"
  case collectorRevoked = "collector-revoked"
  case personAdded = "person-added"
  case personChanged = "person-changed"
  case granted
  case grantRevoked = "grant-revoked"
  case keyRevoked = "key-revoked"

  var text: HTML {
    switch self {
    case .exceptionRequested:
      "The exception is requested. Somebody else has to approve it before it counts."
    case .exceptionApproved: "The exception is approved and counts from now on."
    case .exceptionEnded: "The exception has ended. What was decided stays on record."
    case .findingChanged: "What was decided about the finding is kept."
    case .judgedAgain: "Judged again just now, from the stored configuration: the same verdict."
    case .scanCancelled: "The scan is cancelled. What it stored so far stays."
    case .jobCancelled: "The job is cancelled, and the scan that it had begun."
    case .jobRetried: "The job waits for another try."
    case .runStarted: "Scans are asked for. Below are their jobs."
    case .attached: "The profile is attached from now on. Its first score comes with the next scan."
    case .detached: "The attachment has ended. Its scores and results up to now stay."
    case .paused: "The schedule is paused. What would be due meanwhile is not caught up."
    case .resumed: "The schedule goes on."
    case .scopeSaved: "The scope holds from now on."
    case .scopeRemoved: "The scope is removed from now on."
    case .profileKept: "The profile is kept. Attach it to a scope to have it judged."
    case .attested: "The attestation is kept. Somebody else has to approve it before it counts."
    case .attestationApproved: "The attestation is approved and counts in its period."
    case .credentialKept: "The credential is kept, its secret sealed. Test it before scans need it."
    case .credentialTested: "The credential was tested just now; what came of it stands below."
    case .credentialRevoked: "The secret is destroyed. What is known of it otherwise stays."
    case .collectorApproved: "The collector may work from now on."
    case .collectorStopped: "The collector gets no work until it is approved again."
    case .collectorRevoked: "The collector's key is refused for good."
    case .personAdded: "The person is added, and may do nothing until a role is granted."
    case .personChanged: "The person is changed."
    case .granted: "The role is granted."
    case .grantRevoked: "The role is taken back."
    case .keyRevoked: "The key is revoked."
    }
  }
}
