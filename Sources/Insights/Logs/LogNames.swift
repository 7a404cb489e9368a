import Foundation

/// Which files of a folder, or objects of a bucket, are logs by their names.
package struct LogNames: Sendable {
  /// What names of logs end in, without the dot.
  package let endings: [String]

  /// Those of audit logs.
  package static let audit = LogNames(endings: ["json", "jsonl", "ndjson", "log", "gz"])
  /// Those of flow logs.
  package static let flows = LogNames(endings: audit.endings + ["csv", "tsv", "txt"])

  /// What was found somewhere.
  package struct Listing: Sendable {
    package var inputs: [LogInput] = []
    /// The names of what is no log by its name.
    package var passedOver: [String] = []

    package init() {}
  }

  /// The logs at a path: a file, whatever its name, the files of a folder and all below it, or
  /// standard input for `-`.
  ///
  /// - Throws: ``LogError`` where nothing is there.
  package func at(_ path: String) throws -> Listing {
    var listing = Listing()
    if path == "-" {
      listing.inputs = [.standardInput]
      return listing
    }
    let url = URL(fileURLWithPath: path).resolvingSymlinksInPath()
    guard let values = try? url.resourceValues(forKeys: [.isDirectoryKey]) else {
      throw LogError.unreadable(path, "No such file or directory")
    }
    guard values.isDirectory == true else {
      listing.inputs = [LogInput(name: path, path: path)]
      return listing
    }
    var names: [String] = []
    let found = FileManager.default.enumerator(atPath: url.path)
    while let name = found?.nextObject() as? String {
      if found?.fileAttributes?[.type] as? FileAttributeType != .typeDirectory {
        names.append(name)
      }
    }
    let folder = path.hasSuffix("/") ? path : path + "/"
    let (logs, others) = sorted(names) { $0 }
    if logs.isEmpty { throw none(in: path, others.map { folder + $0 }) }
    listing.inputs = logs.map { LogInput(name: folder + $0, path: folder + $0) }
    listing.passedOver = others.map { folder + $0 }
    return listing
  }

  /// Those that are logs by their names, in the order in which they were written as far as names tell,
  /// and the others; digests of CloudTrail, which stand in folders of their own, are neither.
  package func sorted<Element>(
    _ elements: [Element],
    _ name: (Element) -> String
  ) -> (logs: [Element], others: [Element]) {
    var logs: [(RotatedName, Element)] = []
    var others: [Element] = []
    for element in elements {
      let name = name(element)
      if name.contains("CloudTrail-Digest/") || name.hasSuffix("/") { continue }
      let rotated = RotatedName(name)
      let isLog = endings.contains { name.hasSuffix(".\($0)") || rotated.stem.hasSuffix(".\($0)") }
      if isLog || rotated.age.isDated {
        logs.append((rotated, element))
      } else {
        others.append(element)
      }
    }
    logs.sort { $0.0 < $1.0 }
    others.sort { name($0) < name($1) }
    return (logs.map(\.1), others)
  }

  /// The error for a place without a log.
  package func none(in place: String, _ others: [String]) -> LogError {
    let list = endings.map { ".\($0)" }.joined(separator: ", ")
    let passedOver = others.isEmpty ? "" : "; there are \(Self.text(others))"
    return .unreadable(place, "holds no logs (\(list))\(passedOver)")
  }

  /// Names in words: the first few, and how many more there are.
  package static func text(_ names: [String]) -> String {
    let first = names.prefix(3).joined(separator: ", ")
    return names.count > 3 ? "\(first) and \(names.count - 3) more" : first
  }
}

/// The name of a log, and how old it is among those that it was set aside for.
struct RotatedName: Comparable {
  /// When a log was set aside.
  enum Age: Comparable {
    /// On a date, that its name ends in.
    case dated(Substring)
    /// So many times ago.
    case numbered(before: Int)
    /// It is written to.
    case current

    var isDated: Bool { if case .dated = self { true } else { false } }
  }

  /// The name without what was added when it was set aside.
  let stem: Substring
  let age: Age
  private let name: String

  /// Knows what logrotate and its like add: `.1`, `-20261122`, each with `.gz` too.
  init(_ name: String) {
    self.name = name
    let whole = name.hasSuffix(".gz") ? name.dropLast(3) : name[...]
    let digits = whole.reversed().prefix { $0.isASCII && $0.isNumber }.count
    let stem = whole.dropLast(digits)
    let added = whole.suffix(digits)
    if digits > 0, digits <= 4, stem.hasSuffix("."), stem.count > 1, let number = Int(added) {
      (self.stem, age) = (stem.dropLast(), .numbered(before: -number))
    } else if digits == 8, stem.hasSuffix("-"), stem.count > 1, added.hasPrefix("20") {
      (self.stem, age) = (stem.dropLast(), .dated(added))
    } else {
      (self.stem, age) = (name[...], .current)
    }
  }

  static func < (one: RotatedName, other: RotatedName) -> Bool {
    if one.stem != other.stem { return one.stem < other.stem }
    if one.age != other.age { return one.age < other.age }
    return one.name < other.name
  }
}
