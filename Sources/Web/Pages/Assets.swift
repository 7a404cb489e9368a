import Foundation
import HTTPTypes
import Hummingbird
import Model

/// The style and scripts of the dashboard: our own, which are part of the binary, and kept libraries
/// from a folder, without which the dashboard works too.
package struct Assets: Sendable {
  private struct Asset: Sendable {
    var type: String
    var bytes: [UInt8]
    var packed: [UInt8]?
  }

  private var files: [String: Asset] = [:]
  private var names: [String: String] = [:]

  /// The libraries that are looked for in the folder.
  package static let libraries = ["htmx.js"]

  /// Our own assets, and the libraries of a folder as far as they are there.
  package init(folder: String? = nil) {
    add("plumb.css", "text/css; charset=utf-8", PackageResources.plumb_css)
    add("plumb.js", "text/javascript; charset=utf-8", PackageResources.plumb_js)
    guard let folder else { return }
    for name in Self.libraries {
      guard let data = FileManager.default.contents(atPath: "\(folder)/\(name)") else { continue }
      add(name, "text/javascript; charset=utf-8", Array(data))
    }
  }

  /// The folder of libraries that belongs to the running binary: the one that `PLUMB_ASSETS` names,
  /// the installed one, or that of the build.
  package static func located(
    environment: [String: String] = ProcessInfo.processInfo.environment
  ) -> String? {
    if let named = environment["PLUMB_ASSETS"] { return named }
    let folders = Installation.folders(of: "Assets", share: "assets")
    let built = folders[0].deletingLastPathComponent().appendingPathComponent("../../assets")
    return (folders + [built]).map(\.path).first { FileManager.default.fileExists(atPath: $0) }
  }

  private mutating func add(_ name: String, _ type: String, _ bytes: [UInt8]) {
    let digest = Digest.sha256(bytes).prefix(12)
    let parts = name.split(separator: ".")
    let path = "/assets/\(parts[0])-\(digest).\(parts[1])"
    names[name] = path
    files[path] = Asset(type: type, bytes: bytes, packed: Gzip.compress(bytes))
  }

  /// The path of an asset, which changes with its content; nil where it is not there.
  func path(_ name: String) -> String? { names[name] }

  /// Adds the routes of every asset.
  func addRoutes(to router: Router<WebContext>) {
    for (path, asset) in files {
      router.get(RouterPath(path)) { request, _ -> Response in
        let tag = "\"\(path.split(separator: "/").last ?? "")\""
        var response = Response(status: .ok)
        response.headers[.cacheControl] = "public, max-age=31536000, immutable"
        response.headers[.eTag] = tag
        if request.headers[.ifNoneMatch] == tag {
          response.status = .notModified
          return response
        }
        response.headers[.contentType] = asset.type
        response.headers[.vary] = "Accept-Encoding"
        var bytes = asset.bytes
        if let packed = asset.packed,
          request.headers[.acceptEncoding]?.lowercased().contains("gzip") ?? false
        {
          response.headers[.contentEncoding] = "gzip"
          bytes = packed
        }
        response.body = ResponseBody(byteBuffer: ByteBuffer(bytes: bytes))
        return response
      }
    }
  }
}
