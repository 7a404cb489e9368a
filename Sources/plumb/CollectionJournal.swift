import Foundation
import JSON
import Model
import Operations

/// What a collection has read so far, so that one that was cut off can go on.
///
/// Beside the inventory lies a file with a line for each list that was read in full. After a crash
/// lines of lists that were not are dropped; those lists are read again.
final class CollectionJournal {
  /// The inventory that grows.
  let inventory: String
  /// The lists that were read in full earlier.
  private(set) var done: Set<String> = []
  /// When the collection was begun.
  private(set) var begun: Instant
  private let units: String
  private let file: FileHandle

  /// How long what was read earlier may be used, in milliseconds: facts grow old.
  private static let age: Int64 = 3_600_000

  /// Opens the journal of a collection, and takes up what a former one left unless it is too old.
  ///
  /// - Parameters:
  ///   - folder: where journals lie.
  ///   - name: what the collection is, such as `aws-123456789012`.
  ///   - contents: everything that decides what is read: only the same is gone on with.
  ///   - isFresh: whether what a former one left is thrown away.
  ///   - now: the time of day.
  /// - Throws: ``InputError`` when another process collects the same, or the files cannot be used.
  init(folder: String, name: String, contents: [String], isFresh: Bool, now: Instant) throws {
    try makeFolder(folder)
    let digest = Digest.sha256(Array(contents.joined(separator: "\n").utf8)).prefix(16)
    let stem = "\(folder)/\(name.filter { $0.isLetter || $0.isNumber || $0 == "-" })-\(digest)"
    (inventory, units, begun) = (stem + ".collecting", stem + ".lists", now)
    let units = units
    file = try LockFile(units) {
      InputError.unreadable(units, reason: "another scan reads the same at this moment")
    }.file
    try takeUp(isFresh: isFresh, now: now)
  }

  private func takeUp(isFresh: Bool, now: Instant) throws {
    let former = String(decoding: try file.readToEnd() ?? Data(), as: UTF8.self)
    // What stands behind the last line end was cut off.
    var lines = former.split(separator: "\n", omittingEmptySubsequences: false).dropLast()
    let start = lines.popFirst().flatMap { Instant(String($0)) }
    let isThere = FileManager.default.fileExists(atPath: inventory)
    if let start, !isFresh, isThere, start <= now,
      now.milliseconds - start.milliseconds < Self.age
    {
      begun = start
      done = Set(lines.map(String.init))
    }
    try keepDone()
    try file.truncate(atOffset: 0)
    try file.seek(toOffset: 0)
    try file.write(
      contentsOf: Data(([begun.description] + done.sorted()).map { $0 + "\n" }.joined().utf8)
    )
  }

  /// Drops the lines of lists that were not read in full.
  private func keepDone() throws {
    let fresh = inventory + ".new"
    let output = try SpoolWriter(fresh)
    if !done.isEmpty {
      let input = try InputFile(inventory)
      var chunk = [UInt8](repeating: 0, count: 1 << 18)
      var rest: [UInt8] = []
      while true {
        let count = unsafe chunk.withUnsafeMutableBytes { bytes in
          unsafe read(input.descriptor, bytes.baseAddress, bytes.count)
        }
        guard count > 0 else { break }
        rest += chunk[..<count]
        guard let end = rest.lastIndex(of: 0x0A) else { continue }
        try output.append(kept(rest[...end]))
        rest.removeFirst(end + 1)
      }
    }
    try output.finish()
    guard unsafe rename(fresh, inventory) == 0 else {
      throw InputError.unreadable(inventory, reason: "cannot be written")
    }
  }

  private func kept(_ bytes: ArraySlice<UInt8>) throws -> [UInt8] {
    let parser = JSONParser()
    return try bytes.split(separator: 0x0A).reduce(into: []) { kept, line in
      guard let unit = Self.unit(of: try parser.parse(line)), done.contains(unit) else { return }
      kept += line
      kept.append(0x0A)
    }
  }

  /// The list that a line of an inventory was read by.
  private static func unit(of line: JSONValue) -> String? {
    guard let service = line["service_name"]?.string, let kind = line["resource_kind"]?.string,
      let region = line["source"]?["region"]?.string
    else { return nil }
    return "\(service)/\(kind) \(region)"
  }

  /// Notes a list whose lines are all in the inventory.
  func note(_ unit: String) throws { try file.write(contentsOf: Data((unit + "\n").utf8)) }

  /// Gives the inventory a second name, under which it stays when the journal ends.
  func share(as path: String) throws {
    guard unsafe link(inventory, path) == 0 else {
      throw InputError.unreadable(path, reason: "cannot be written")
    }
  }

  /// Ends the journal: what was read is kept elsewhere.
  func finish() {
    try? FileManager.default.removeItem(atPath: inventory)
    try? FileManager.default.removeItem(atPath: units)
  }
}
