import JSON
import Model
import Store

/// What collectors ask themselves; each request is signed.
enum CollectorWorkRoutes {
  static let handlers: [String: APIHandler] = [
    "registerCollector": register, "pollCollector": poll, "failCollectorJob": fail,
    "showUpload": showUpload, "continueUpload": continueUpload, "completeUpload": completeUpload,
  ]

  /// How long a job stays with a collector that is silent, in milliseconds: three polls.
  private static let lease: Int64 = 180_000
  /// How long the second try of a job waits, in milliseconds; each further one four times as long.
  private static let backOff: Int64 = 60_000
  /// Seconds between polls.
  private static let interval: Int64 = 60

  private static func register(_ call: APICall) async throws -> APIReply {
    let body = call.body
    let text = body["public_key"]?.string ?? ""
    guard let key = VerifyingKey(text: text) else {
      throw Problem.invalid("/public_key", "is no Ed25519 key")
    }
    guard let proof = call.proof, proof.request.collector.isEmpty else {
      throw Problem.invalid(SignedRequest.collectorHeader, "is not expected of one that registers")
    }
    try call.check(proof, key)
    let found = try await call.services.store.write(as: "collector", at: call.now) { transaction in
      try transaction.registerCollector(
        codeDigest: Session.digest(body["code"]?.string ?? ""),
        publicKey: text,
        host: body["host"]?.string ?? "",
        version: body["version"]?.string ?? "",
        address: call.address
      )
    }
    guard let found else {
      throw Problem(
        401,
        "code",
        "The code is of no use",
        "it is not known, has ended or was used by another collector; plumb collectors code makes one"
      )
    }
    return .json(
      [
        "id": .integer(found.id), "name": .string(found.name),
        "state": .string(found.state.rawValue),
      ]
    )
  }

  private static func poll(_ call: APICall) async throws -> APIReply {
    let collector = try await call.signedCollector()
    let ticket = try Session.token(call.services.random)
    let poll = told(call)
    let room = call.body["room"]?.whole ?? 1
    let until = call.now.advanced(milliseconds: lease)
    let answer = try await call.services.store.write(as: collector.owner, at: call.now) {
      transaction in
      try transaction.answer(poll, of: collector.id, ticket: ticket) { current in
        try transaction.work(of: current, running: poll.running, room: room, until: until)
      }
    }
    guard case .reply(let reply) = answer, var object = reply.object else {
      throw Problem(
        409,
        "stale-poll",
        "The poll is an old one",
        "it was answered before others; send a new one"
      )
    }
    object["interval"] = .integer(interval)
    return .json(.object(object))
  }

  /// What a collector tells of itself.
  private static func told(_ call: APICall) -> CollectorPoll {
    let body = call.body
    let running = (body["running"]?.array ?? []).compactMap { entry -> (Int64, JSONValue)? in
      guard case .integer(let job)? = entry["job"] else { return nil }
      return (job, entry["progress"] ?? [:])
    }
    return CollectorPoll(
      id: body["poll"]?.string ?? "",
      ticket: body["ticket"]?.string ?? "",
      version: body["version"]?.string ?? "",
      address: call.address,
      backlog: Int64(body["backlog"]?.whole ?? 0),
      health: body["health"] ?? [:],
      credentials: (body["credentials"]?.array ?? []).map {
        CollectorRecord.Credential(
          name: $0["name"]?.string ?? "",
          provider: $0["provider"]?.string ?? "",
          account: $0["account"]?.string ?? ""
        )
      },
      running: Dictionary(running) { first, _ in first }
    )
  }

  private static func fail(_ call: APICall) async throws -> APIReply {
    let collector = try await call.workingCollector()
    let (number, now) = (call.number("job"), call.now)
    let reason = call.body["reason"]?.string ?? ""
    let isFinal = call.body["is_final"]?.bool ?? false
    try await call.services.store.write(as: collector.owner, at: now) { transaction in
      let job = try transaction.leasedJob(number, of: collector)
      let pause = backOff * (1 << (2 * Int64(max(0, job.attempts - 1))))
      _ = try transaction.fail(
        job,
        reason: reason,
        isFinal: isFinal,
        retryAt: now.advanced(milliseconds: pause)
      )
    }
    return .done
  }

  private static func showUpload(_ call: APICall) async throws -> APIReply {
    let collector = try await call.workingCollector()
    let upload = try await CollectorUpload(call, of: collector)
    return .json(["offset": .integer(try upload.file.length)])
  }

  private static func continueUpload(_ call: APICall) async throws -> APIReply {
    // Nothing is written before the signature of the whole piece was checked.
    let piece = try await bytes(call)
    let collector = try await call.workingCollector(body: piece)
    let upload = try await CollectorUpload(call, of: collector)
    let next = try upload.file.write(piece, at: call.number("offset"))
    let job = call.number("job")
    try await call.services.store.write(as: collector.owner, at: call.now) { transaction in
      try transaction.noteUpload(of: job, received: next)
    }
    return .json(["offset": .integer(next)])
  }

  private static func bytes(_ call: APICall) async throws -> [UInt8] {
    var piece: [UInt8] = []
    try await call.upload?.forEach { bytes in
      guard piece.count + bytes.count <= UploadFile.pieceLimit else {
        throw Problem(
          413,
          "too-large",
          "The piece is too large",
          "\(UploadFile.pieceLimit) bytes are taken at most"
        )
      }
      piece += bytes
    }
    return piece
  }

  private static func completeUpload(_ call: APICall) async throws -> APIReply {
    let collector = try await call.workingCollector()
    return try await CollectorUpload.completed(call, by: collector)
  }
}
