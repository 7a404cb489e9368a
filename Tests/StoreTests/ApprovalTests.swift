import Model
import Store
import TestSupport
import Testing

/// What one person asks for and another agrees to: exceptions and attestations.
struct ApprovalTests {
  private static let request = ExceptionRequest(
    rule: "r",
    resource: "arn:*",
    scope: "",
    reason: "Migration",
    owner: "Team",
    compensatingControl: "Firewall",
    expiresAt: .day(10)
  )

  private static let evidence = Array("Screenshot\u{0} of a form".utf8)

  private static func attestation(
    from: Instant = .day(0),
    to: Instant = .day(90),
    observed: Instant = .hour(0),
    scope: String = ""
  ) -> Attestation {
    Attestation(
      profile: "p",
      version: "1",
      control: "1.2",
      scope: scope,
      isMet: true,
      statement: "It is so.",
      evidenceName: "form.png",
      evidenceDigest: Digest.sha256(evidence),
      observedAt: observed,
      receivedAt: observed,
      periodBegins: from,
      periodEnds: to,
      attestedBy: "somebody else"
    )
  }

  /// The word of the error with which a change is refused.
  private static func refusal(
    _ store: DataStore,
    as actor: String,
    at instant: Instant,
    _ body: @Sendable @escaping (StoreTransaction) throws -> Void
  ) async -> String {
    do {
      try await store.write(as: actor, at: instant, body)
      return "none"
    } catch let error as StoreError {
      return error.word
    } catch {
      return "\(error)"
    }
  }

  @Test(arguments: TestDatabase.all)
  func `an exception holds from its approval to its expiry`(kind: TestDatabase) async throws {
    try await kind.withStore { store in
      let id = try await store.write(as: "ann", at: .hour(1)) { try $0.request(Self.request) }
      try await store.write(as: "bob", at: .hour(2)) { try $0.approveException(id) }
      let exception = try await store.read { try $0.exception(id) }
      #expect(exception.requester == "ann" && exception.approver == "bob")
      #expect(exception.requestedAt == .hour(1) && exception.approvedAt == .hour(2))
      #expect(exception.compensatingControl == "Firewall" && exception.expiresAt == .day(10))
      let ends = Instant.day(10)
      let instants: [(at: Instant, state: ExceptionRecord.State, isInForce: Bool)] = [
        (.hour(1), .requested, false), (.hour(2), .approved, true), (.day(9), .approved, true),
        (ends.advanced(milliseconds: -1), .approved, true), (ends, .expired, false),
        (.day(99), .expired, false),
      ]
      for (at, state, isInForce) in instants {
        #expect(exception.state(at: at) == state, "\(at)")
        let found = try await store.read { try $0.exceptionsInForce(at: at).map(\.id) }
        #expect(found == (isInForce ? ["EX-1"] : []), "\(at)")
      }
    }
  }

  @Test(arguments: TestDatabase.all)
  func `a revoked exception held until then`(kind: TestDatabase) async throws {
    try await kind.withStore { store in
      let id = try await store.write(as: "ann", at: .hour(1)) { try $0.request(Self.request) }
      try await store.write(as: "bob", at: .hour(2)) { try $0.approveException(id) }
      try await store.write(as: "eve", at: .hour(5)) { try $0.revokeException(id) }
      for (hour, expected) in [Int64(1): 0, 2: 1, 4: 1, 5: 0, 6: 0] {
        let found = try await store.read { try $0.exceptionsInForce(at: .hour(hour)).count }
        #expect(found == expected, "hour \(hour)")
      }
      let exception = try await store.read { try $0.exception(id) }
      #expect(exception.revokedBy == "eve" && exception.state(at: .hour(5)) == .revoked)
      #expect(exception.state(at: .hour(4)) == .approved)
      let again = await Self.refusal(store, as: "eve", at: .hour(6)) { try $0.revokeException(id) }
      #expect(again == "conflict")
    }
  }

  @Test(arguments: TestDatabase.all)
  func `nobody approves their own exception`(kind: TestDatabase) async throws {
    try await kind.withStore { store in
      let id = try await store.write(as: "Ann Lee", at: .hour(1)) { try $0.request(Self.request) }
      for actor in ["Ann Lee", "ann lee", " ANN  Lee "] {
        let word = await Self.refusal(store, as: actor, at: .hour(2)) {
          try $0.approveException(id)
        }
        #expect(word == "conflict", "\(actor)")
      }
      try await #expect(store.read { try $0.exceptionsInForce(at: .hour(3)).count } == 0)
      try await #expect(store.read { try $0.exception(id).approved } == nil)
      let late = await Self.refusal(store, as: "bob", at: .day(10)) { try $0.approveException(id) }
      #expect(late == "conflict")
      try await store.write(as: "bob", at: .hour(3)) { try $0.approveException(id) }
      let twice = await Self.refusal(store, as: "eve", at: .hour(4)) { try $0.approveException(id) }
      #expect(twice == "conflict")
      let unknown = await Self.refusal(store, as: "bob", at: .hour(4)) {
        try $0.approveException(99)
      }
      #expect(unknown == "not found")
    }
  }

  @Test(arguments: TestDatabase.all)
  func `an exception needs an end and all its words`(kind: TestDatabase) async throws {
    func changed(_ change: (inout ExceptionRequest) -> Void) -> ExceptionRequest {
      var request = Self.request
      change(&request)
      return request
    }
    let requests: [(request: ExceptionRequest, word: String)] = [
      (changed { $0.expiresAt = .never }, "conflict"),
      (changed { $0.expiresAt = .hour(1) }, "conflict"),
      (changed { $0.expiresAt = .hour(0) }, "conflict"),
      (changed { $0.rule = "" }, "conflict"), (changed { $0.resource = " " }, "conflict"),
      (changed { $0.reason = "\n\t" }, "conflict"), (changed { $0.owner = "" }, "conflict"),
      (changed { $0.compensatingControl = "" }, "conflict"),
      (changed { $0.scope = "nowhere" }, "not found"),
    ]
    try await kind.withStore { store in
      for (request, word) in requests {
        let found = await Self.refusal(store, as: "ann", at: .hour(1)) {
          _ = try $0.request(request)
        }
        #expect(found == word, "\(request)")
      }
      let nobody = await Self.refusal(store, as: " ", at: .hour(1)) {
        _ = try $0.request(Self.request)
      }
      #expect(nobody == "conflict")
      try await #expect(store.read { try $0.exceptions().count } == 0)
    }
  }

  @Test(arguments: TestDatabase.all)
  func `an attestation counts once another person approved it`(kind: TestDatabase) async throws {
    try await kind.withStore { store in
      let id = try await store.write(as: "ann", at: .hour(1)) {
        try $0.attest(Self.attestation(), evidence: Self.evidence)
      }
      let own = await Self.refusal(store, as: " ANN", at: .hour(2)) {
        try $0.approveAttestation(id)
      }
      #expect(own == "conflict")
      try await store.write(as: "bob", at: .hour(3)) { try $0.approveAttestation(id) }
      let twice = await Self.refusal(store, as: "eve", at: .hour(4)) {
        try $0.approveAttestation(id)
      }
      #expect(twice == "conflict")
      let unknown = await Self.refusal(store, as: "eve", at: .hour(4)) {
        try $0.approveAttestation(99)
      }
      #expect(unknown == "not found")
      let all = try await store.read { try $0.attestations() }
      let found = try #require(all.first)
      #expect(all.count == 1 && found.id == id)
      #expect(found.attestedBy == "ann" && found.approvedBy == "bob")
      #expect(found.receivedAt == .hour(1) && found.approvedAt == .hour(3))
      #expect(found.isMet && found.control == "1.2" && found.evidenceName == "form.png")
      let instants: [(at: Instant, isInForce: Bool)] = [
        (.hour(0), false), (.hour(2), false), (.hour(3), true),
        (Instant.day(90).advanced(milliseconds: -1), true), (.day(90), false),
      ]
      for (at, isInForce) in instants { #expect(found.isInForce(at: at) == isInForce, "\(at)") }
    }
  }

  @Test(arguments: TestDatabase.all)
  func `evidence is given back as it was, or not at all`(kind: TestDatabase) async throws {
    try await kind.withStore { store in
      let id = try await store.write(as: "ann", at: .hour(1)) {
        try $0.attest(Self.attestation(), evidence: Self.evidence)
      }
      let evidence = try await store.read { try $0.evidence(of: id) }
      #expect(evidence == Self.evidence)
      try await store.write(as: "eve", at: .hour(2)) { transaction in
        _ = try transaction.session.run(
          "UPDATE attestations SET evidence = $1",
          [.bytes(Pack.compress(Array("another form".utf8)))]
        )
      }
      let damaged = await #expect(throws: StoreError.self) {
        try await store.read { try $0.evidence(of: id) }
      }
      #expect(damaged?.word == "damaged")
      let unknown = await #expect(throws: StoreError.self) {
        try await store.read { try $0.evidence(of: 99) }
      }
      #expect(unknown?.word == "not found")
    }
  }

  @Test(arguments: TestDatabase.all)
  func `attestations that cannot be are refused`(kind: TestDatabase) async throws {
    let attestations: [(attestation: Attestation, word: String)] = [
      (Self.attestation(from: .day(5), to: .day(5)), "conflict"),
      (Self.attestation(from: .day(5), to: .day(4)), "conflict"),
      (Self.attestation(observed: .hour(2)), "conflict"),
      (Self.attestation(scope: "nowhere"), "not found"),
    ]
    try await kind.withStore { store in
      for (attestation, word) in attestations {
        let found = await Self.refusal(store, as: "ann", at: .hour(1)) {
          _ = try $0.attest(attestation, evidence: Self.evidence)
        }
        #expect(found == word)
      }
      try await #expect(store.read { try $0.attestations().count } == 0)
    }
  }
}
