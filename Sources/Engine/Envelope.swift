import CSimdjson
import JSON
import Model

/// Where the parts of one line of an inventory stand on the tape; 0 for those left out.
struct Envelope {
  var provider = 0
  var account = 0
  var region = 0
  var service = 0
  var kind = 0
  var id = 0
  var name = 0
  var tags = 0
  var attributes = 0
  var configuration = 0
  var unread = 0
  var coverage = 0
  var source = 0

  /// What is wrong with a line that is valid JSON.
  enum Fault: Error, CustomStringConvertible {
    case notAnObject
    case duplicate(String)
    case missing(String)
    case notAText(String)

    var description: String {
      switch self {
      case .notAnObject: "expected a JSON object with service_name, resource_kind and id"
      case .duplicate(let key): "duplicate key \"\(key)\""
      case .missing(let key): "missing key \"\(key)\""
      case .notAText(let key): "\(key): expected a text"
      }
    }
  }

  init(_ tape: Tape) throws(Fault) {
    guard unsafe tape.kind(tape.root) == .object else { throw .notAnObject }
    var index = unsafe tape.root + 1
    let end = unsafe tape.end(tape.root)
    while index < end {
      let key = unsafe tape.bytes(index)
      try unsafe note(key, index + 1)
      index = unsafe tape.next(index + 1)
    }
    guard coverage == 0 else { return }
    try unsafe Self.require(service, "service_name", tape)
    try unsafe Self.require(kind, "resource_kind", tape)
    try unsafe Self.require(id, "id", tape)
    try unsafe Self.allow(provider, "provider", tape)
    try unsafe Self.allow(account, "account", tape)
    try unsafe Self.allow(region, "region", tape)
    try unsafe Self.allow(name, "name", tape)
  }

  @inline(__always)
  private static func require(
    _ place: Int,
    _ name: StaticString,
    _ tape: Tape
  ) throws(Fault) {
    if place == 0 { throw .missing("\(name)") }
    if unsafe tape.kind(place) != .string { throw .notAText("\(name)") }
  }

  @inline(__always)
  private static func allow(_ place: Int, _ name: StaticString, _ tape: Tape) throws(Fault) {
    guard place != 0, unsafe tape.kind(place) != .string, unsafe tape.kind(place) != .null else {
      return
    }
    throw .notAText("\(name)")
  }

  /// Remembers a value under its key; other keys are left alone.
  @inline(__always)
  private mutating func note(_ key: UnsafeBufferPointer<UInt8>, _ place: Int) throws(Fault) {
    // The lengths tell all names apart but four pairs, so one comparison settles most keys.
    switch key.count {
    case 2: try unsafe Self.set(&id, "id", key, place)
    case 4:
      if unsafe key[0] == 0x6E { return try unsafe Self.set(&name, "name", key, place) }
      try unsafe Self.set(&tags, "tags", key, place)
    case 6:
      if unsafe key[0] == 0x72 { return try unsafe Self.set(&region, "region", key, place) }
      if unsafe key[0] == 0x75 { return try unsafe Self.set(&unread, "unread", key, place) }
      try unsafe Self.set(&source, "source", key, place)
    case 7: try unsafe Self.set(&account, "account", key, place)
    case 8:
      if unsafe key[0] == 0x70 { return try unsafe Self.set(&provider, "provider", key, place) }
      try unsafe Self.set(&coverage, "coverage", key, place)
    case 10: try unsafe Self.set(&attributes, "attributes", key, place)
    case 12: try unsafe Self.set(&service, "service_name", key, place)
    case 13:
      if unsafe key[0] == 0x72 { return try unsafe Self.set(&kind, "resource_kind", key, place) }
      try unsafe Self.set(&configuration, "configuration", key, place)
    default: break
    }
  }

  @inline(__always)
  private static func set(
    _ field: inout Int,
    _ name: StaticString,
    _ key: UnsafeBufferPointer<UInt8>,
    _ place: Int
  ) throws(Fault) {
    for index in 0..<key.count where unsafe key[index] != name.utf8Start[index] { return }
    if field != 0 { throw .duplicate("\(name)") }
    field = place
  }

  /// The text at a place; empty where there is none.
  func text(_ place: Int, _ tape: Tape) -> String {
    unsafe place == 0 || tape.kind(place) != .string ? "" : tape.string(place)
  }
}

extension Coverage {
  /// Reads a coverage statement.
  init(_ tape: Tape, _ place: Int) throws(Envelope.Fault) {
    let statement: JSONValue
    do {
      statement = try unsafe tape.value(place)
    } catch {
      throw .duplicate("coverage")
    }
    guard statement.object != nil else { throw .notAText("coverage") }
    guard let service = statement["service_name"]?.string else {
      throw .missing("coverage.service_name")
    }
    guard let kind = statement["resource_kind"]?.string else {
      throw .missing("coverage.resource_kind")
    }
    guard let isComplete = statement["complete"]?.bool else { throw .missing("coverage.complete") }
    self.init(
      account: statement["account"]?.string ?? "",
      kind: ResourceKind(service: service, kind: kind),
      gap: isComplete ? nil : statement["reason"]?.string ?? "not fully read"
    )
  }
}

/// Finds the program of a kind by the bytes of its two names.
@safe final class KindTable {
  private var buckets: [[(service: [UInt8], kind: [UInt8], program: KindProgram)]]

  init(_ programs: [KindProgram]) {
    var size = 16
    while size < programs.count * 4 { size *= 2 }
    buckets = Array(repeating: [], count: size)
    for program in programs {
      var service = program.kind.service
      var kind = program.kind.kind
      let bucket = service.withUTF8 { service in
        kind.withUTF8 { kind in unsafe Self.hash(service, kind) & (size - 1) }
      }
      buckets[bucket].append((Array(service.utf8), Array(kind.utf8), program))
    }
  }

  func program(
    _ service: UnsafeBufferPointer<UInt8>,
    _ kind: UnsafeBufferPointer<UInt8>
  ) -> KindProgram? {
    for entry in buckets[unsafe Self.hash(service, kind) & (buckets.count - 1)]
    where unsafe Self.equal(entry.service, service) && Self.equal(entry.kind, kind) {
      return entry.program
    }
    return nil
  }

  private static func equal(_ name: [UInt8], _ text: UnsafeBufferPointer<UInt8>) -> Bool {
    unsafe name.withUnsafeBufferPointer { unsafe Comparer.equal($0, text) }
  }

  /// FNV-1a over both names: <http://www.isthe.com/chongo/tech/comp/fnv/>.
  private static func hash(
    _ service: UnsafeBufferPointer<UInt8>,
    _ kind: UnsafeBufferPointer<UInt8>
  ) -> Int {
    var hash: UInt32 = 2_166_136_261
    for index in 0..<service.count { hash = unsafe (hash ^ UInt32(service[index])) &* 16_777_619 }
    for index in 0..<kind.count { hash = unsafe (hash ^ UInt32(kind[index])) &* 16_777_619 }
    return Int(hash)
  }
}
