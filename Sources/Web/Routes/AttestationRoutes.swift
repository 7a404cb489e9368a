import Foundation
import JSON
import Model
import Operations
import Store

/// Controls that people attest with evidence.
enum AttestationRoutes {
  static let handlers: [String: APIHandler] = [
    "listAttestations": list, "showAttestation": show, "attest": attest,
    "approveAttestation": approve, "showEvidence": evidence,
  ]

  private static func list(_ call: APICall) async throws -> APIReply {
    let (profile, control) = (call["profile"]?.string, call["control"]?.string)
    let (scope, state) = (call["scope"]?.string, call["state"]?.string)
    let (sight, now) = (call.sight, call.now)
    let found = try await call.read { try $0.attestations() }.filter {
      sight.containsScope($0.scope) && (profile == nil || $0.profile == profile)
        && (control == nil || $0.control == control) && (scope == nil || $0.scope == scope)
        && (state == nil || $0.state(at: now) == state)
    }
    return try call.page(found.map { $0.json(at: now) }, sorts: ["id", "control", "period_to"])
  }

  private static func find(_ transaction: StoreTransaction, _ call: APICall) throws -> Attestation {
    let found = try transaction.attestations().first { $0.id == call.number() }
    guard let found, call.sight.containsScope(found.scope) else {
      throw Problem.notFound("attestation", call.number())
    }
    return found
  }

  private static func show(_ call: APICall) async throws -> APIReply {
    .tagged(try await call.read { try find($0, call) }.json(at: call.now))
  }

  private static func attest(_ call: APICall) async throws -> APIReply {
    let body = call.body
    func text(_ name: String) -> String { body[name]?.string ?? "" }
    guard call.sight.containsScope(text("scope")) else { throw Problem.forbidden(.edit) }
    guard let profile = try await call.profile(text("profile")),
      profile.controls.contains(where: { $0.id == text("control") })
    else {
      throw Problem(
        422,
        "refused",
        "There is no such control",
        "there is no control \"\(text("control"))\" of a profile \"\(text("profile"))\""
      )
    }
    guard let data = Data(base64Encoded: text("evidence")), !data.isEmpty else {
      throw Problem.invalid("/evidence", "is no base64")
    }
    let evidence = Array(data)
    func instant(_ name: String) -> Instant { Instant(text(name)) ?? call.now }
    let attestation = Attestation(
      profile: profile.id,
      version: profile.version,
      control: text("control"),
      scope: text("scope"),
      isMet: body["met"]?.bool ?? false,
      statement: text("statement"),
      evidenceName: text("evidence_name"),
      evidenceDigest: Digest.sha256(evidence),
      observedAt: instant("observed_at"),
      receivedAt: call.now,
      periodBegins: instant("period_from"),
      periodEnds: instant("period_to"),
      attestedBy: call.principal.name
    )
    let made = try await call.write { transaction in
      _ = try transaction.keep(profile)
      let number = try transaction.attest(attestation, evidence: evidence)
      return try transaction.attestations().first { $0.id == number }
    }
    guard let made else { throw Problem.notFound("attestation", "") }
    return .created(made.json(at: call.now), at: "/api/v1/attestations/\(made.id)")
  }

  private static func approve(_ call: APICall) async throws -> APIReply {
    let approved = try await call.write { transaction in
      let attestation = try find(transaction, call)
      try transaction.approveAttestation(attestation.id)
      return try find(transaction, call)
    }
    return .json(approved.json(at: call.now))
  }

  private static func evidence(_ call: APICall) async throws -> APIReply {
    let (attestation, bytes) = try await call.read { transaction in
      let attestation = try find(transaction, call)
      return (attestation, try transaction.evidence(of: attestation.id))
    }
    var reply = APIReply()
    reply.text = ("application/octet-stream", bytes)
    // A browser keeps it as a file and shows nothing of it (RFC 6266, RFC 8187).
    let letters = Set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~".utf8)
    let name = attestation.evidenceName.utf8.map { byte in
      letters.contains(byte)
        ? String(UnicodeScalar(byte))
        : "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
    }
    reply.headers.append(("Content-Disposition", "attachment; filename*=UTF-8''\(name.joined())"))
    return reply
  }
}
