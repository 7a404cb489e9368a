import Glibc

/// A small file that only its owner may read or change.
enum PrivateFile {
  /// Why the file is not used, to go on after its name.
  struct Fault: Error {
    let reason: String

    init(_ reason: String) { self.reason = reason }
  }

  /// Reads a file; nil where there is none.
  ///
  /// - Returns: its first bytes, and how many it has.
  static func read(
    _ path: String,
    limit: Int
  ) throws(Fault) -> (bytes: [UInt8], size: Int)? {
    let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else {
      if errno == ENOENT { return nil }
      throw Fault("cannot be read: \(unsafe String(cString: strerror(errno)))")
    }
    defer { close(descriptor) }
    var facts = stat()
    guard unsafe fstat(descriptor, &facts) == 0, facts.st_mode & S_IFMT == S_IFREG else {
      throw Fault("is no file")
    }
    guard facts.st_mode & 0o077 == 0 else {
      let mode = String(facts.st_mode & 0o777, radix: 8)
      throw Fault("can be read or changed by others (mode \(mode)); chmod 600 it")
    }
    guard facts.st_uid == geteuid() || facts.st_uid == 0 else {
      throw Fault("belongs to another user")
    }
    var bytes = [UInt8](repeating: 0, count: limit)
    defer { AESGCM.wipe(&bytes) }
    let count = unsafe bytes.withUnsafeMutableBytes { buffer in
      unsafe Glibc.read(descriptor, buffer.baseAddress, buffer.count)
    }
    guard count >= 0 else {
      throw Fault("cannot be read: \(unsafe String(cString: strerror(errno)))")
    }
    return (Array(bytes.prefix(count)), Int(facts.st_size))
  }
}
