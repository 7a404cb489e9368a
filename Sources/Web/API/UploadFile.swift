import Foundation
import Glibc

/// The file of an inventory that comes in pieces: as long as what has come.
struct UploadFile: Sendable {
  let path: String

  /// The most bytes of a piece.
  static let pieceLimit = 8 << 20
  /// The most bytes of an inventory.
  static let limit = Int64(RequestReader.uploadLimit)

  /// How much has come.
  var length: Int64 {
    get throws {
      do {
        let facts = try FileManager.default.attributesOfItem(atPath: path)
        return (facts[.size] as? NSNumber)?.int64Value ?? 0
      } catch CocoaError.fileReadNoSuchFile {
        return 0
      }
    }
  }

  /// Writes a piece where the last one ended; one at the beginning begins anew.
  ///
  /// - Returns: where the next piece begins.
  func write(_ piece: [UInt8], at offset: Int64) throws -> Int64 {
    try FileManager.default.createDirectory(
      at: URL(fileURLWithPath: path).deletingLastPathComponent(),
      withIntermediateDirectories: true,
      attributes: [.posixPermissions: 0o700]
    )
    let expected = try length
    guard offset == expected || offset == 0 else {
      throw Problem(
        409,
        "offset",
        "The piece does not follow what has come",
        "offset \(expected) comes next"
      )
    }
    guard offset + Int64(piece.count) <= Self.limit else {
      throw Problem(413, "too-large", "The inventory is too large", "\(Self.limit) bytes at most")
    }
    let descriptor = unsafe open(path, O_WRONLY | O_CREAT | O_CLOEXEC, mode_t(0o600))
    guard descriptor >= 0 else { throw fault("cannot be made") }
    defer { close(descriptor) }
    guard ftruncate(descriptor, off_t(offset)) == 0 else { throw fault("cannot be written") }
    var written = 0
    while written < piece.count {
      let count = unsafe piece[written...].withUnsafeBytes { buffer in
        unsafe pwrite(descriptor, buffer.baseAddress, buffer.count, off_t(offset) + off_t(written))
      }
      guard count >= 0 || errno == EINTR else {
        let problem = fault("cannot be written")
        // Half a piece would be sent again.
        _ = ftruncate(descriptor, off_t(offset))
        throw problem
      }
      written += max(0, count)
    }
    guard fsync(descriptor) == 0 else { throw fault("cannot be kept") }
    return offset + Int64(piece.count)
  }

  /// Removes it.
  func remove() { unsafe _ = unlink(path) }

  private func fault(_ what: String) -> Problem {
    let code = errno
    guard code == ENOSPC || code == EDQUOT else {
      return Problem(
        500,
        "fault",
        "The inventory cannot be kept",
        "its file on the server \(what): \(unsafe String(cString: strerror(code)))"
      )
    }
    var problem = Problem(
      507,
      "no-room",
      "The server has no room for the inventory",
      "the disk of its data folder is full; what has come is kept"
    )
    problem.retryAfter = 60
    return problem
  }
}
