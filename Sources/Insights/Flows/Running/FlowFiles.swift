import Foundation

/// What is known of logs without reading them.
enum FlowFiles {
  /// How much a log holds.
  static func extent(_ input: LogInput) -> FlowExtent {
    switch input.place {
    case .standardInput: return FlowExtent()
    case .file(let path):
      var facts = stat()
      return FlowExtent(size: unsafe stat(path, &facts) == 0 ? Int64(facts.st_size) : 0)
    case .object(let object):
      return FlowExtent(size: object.size, version: hash(object.version.utf8))
    }
  }

  /// What tells a log from others that had its name; of a file's beginning at most so many bytes.
  static func identity(_ input: LogInput, head limit: Int = 1024) -> FlowFileIdentity {
    switch input.place {
    case .standardInput: return FlowFileIdentity()
    case .object(let object): return FlowFileIdentity(head: hash(object.version.utf8))
    case .file(let path):
      var facts = stat()
      let descriptor = unsafe open(path, O_RDONLY)
      guard descriptor >= 0, unsafe fstat(descriptor, &facts) == 0 else {
        return FlowFileIdentity()
      }
      defer { close(descriptor) }
      var bytes = [UInt8](repeating: 0, count: limit)
      let count = max(0, unsafe pread(descriptor, &bytes, limit, 0))
      return FlowFileIdentity(
        inode: UInt64(facts.st_ino),
        head: hash(bytes.prefix(count)),
        headCount: UInt32(count)
      )
    }
  }

  /// FNV-1a.
  private static func hash(_ bytes: some Sequence<UInt8>) -> UInt64 {
    bytes.reduce(14_695_981_039_346_656_037) { ($0 ^ UInt64($1)) &* 1_099_511_628_211 }
  }
}

/// How much a log holds, to see whether more has come.
struct FlowExtent: Equatable {
  var size: Int64 = 0
  /// Changes with the content of an object, whatever its size.
  var version: UInt64 = 0
}
