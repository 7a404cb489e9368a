import Foundation
import TestSupport
import Testing

// The commands that pages give to be copied.
extension PageKit {
  /// Has `plumb` say which call each command of some pages would make, so that one it would refuse is found.
  static func checkCommands(_ pages: [(path: String, text: String)]) throws {
    var lines: [String: String] = [:]
    for page in pages {
      for match in page.text.matches(of: /<pre id="as-command"[^>]*><code>([^<]*)<\/code>/) {
        for line in match.1.split(separator: "\n") {
          let text = line.replacing("&quot;", with: "\"").replacing("&#39;", with: "'")
            .replacing("&lt;", with: "<").replacing("&gt;", with: ">").replacing("&amp;", with: "&")
          lines[String(text)] = page.path
        }
      }
    }
    #expect(lines.count > 15)
    // A few of each command, with all that its pages may ask of it.
    var perCommand: [String: Int] = [:]
    for (line, path) in lines.sorted(by: { $0.key.count > $1.key.count }) {
      let name = line.split(separator: " ").prefix(3).joined(separator: " ")
      guard perCommand[name, default: 0] < 2 else { continue }
      perCommand[name, default: 0] += 1
      let words = try CommandRun(
        URL(fileURLWithPath: "/bin/bash"),
        ["-c", "printf '%s\\0' \(line)"],
        environment: ["PLUMB_SERVER": "http://127.0.0.1:9"]
      ).output.split(separator: "\0", omittingEmptySubsequences: false).dropLast().map(String.init)
      #expect(words.first == "plumb", "\(path): \(line)")
      let run = try CommandRun(Array(words.dropFirst()) + ["--show-api"])
      #expect(run.exitCode == 0, "\(path): \(line): \(run.errors)")
    }
  }
}
