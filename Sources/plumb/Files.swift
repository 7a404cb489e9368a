import Foundation
import Operations

/// An input that was opened: a file or standard input.
final class InputFile {
  let descriptor: Int32
  let name: String

  /// Opens a file, or standard input for `-`.
  init(_ path: String) throws {
    guard path != "-" else {
      descriptor = STDIN_FILENO
      name = "standard input"
      return
    }
    name = path
    let opened = unsafe open(path, O_RDONLY)
    guard opened >= 0 else {
      throw InputError.unreadable(path, reason: unsafe String(cString: strerror(errno)))
    }
    var facts = stat()
    if unsafe fstat(opened, &facts) == 0, facts.st_mode & S_IFMT == S_IFDIR {
      close(opened)
      throw InputError.unreadable(path, reason: "is a folder; expected a file")
    }
    descriptor = opened
  }

  deinit { if descriptor != STDIN_FILENO { close(descriptor) } }
}

/// A file that at most one process holds; the hold ends with the process.
final class LockFile: Sendable {
  let file: FileHandle

  /// - Throws: what `taken` makes where another process holds it, and ``InputError``.
  init(_ path: String, taken: () -> any Error) throws {
    let descriptor = unsafe open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else {
      throw InputError.unreadable(path, reason: unsafe String(cString: strerror(errno)))
    }
    file = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
    guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else { throw taken() }
  }

  /// Lets go of it.
  func release() { try? file.close() }
}

/// Standard output, written without a buffer in between.
struct OutputFile: Sendable {
  static let standardOutput = OutputFile()

  /// Writes all bytes.
  ///
  /// - Throws: when the reader of the output is gone or the disk is full.
  func write(_ bytes: [UInt8]) throws {
    var written = 0
    while written < bytes.count {
      let more = unsafe bytes[written...].withUnsafeBytes { buffer in
        unsafe Foundation.write(STDOUT_FILENO, buffer.baseAddress, buffer.count)
      }
      if more < 0 {
        if errno == EINTR { continue }
        throw InputError.unreadable(
          "standard output",
          reason: unsafe String(cString: strerror(errno))
        )
      }
      written += more
    }
  }
}

/// The text of a file that an option names.
///
/// - Throws: ``InputError`` that names the file.
func textFile(_ path: String) throws -> String {
  do {
    return try String(contentsOfFile: path, encoding: .utf8)
  } catch {
    let isThere = FileManager.default.fileExists(atPath: path)
    throw InputError.unreadable(
      path,
      reason: isThere ? "cannot be read as UTF-8 text" : "No such file or directory"
    )
  }
}

/// The bytes of a file that an option names, or of standard input for `-`.
///
/// - Throws: ``InputError`` that names the file.
func fileBytes(_ path: String) throws -> [UInt8] {
  if path == "-" { return Array(try FileHandle.standardInput.readToEnd() ?? Data()) }
  guard let data = FileManager.default.contents(atPath: path) else {
    let isThere = FileManager.default.fileExists(atPath: path)
    throw InputError.unreadable(
      path,
      reason: isThere ? "cannot be read" : "No such file or directory"
    )
  }
  return Array(data)
}
