import Foundation
import JSON
import Model

extension APISketch {
  /// The call as lines for a shell, to be copied.
  ///
  /// - Parameters:
  ///   - server: the server's address, or a variable that holds it.
  ///   - authorities: the file of the authorities to trust, where it was named.
  /// - Returns: the lines, of which the last makes the call and those before find what it needs.
  func curl(server: String, authorities: String?) -> [String] {
    let curl =
      "curl -sS" + (authorities.map { " --cacert \($0.shellQuoted)" } ?? "")
      + " -H \"Authorization: Bearer $PLUMB_TOKEN\""
    func url(_ target: String) -> String { "\"\(server)\(target)\"" }
    var lines = note.map { ["# \($0)"] } ?? []
    for fillIn in fillIns {
      guard case .lookup(let path, let member, let value, let take, _) = fillIn.source else {
        continue
      }
      let filter = ".items[] | select(.\(member) == $v) | .\(take)"
      lines.append(
        "\(fillIn.name)=$(\(curl) \(url(path)) | "
          + "jq -r --arg v \(value.shellQuoted) '\(filter)')"
      )
    }
    var words = [curl]
    if case .events = answer { words.append("-N") }
    if method != "GET" { words.append("-X \(method)") }
    switch match {
    case .none: break
    case .any: words.append("-H 'If-Match: *'")
    case .current(let path):
      lines.append(
        "ETAG=$(\(curl) -o /dev/null -D - \(url(path)) | tr -d '\\r' | "
          + "sed -n 's/^[Ee][Tt]ag: //p')"
      )
      words.append("-H \"If-Match: $ETAG\"")
    }
    var before = ""
    if let upload {
      words.append("-H 'Content-Type: application/x-ndjson' -T \(upload.shellQuoted)")
    } else if let body {
      words.append("-H 'Content-Type: application/json'")
      let text = shellText(body)
      // What a shell puts in may be long or secret, and arguments are short and seen by others.
      if text.isPlain {
        words.append("--data \(text.quoted)")
      } else {
        before = "printf %s \(text.quoted) | "
        words.append("--data-binary @-")
      }
    }
    lines.append(before + (words + [url(shownTarget)]).joined(separator: " "))
    return lines
  }

  /// The path with its query, and of a list how long a page shall be.
  private var shownTarget: String {
    guard case .page(let list) = answer else { return target }
    return asking("limit", "\(min(list.limit ?? 500, 500))").target
  }

  /// A body in quotes of a shell, with what is filled in.
  private func shellText(_ body: JSONValue) -> (quoted: String, isPlain: Bool) {
    var quoted = body.text.shellQuoted
    var isPlain = true
    for fillIn in fillIns {
      let mark = fillIn.mark.string ?? ""
      guard quoted.contains(mark) else { continue }
      quoted = quoted.replacing(mark, with: "'\"\(fillIn.shell)\"'")
      if case .local = fillIn.source { isPlain = false }
    }
    return (quoted, isPlain)
  }
}

extension String {
  /// The text as one word of a shell, all of it meant as it stands.
  var shellQuoted: String { "'" + replacing("'", with: "'\\''") + "'" }
}
