import Foundation

/// Why a file cannot be read.
package enum FileError: Error, Equatable, CustomStringConvertible {
  case unreadable(String, reason: String)
  case tooLarge(String, limit: Int)
  case empty(String)

  /// The fault and the way out.
  package var description: String {
    switch self {
    case .unreadable(let path, let reason): "\(path): \(reason)"
    case .tooLarge(let path, let limit):
      "\(path): larger than \(limit >> 20) MiB; split it, or judge an inventory with plumb judge"
    case .empty(let path): "\(path): is empty"
    }
  }
}

/// Reads whole files of a limited size.
package enum BoundedFile {
  /// The bytes of a file, or of standard input for `-`.
  package static func read(_ path: String, limit: Int) throws(FileError) -> [UInt8] {
    let descriptor = path == "-" ? STDIN_FILENO : unsafe open(path, O_RDONLY)
    guard descriptor >= 0 else { throw .unreadable(path, reason: reason()) }
    defer { if path != "-" { close(descriptor) } }
    var facts = stat()
    if unsafe fstat(descriptor, &facts) == 0 {
      if facts.st_mode & S_IFMT == S_IFDIR {
        throw .unreadable(path, reason: "is a folder; expected a file")
      }
      if facts.st_size > limit { throw .tooLarge(path, limit: limit) }
    }
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let got = unsafe buffer.withUnsafeMutableBytes {
        unsafe Foundation.read(descriptor, $0.baseAddress, $0.count)
      }
      if got < 0 {
        if errno == EINTR { continue }
        throw .unreadable(path, reason: reason())
      }
      if got == 0 { break }
      bytes += buffer[..<got]
      if bytes.count > limit { throw .tooLarge(path, limit: limit) }
    }
    if bytes.isEmpty { throw .empty(path) }
    return bytes
  }

  private static func reason() -> String { unsafe String(cString: strerror(errno)) }
}
