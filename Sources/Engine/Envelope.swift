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
    case notAnObjectAt(String)
    case unknownKey(String)

    var description: String {
      switch self {
      case .notAnObject: "expected a JSON object with service_name, resource_kind and id"
      case .duplicate(let key): "duplicate key \"\(key)\""
      case .missing(let key): "missing key \"\(key)\""
      case .notAText(let key): "\(key): expected a text"
      case .notAnObjectAt(let key): "\(key): expected an object"
      case .unknownKey(let key): "unknown key \"\(key)\""
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
    if configuration != 0 {
      switch unsafe tape.kind(configuration) {
      case .null: configuration = 0
      case .object: break
      default: throw .notAnObjectAt("configuration")
      }
    }
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
    if unsafe tape.textLength(place) == 0 { throw .missing("\(name)") }
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
    let words = unsafe KeyWords(key)
    switch words {
    case Self.idKey: try Self.set(&id, place, "id")
    case Self.nameKey: try Self.set(&name, place, "name")
    case Self.tagsKey: try Self.set(&tags, place, "tags")
    case Self.regionKey: try Self.set(&region, place, "region")
    case Self.unreadKey: try Self.set(&unread, place, "unread")
    case Self.sourceKey: try Self.set(&source, place, "source")
    case Self.accountKey: try Self.set(&account, place, "account")
    case Self.providerKey: try Self.set(&provider, place, "provider")
    case Self.coverageKey: try Self.set(&coverage, place, "coverage")
    case Self.attributesKey: try Self.set(&attributes, place, "attributes")
    case Self.serviceKey: try Self.set(&service, place, "service_name")
    case Self.kindKey: try Self.set(&kind, place, "resource_kind")
    case Self.configurationKey: try Self.set(&configuration, place, "configuration")
    default: break
    }
  }

  @inline(__always)
  private static func set(
    _ field: inout Int,
    _ place: Int,
    _ name: StaticString
  ) throws(Fault) {
    if field != 0 { throw .duplicate("\(name)") }
    field = place
  }

  private static let idKey = KeyWords("id")
  private static let nameKey = KeyWords("name")
  private static let tagsKey = KeyWords("tags")
  private static let regionKey = KeyWords("region")
  private static let unreadKey = KeyWords("unread")
  private static let sourceKey = KeyWords("source")
  private static let accountKey = KeyWords("account")
  private static let providerKey = KeyWords("provider")
  private static let coverageKey = KeyWords("coverage")
  private static let attributesKey = KeyWords("attributes")
  private static let serviceKey = KeyWords("service_name")
  private static let kindKey = KeyWords("resource_kind")
  private static let configurationKey = KeyWords("configuration")

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
    guard let members = statement.object?.members else { throw .notAnObjectAt("coverage") }
    let known: Set<String> = ["account", "service_name", "resource_kind", "complete", "reason"]
    for (key, _) in members where !known.contains(key) { throw .unknownKey("coverage.\(key)") }
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

/// A key of at most 16 bytes as two words and a length, compared in three steps.
struct KeyWords: Equatable {
  private var head: UInt64 = 0
  private var tail: UInt64 = 0
  private var length: Int

  init(_ text: StaticString) {
    self = unsafe KeyWords(
      UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount),
      isPadded: false
    )
  }

  /// Reads a key of a tape, behind which bytes can be loaded.
  @inline(__always)
  init(_ key: UnsafeBufferPointer<UInt8>) {
    unsafe self.init(key, isPadded: true)
  }

  @inline(__always)
  private init(_ key: UnsafeBufferPointer<UInt8>, isPadded: Bool) {
    length = key.count
    guard let start = key.baseAddress, length <= 16 else { return }
    guard isPadded else {
      for index in 0..<length {
        let byte = unsafe UInt64(start[index]) &<< UInt64(index % 8 * 8)
        if index < 8 { head |= byte } else { tail |= byte }
      }
      return
    }
    let raw = unsafe UnsafeRawPointer(start)
    head = unsafe raw.loadUnaligned(as: UInt64.self)
    if length < 8 {
      head &= (1 &<< UInt64(length * 8)) &- 1
    } else if length > 8 {
      tail = unsafe raw.loadUnaligned(fromByteOffset: 8, as: UInt64.self)
      if length < 16 { tail &= (1 &<< UInt64((length - 8) * 8)) &- 1 }
    }
  }

  @inline(__always)
  static func == (left: KeyWords, right: KeyWords) -> Bool {
    left.head == right.head && left.length == right.length && left.tail == right.tail
  }
}

/// Finds the program of a kind by the bytes of its two names.
@safe final class KindTable {
  private struct Entry {
    var service: Span32
    var kind: Span32
    /// Index into the programs, or -1.
    var program: Int32
  }

  private let programs: [KindProgram]
  private let entries: Table<Entry>
  private let bytes: Table<UInt8>
  private let mask: Int

  init(_ programs: [KindProgram]) {
    self.programs = programs
    var size = 16
    while size < programs.count * 4 { size *= 2 }
    let mask = size - 1
    var entries = Array(repeating: Entry(service: .empty, kind: .empty, program: -1), count: size)
    var bytes: [UInt8] = []
    for (index, program) in programs.enumerated() {
      func add(_ text: String) -> Span32 {
        defer { bytes += text.utf8 }
        return Span32(start: Int32(bytes.count), count: Int32(text.utf8.count))
      }
      let entry = Entry(
        service: add(program.kind.service),
        kind: add(program.kind.kind),
        program: Int32(index)
      )
      var service = program.kind.service
      var kind = program.kind.kind
      var place = service.withUTF8 { service in
        kind.withUTF8 { kind in unsafe Self.hash(service, kind) & mask }
      }
      while entries[place].program >= 0 { place = (place + 1) & mask }
      entries[place] = entry
    }
    self.mask = mask
    self.entries = Table(entries)
    self.bytes = Table(bytes)
  }

  deinit {
    entries.free()
    bytes.free()
  }

  func program(
    _ service: UnsafeBufferPointer<UInt8>,
    _ kind: UnsafeBufferPointer<UInt8>
  ) -> KindProgram? {
    var place = unsafe Self.hash(service, kind) & mask
    while true {
      let entry = entries[place]
      if entry.program < 0 { return nil }
      if unsafe Comparer.equal(text(entry.service), service),
        unsafe Comparer.equal(text(entry.kind), kind)
      {
        return programs[Int(entry.program)]
      }
      place = (place + 1) & mask
    }
  }

  private func text(_ span: Span32) -> UnsafeBufferPointer<UInt8> {
    unsafe UnsafeBufferPointer(
      start: bytes.base.map { unsafe $0 + Int(span.start) },
      count: Int(span.count)
    )
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
