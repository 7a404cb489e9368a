import Foundation
import JSON
import Model

/// What a run knows and how far it has read, as it is kept in a file.
///
/// The file belongs to one version of plumb on one kind of machine.
struct FlowState {
  /// How far each file is read, by its path.
  var positions: [String: FlowPosition] = [:]
  var files: [String] = []
  var accounts: [String] = []
  /// Order and detectors.
  var body: [UInt8] = []

  private static let magic = "plumb flows 3\n"

  /// Reads a state; nil where there is no such file.
  init?(_ path: String) throws {
    guard FileManager.default.fileExists(atPath: path) else { return nil }
    do {
      let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
      let head = Self.magic.utf8.count
      guard bytes.count >= head + 65, bytes.starts(with: Self.magic.utf8) else {
        throw StateReader.Fault(description: "is no state of plumb flows")
      }
      let content = Array(bytes[(head + 65)...])
      guard Digest.sha256(content) == String(decoding: bytes[head..<(head + 64)], as: UTF8.self)
      else { throw StateReader.Fault(description: "is damaged") }
      var reader = StateReader(content)
      let count = try reader.get(UInt64.self)
      for _ in 0..<count {
        let path = try reader.getText()
        var position = FlowPosition()
        position.offset = try reader.get(Int64.self)
        position.line = Int(try reader.get(Int64.self))
        position.identity = try reader.get(FlowFileIdentity.self)
        position.isWhole = try reader.get(UInt8.self) == 1
        let header = try reader.getText()
        position.header = header.isEmpty ? nil : header
        positions[path] = position
      }
      for _ in 0..<(try reader.get(UInt64.self)) { files.append(try reader.getText()) }
      for _ in 0..<(try reader.get(UInt64.self)) { accounts.append(try reader.getText()) }
      body = try reader.getList(UInt8.self)
    } catch {
      throw LogError.unreadable(path, "\(error)")
    }
  }

  init() {}

  /// Writes the state, all of it or nothing.
  func write(to path: String) throws {
    var writer = StateWriter()
    writer.put(UInt64(positions.count))
    for (path, position) in positions.sorted(by: { $0.key < $1.key }) {
      writer.put(text: path)
      writer.put(position.offset)
      writer.put(Int64(position.line))
      writer.put(position.identity)
      writer.put(UInt8(position.isWhole ? 1 : 0))
      writer.put(text: position.header ?? "")
    }
    for list in [files, accounts] {
      writer.put(UInt64(list.count))
      for text in list { writer.put(text: text) }
    }
    writer.put(list: body)
    let head = Self.magic + Digest.sha256(writer.bytes) + "\n"
    do {
      try (Data(head.utf8) + Data(writer.bytes))
        .write(to: URL(fileURLWithPath: path), options: .atomic)
    } catch {
      throw LogError.unreadable(path, "cannot be written")
    }
  }
}
