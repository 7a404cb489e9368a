import Foundation
import Model

/// A temporary file that is gone when it is closed, whatever happens to the process.
package final class SpoolFile: ResultFile {
  package let descriptor: Int32

  /// An empty spool in the folder for temporary files.
  package init() throws {
    var template = Array(
      FileManager.default.temporaryDirectory.appendingPathComponent("plumb-XXXXXX").path.utf8CString
    )
    let descriptor = unsafe template.withUnsafeMutableBufferPointer {
      unsafe $0.baseAddress.map { unsafe mkstemp($0) } ?? -1
    }
    guard descriptor >= 0 else {
      throw InputError.unreadable(
        NSTemporaryDirectory(),
        reason: "no temporary file can be made: \(unsafe String(cString: strerror(errno)))"
      )
    }
    unsafe template.withUnsafeBufferPointer { _ = unsafe $0.baseAddress.map { unsafe unlink($0) } }
    self.descriptor = descriptor
  }

  deinit { close(descriptor) }

  /// How many bytes were written.
  package var count: Int { Int(lseek(descriptor, 0, SEEK_CUR)) }

  /// Appends bytes.
  package func append(_ bytes: [UInt8]) throws {
    var written = 0
    while written < bytes.count {
      let more = unsafe bytes[written...].withUnsafeBytes { buffer in
        unsafe write(descriptor, buffer.baseAddress, buffer.count)
      }
      if more < 0 {
        if errno == EINTR { continue }
        throw InputError.unreadable(
          "temporary file",
          reason: unsafe String(cString: strerror(errno))
        )
      }
      written += more
    }
  }

  /// Appends the lines of a file and returns how many there are.
  package func append(linesOf path: String) throws -> Int {
    guard let file = FileHandle(forReadingAtPath: path) else {
      throw InputError.unreadable(path, reason: "cannot be read")
    }
    var lines = 0
    while let piece = try file.read(upToCount: 1 << 18), !piece.isEmpty {
      let bytes = Array(piece)
      lines += bytes.count { $0 == 0x0A }
      try append(bytes)
    }
    return lines
  }

  /// Goes back to the start, to read what was written.
  package func rewind() throws {
    guard lseek(descriptor, 0, SEEK_SET) == 0 else {
      throw InputError.unreadable(
        "temporary file",
        reason: unsafe String(cString: strerror(errno))
      )
    }
  }

  /// Up to `count` bytes from an offset; none at the end.
  package func bytes(at offset: Int, count: Int) -> [UInt8] {
    unsafe [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
      filled = 0
      while filled < count {
        let more = unsafe pread(
          descriptor,
          buffer.baseAddress?.advanced(by: filled),
          count - filled,
          offset + filled
        )
        if more < 0, errno == EINTR { continue }
        // A file of our own, without a name, can only fail to be read when the disk does.
        precondition(more >= 0, "a temporary file cannot be read")
        if more == 0 { break }
        filled += more
      }
    }
  }
}
