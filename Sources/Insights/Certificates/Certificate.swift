import CCrypto
import JSON
package import Model

/// A certificate, as far as its time is about it.
package struct Certificate: Sendable, Hashable {
  /// What it is found again by: the file and its subject, or the resource.
  package var name: String
  package var subject: String
  package var issuer: String
  /// SHA-256 over all of it; of a collected resource, which has only facts of it, over those.
  package var digest: String
  package var begins: Instant?
  package var ends: Instant
  package var account: String?
  package var region: String?

  /// How many certificates of a file are read.
  package static let most = 2000

  /// Reads the certificates of a file: PEM, in which keys are passed over, DER, or PKCS#7 in either.
  ///
  /// - Throws: ``CertificateError`` where there is none, or one cannot be read.
  package static func read(_ bytes: [UInt8], file: String) throws -> [Certificate] {
    let facts = UnsafeMutablePointer<plumb_certificate>.allocate(capacity: most + 1)
    defer { unsafe facts.deallocate() }
    let count = unsafe bytes.withUnsafeBufferPointer { buffer in
      unsafe plumb_read_certificates(buffer.baseAddress, buffer.count, facts, Int32(most) + 1)
    }
    guard count > 0 else {
      throw CertificateError(
        description: count == 0
          ? "\(file): holds no certificate"
          : "\(file): holds a certificate that cannot be read; PEM, DER and PKCS#7 can be"
      )
    }
    guard count <= most else {
      throw CertificateError(
        description: "\(file): holds more than \(most) certificates; split it"
      )
    }
    return (0..<Int(count)).map { index in
      let one = unsafe facts + index
      let subject = unsafe String(cString: plumb_certificate_subject(one))
      let digest = unsafe Array(
        UnsafeBufferPointer(start: plumb_certificate_digest(one), count: 32)
      )
      return Certificate(
        name: "\(subject.isEmpty ? "without a subject" : subject) in \(file)",
        subject: subject,
        issuer: unsafe String(cString: plumb_certificate_issuer(one)),
        digest: digest.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined(),
        begins: unsafe Instant(milliseconds: one.pointee.begins * 1000),
        ends: unsafe Instant(milliseconds: one.pointee.ends * 1000)
      )
    }
  }

  /// Where the kinds of resources that are certificates tell when they end, and what they are for.
  package static let kinds: [ResourceKind: (ends: [String], subject: String)] = [
    ResourceKind(service: "acm", kind: "certificate"): (["Certificate", "NotAfter"], "DomainName"),
    ResourceKind(service: "iam", kind: "server_certificate"):
      (["Expiration"], "ServerCertificateName"),
  ]

  /// The certificate that a resource is; nil where it is none, or does not tell when it ends.
  package init?(_ resource: Resource) {
    guard let places = Self.kinds[resource.kind] else { return nil }
    var value: JSONValue? = resource.configuration
    for name in places.ends { value = value?[name] }
    let ends =
      value?.string.flatMap { Instant($0) }
      ?? value?.double.flatMap { seconds in
        abs(seconds) < 1e12 ? Instant(milliseconds: Int64(seconds * 1000)) : nil
      }
    guard let ends else { return nil }
    name = resource.id
    subject =
      resource.configuration[places.subject]?.string
      ?? (resource.name.isEmpty ? resource.id : resource.name)
    issuer = ""
    digest = Digest.sha256(of: [.string(resource.id), .string("\(ends)")])
    (begins, self.ends) = (nil, ends)
    account = resource.account.isEmpty ? nil : resource.account
    region = resource.region.isEmpty ? nil : resource.region
  }

  private init(
    name: String,
    subject: String,
    issuer: String,
    digest: String,
    begins: Instant?,
    ends: Instant
  ) {
    (self.name, self.subject, self.issuer) = (name, subject, issuer)
    (self.digest, self.begins, self.ends) = (digest, begins, ends)
  }
}

/// Why a file's certificates cannot be read.
package struct CertificateError: Error, Sendable, Hashable, CustomStringConvertible {
  package var description: String

  package init(description: String) { self.description = description }
}

extension Certificate {
  /// The days before its end at which it is found, each severer than the one before.
  package static let thresholds: [(days: Int, severity: FindingSeverity)] = [
    (90, .informational), (60, .low), (30, .medium), (10, .high), (1, .critical),
  ]

  /// Kinds of findings about certificates.
  package static let expiring = FindingNote(
    id: "certificate-expiry",
    title: "Certificate ends soon",
    description:
      "Clients that check refuse a certificate that has ended. It is found 90, 60, 30, 10 and 1 days before.",
    severity: .medium,
    provider: "certificates"
  )

  /// The kind of those that have ended.
  package static let expired = FindingNote(
    id: "certificate-expired",
    title: "Certificate has ended",
    description: "Clients that check refuse it.",
    severity: .critical,
    provider: "certificates"
  )

  /// What is found of it at an instant; nil where it lasts.
  ///
  /// Each threshold counts once, however often it is looked at.
  package func finding(at now: Instant) -> Finding? {
    let left = ends.milliseconds - now.milliseconds
    var note = Self.expired
    var stage = "expired"
    if left > 0 {
      guard let reached = Self.thresholds.last(where: { left <= Int64($0.days) * 86_400_000 })
      else { return nil }
      note = Self.expiring
      note.severity = reached.severity
      stage = "\(reached.days)"
    }
    var entity = FindingEntity()
    (entity.account, entity.region, entity.resource) = (account, region, name)
    var values: JSONObject = [
      "subject": .string(subject), "not_after": .string("\(ends)"),
      "days_left": .integer(Int64((Double(left) / 86_400_000).rounded(.down))),
      "sha256": .string(digest),
    ]
    if !issuer.isEmpty { values["issuer"] = .string(issuer) }
    values["not_before"] = begins.map { .string("\($0)") }
    return Finding(
      id: NameUUID.of(["certificate", .string(name), .string(digest), .string(stage)]),
      note: note,
      entity: entity,
      firstSeen: now,
      lastSeen: now,
      count: 1,
      evidence: FindingEvidence(source: "certificates", values: values, events: [])
    )
  }

  /// The causes of findings that there may be of it, or of the one before it.
  package var causes: [String] {
    [Self.expiring, Self.expired].map { note in
      var entity = FindingEntity()
      (entity.account, entity.resource) = (account, name)
      return Finding(
        id: "",
        note: note,
        entity: entity,
        firstSeen: nil,
        lastSeen: nil,
        count: 0,
        evidence: FindingEvidence(source: "", values: [:], events: [])
      ).causeID
    }
  }
}
