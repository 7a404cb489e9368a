import Foundation
package import JSON
package import Model
package import Operations
package import Store

/// What the server works with; the command line composes it.
package struct Services: Sendable {
  package var store: DataStore
  /// Whose keys are whose.
  let callers: CallerCache
  /// What is read of the store again and again.
  let posture = PostureCache()
  /// Rules and profiles as they are now.
  package var content: @Sendable () throws -> ServedContent
  /// Which rights over which kinds mean access.
  package var access: @Sendable () throws -> [ReachFacts] = { [] }
  /// The properties that are known of kinds beside what rules ask about.
  package var properties: @Sendable () throws -> [PropertyFacts] = { [] }
  package var keeper: CredentialKeeper
  package var clock: @Sendable () -> Instant
  /// Drawn by the system: as many bytes as asked for.
  package var random: @Sendable (Int) throws -> [UInt8]
  /// Judges and keeps an inventory that somebody sent; returns the number of the scan.
  package var judge: @Sendable (InventoryUpload, UploadBody) async throws -> Int64
  /// Sends messages to channels; nil where the server does not.
  package var sender: (any AlertSender)?
  /// The version of the product, as exports name it.
  package var version = "0"
  /// What an error of the composition's own types means; nil for a fault of the server.
  package var explain: @Sendable (any Error) -> String?
  /// What is sent while it happens.
  package var streams = EventStreams()
  /// The providers whose accounts jobs can scan.
  package var providers: Set<String> = []
  /// Signs in with a credential, and says what came of it.
  package var test: @Sendable (CredentialRecord) async throws -> CredentialRecord.Test
  /// Decides about requests.
  package var guards: GuardKeeper
  /// What an object describes that a Kubernetes cluster, by its name, is asked to take, and what of it
  /// cannot be read.
  package var parts: @Sendable (JSONValue, String) -> (parts: [ObjectPart], faults: [String]) = {
    _,
    _ in ([], ["this server reads no objects of Kubernetes"])
  }
  /// HMAC with SHA-512 of a message under a key, in hexadecimal.
  package var signature: @Sendable (_ key: String, _ message: [UInt8]) -> String = { _, _ in "" }
  /// Decides about a run of Terraform as somebody who may ask, and calls back.
  package var runTask: @Sendable (RunTask, Principal) async -> Void = { _, _ in }
  /// Where runs of Terraform come from, which is all that is called for them.
  package var terraform = "https://app.terraform.io"
  /// Where inventories are kept that collectors hand in, until they have come whole.
  package var uploadFolder = FileManager.default.temporaryDirectory.path + "/plumb-uploads"

  package init(
    store: DataStore,
    content: @escaping @Sendable () throws -> ServedContent,
    keeper: CredentialKeeper,
    clock: @escaping @Sendable () -> Instant,
    random: @escaping @Sendable (Int) throws -> [UInt8],
    judge: @escaping @Sendable (InventoryUpload, UploadBody) async throws -> Int64,
    test: @escaping @Sendable (CredentialRecord) async throws -> CredentialRecord.Test,
    explain: @escaping @Sendable (any Error) -> String?
  ) {
    (self.store, self.content, self.keeper) = (store, content, keeper)
    callers = CallerCache(store)
    (self.clock, self.random, self.judge) = (clock, random, judge)
    (self.test, self.explain) = (test, explain)
    guards = GuardKeeper(store) {
      let content = try content()
      return (content.rules, content.profiles)
    }
  }
}

extension Services {
  /// Notes that a key was used today; what the store does not take now is left.
  func noteUse(of caller: CallerCache.Caller, at now: Instant) async {
    guard caller.key.usedOn != now.day else { return }
    callers.noteUse(of: caller, on: now.day)
    _ = try? await Race.value(within: .seconds(1)) {
      try await store.write(as: caller.principal.name, at: now) {
        try $0.noteUse(ofKey: caller.key.id)
      }
    }
  }

  /// Counts results whenever some have changed, so that nobody who looks waits for it, until its task
  /// is cancelled.
  package func keepCounted() async {
    while !Task.isCancelled {
      let now = clock()
      // Where it fails, whoever looks gets the error.
      try? await store.read { transaction in
        guard try !posture.isCounted(transaction.changeCount()) else { return }
        let facts = try posture.facts(transaction)
        var reader = try ResultReader(transaction, at: now, facts: facts, isPresent: true)
        _ = try reader.figures(ResultFilter(), posture, isRenewal: true)
        let resources = try ResourceReader(transaction, at: now, sight: .everything, facts: facts)
        _ = try resources.figures(
          ResourceFilter(),
          isPresent: true,
          posture,
          isRenewal: true
        )
      }
      try? await Task.sleep(for: .seconds(5))
    }
  }
}

/// Rules and profiles, in the order of their ids.
package struct ServedContent: Sendable {
  package var rules: [Rule]
  package var profiles: [Profile]
  package var stamp: ContentStamp

  package init(rules: [Rule], profiles: [Profile], stamp: ContentStamp) {
    (self.rules, self.profiles, self.stamp) = (rules, profiles, stamp)
  }
}

/// An inventory that somebody sends to have it judged.
package struct InventoryUpload: Sendable {
  /// The account of resources that name none.
  package var account: String
  package var subject: String
  /// Whether resources that it lacks are gone.
  package var isComplete: Bool
  package var actor: String
  /// The instant as of which it is judged.
  package var at: Instant
}

/// A long body, handed over in pieces as it comes.
package struct UploadBody: Sendable {
  let each: @Sendable (([UInt8]) throws -> Void) async throws -> Void

  /// Hands over every piece.
  ///
  /// - Throws: what `body` throws, and when the client goes away.
  package func forEach(_ body: ([UInt8]) throws -> Void) async throws {
    try await each(body)
  }
}

/// A request of an operation, checked against the API's description.
package struct APICall: Sendable {
  package let operation: APIOperation
  package let services: Services
  /// Who asks; without grants where nobody signed in.
  package let principal: Principal
  package let now: Instant
  /// The body; null where there is none.
  package let body: JSONValue
  /// The bytes of the body, for what is signed; none where it is asked for within this process.
  var bytes: [UInt8] = []
  /// The client's address.
  package let address: String
  /// Whether the client reached the server over TLS.
  package let isSecure: Bool
  /// The body of an operation that takes other than JSON.
  var upload: UploadBody?
  /// What a collector signed; nil where nothing is signed.
  var proof: CollectorProof?
  let parameters: [String: JSONValue]
  let session: Session?
  /// What is in the session's cookie; nil where there is none.
  let sessionToken: String?
  var idempotency: Idempotency?

  /// What a request that may be sent again is known by.
  struct Idempotency: Sendable {
    var key: String
    var request: String
  }

  /// A parameter's value; nil where it was not given and has no default.
  package subscript(name: String) -> JSONValue? { parameters[name] }

  /// A parameter of text; empty where it was not given.
  package func text(_ name: String) -> String { parameters[name]?.string ?? "" }

  /// A parameter that is an IP address; nil where it was not given.
  package func address(_ name: String) throws -> String? {
    guard let text = parameters[name]?.string else { return nil }
    guard let address = IPNetwork.address(text) else {
      throw Problem.invalid(name, "is no IP address")
    }
    return address
  }

  /// A parameter of several texts.
  package func texts(_ name: String) -> [String] {
    parameters[name]?.array?.compactMap(\.string) ?? []
  }

  /// The number of what the path names.
  package func number(_ name: String = "id") -> Int64 {
    if case .integer(let number)? = parameters[name] { number } else { 0 }
  }

  /// A parameter that is an instant; now where it was not given.
  package func instant(_ name: String = "as_of") -> Instant {
    parameters[name]?.string.flatMap { Instant($0) } ?? now
  }

  /// Where the caller has the permission that the operation needs.
  package var sight: Sight { operation.permission.map(principal.sight) ?? .nothing }

  /// Refuses a caller who has the operation's permission in some places only.
  package func requireEverything() throws {
    guard sight.isEverything else {
      let permission = (operation.permission ?? .read).rawValue
      throw Problem(
        403,
        "forbidden",
        "Not allowed",
        "this is the same for everybody, so it needs the permission \(permission) on everything; "
          + "an administrator grants that"
      )
    }
  }

  /// Reads, all from one state.
  package func read<R: Sendable>(
    _ body: @Sendable @escaping (StoreTransaction) throws -> R
  ) async throws -> R {
    try await services.store.read(body)
  }

  /// Changes, as the caller and now.
  ///
  /// A request with an Idempotency-Key is noted in the same transaction, so it changes things once.
  package func write<R: Sendable>(
    _ body: @Sendable @escaping (StoreTransaction) throws -> R
  ) async throws -> R {
    let idempotency = idempotency
    return try await services.store.write(as: principal.name, at: now) { transaction in
      try transaction.beginDecision()
      if let idempotency {
        try transaction.claim(idempotency.key, request: idempotency.request)
      }
      return try body(transaction)
    }
  }

  /// Refuses a change of what is not any more as the caller saw it.
  package func match(_ current: JSONValue) throws {
    let expected = text("If-Match")
    guard expected != "*" else { return }
    let tags = expected.split(separator: ",").map { $0.trimmed }
    guard tags.contains(current.entityTag) else {
      throw Problem(
        412,
        "changed",
        "It has changed meanwhile",
        "If-Match is not \(current.entityTag); read it again"
      )
    }
  }
}

/// An answer of an operation.
package struct APIReply: Sendable {
  var status: Int?
  var body: JSONValue?
  /// A body that is text of another kind, instead.
  var text: (type: String, bytes: [UInt8])?
  var headers: [(name: String, value: String)] = []
  var hasTag = false
  /// Instead of a body, events that are told as they happen.
  var events: EventStream?
  /// Whether it tells a secret, which is told once and kept nowhere.
  var hasSecret = false

  /// A value.
  package static func json(_ value: JSONValue) -> APIReply { APIReply(body: value) }

  /// A value whose ETag is told.
  package static func tagged(_ value: JSONValue) -> APIReply {
    APIReply(body: value, hasTag: true)
  }

  /// What was made, and where it is.
  package static func created(_ value: JSONValue, at location: String) -> APIReply {
    APIReply(body: value, headers: [("Location", location)], hasTag: true)
  }

  /// Nothing more to say.
  package static let done = APIReply()
}

extension JSONValue {
  /// The value's ETag: of SHA-256 over its canonical form.
  package var entityTag: String { "\"\(Digest.sha256(of: self).prefix(32))\"" }
}

extension Substring {
  var trimmed: String {
    var text = self
    while text.first == " " { text.removeFirst() }
    while text.last == " " { text.removeLast() }
    return String(text)
  }
}

/// What answers an operation.
package typealias APIHandler = @Sendable (APICall) async throws -> APIReply
