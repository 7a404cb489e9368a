import Foundation
import Insights
import JSON
import Model
import TestSupport
import Testing

/// Certificates as openssl makes them.
private struct Made {
  let folder: URL

  static func with(_ days: Int, _ body: (Made) throws -> Void) throws {
    let folder = try Fixtures.temporaryFolder()
    defer { Fixtures.remove(folder) }
    let made = Made(folder: folder)
    try made.openssl(
      "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout k.pem -out c.pem "
        + "-days \(days) -subj /O=House/CN=shop.example.org"
    )
    try body(made)
  }

  func openssl(_ arguments: String) throws {
    let words = arguments.split(separator: " ").map(String.init).map { word in
      ["k.pem", "c.pem", "c.der", "c.p7b", "c.p7c"].contains(word)
        ? folder.appendingPathComponent(word).path : word
    }
    let run = try CommandRun(URL(fileURLWithPath: "/usr/bin/env"), ["openssl"] + words)
    #expect(run.exitCode == 0, "\(run.errors)")
  }

  func bytes(_ name: String) throws -> [UInt8] {
    Array(try Data(contentsOf: folder.appendingPathComponent(name)))
  }
}

struct CertificateTests {
  @Test func `PEM, DER and bundles hold the same certificate, and a key is passed over`() throws {
    try Made.with(25) { made in
      try made.openssl("x509 -in c.pem -outform der -out c.der")
      try made.openssl("crl2pkcs7 -nocrl -certfile c.pem -out c.p7b")
      try made.openssl("crl2pkcs7 -nocrl -certfile c.pem -outform der -out c.p7c")
      let pem = try made.bytes("c.pem")
      let inputs = [
        pem, try made.bytes("c.der"), try made.bytes("c.p7b"), try made.bytes("c.p7c"),
        try made.bytes("k.pem") + pem,
      ]
      for bytes in inputs {
        let found = try Certificate.read(bytes, file: "f")
        #expect(found.map(\.subject) == ["CN=shop.example.org,O=House"])
        #expect(found.map(\.name) == ["CN=shop.example.org,O=House in f"])
        let left = found[0].ends.milliseconds - Int64(Date.now.timeIntervalSince1970 * 1000)
        #expect(abs(left - 25 * 86_400_000) < 3_600_000)
        #expect(found[0].digest == (try Certificate.read(pem, file: "f")[0].digest))
      }
      #expect(try Certificate.read(pem + pem, file: "f").count == 2)
      for broken in [Array("nothing".utf8), [], try made.bytes("k.pem"), Array(pem.dropLast(80))] {
        #expect(throws: CertificateError.self) { try Certificate.read(broken, file: "f") }
      }
    }
  }

  @Test func `a part that is broken is not passed over for the good ones around it`() throws {
    try Made.with(25) { made in
      let pem = String(decoding: try made.bytes("c.pem"), as: UTF8.self)
      var lines = pem.split(separator: "\n")
      lines[2] = lines[2].dropLast(9) + "!!!!!!!!!"
      let broken = lines.joined(separator: "\n") + "\n"
      #expect(broken != pem)
      for text in [pem + broken + pem, broken + pem, pem + broken] {
        #expect(throws: CertificateError.self) {
          try Certificate.read(Array(text.utf8), file: "f")
        }
      }
    }
  }

  @Test func `each threshold is one finding, severer than the one before`() throws {
    try Made.with(100) { made in
      let one = try Certificate.read(made.bytes("c.pem"), file: "f")[0]
      func found(_ days: Double) -> Finding? {
        one.finding(at: one.ends.advanced(milliseconds: Int64(-days * 86_400_000)))
      }
      #expect(found(90.5) == nil)
      let stages = [90, 61, 60, 30, 10, 1, 0.5].compactMap(found)
      #expect(
        stages.map(\.note.severity)
          == [.informational, .informational, .low, .medium, .high, .critical, .critical]
      )
      #expect(Set(stages.map(\.id)).count == 5)
      #expect(Set(stages.map(\.causeID)).count == 1)
      #expect(one.causes.contains(stages[0].causeID))
      let ended = try #require(found(0))
      #expect(ended.note.id == "certificate-expired" && ended.note.severity == .critical)
      #expect(found(-400)?.id == ended.id && one.causes.contains(ended.causeID))
      #expect(found(29.5)?.evidence.values["days_left"] == 29)
    }
  }

  @Test func `collected certificates tell when they end`() throws {
    func resource(_ service: String, _ kind: String, _ configuration: String) throws -> Certificate?
    {
      Certificate(
        Resource(
          provider: "aws",
          account: "111122223333",
          region: "eu-west-1",
          kind: ResourceKind(service: service, kind: kind),
          id: "arn:x",
          configuration: try JSONValue(parsing: configuration)
        )
      )
    }
    let text = try resource(
      "acm",
      "certificate",
      #"{"DomainName":"a.example.org","Certificate":{"NotAfter":"2026-07-01T00:00:00Z"}}"#
    )
    #expect(text?.subject == "a.example.org" && text?.account == "111122223333")
    #expect(text?.ends == Instant("2026-07-01T00:00:00Z"))
    let number = try resource("acm", "certificate", #"{"Certificate":{"NotAfter":1782864000.0}}"#)
    #expect(number?.ends == text?.ends)
    let server = #"{"ServerCertificateName":"n","Expiration":"2026-07-01T00:00:00Z"}"#
    #expect(try resource("iam", "server_certificate", server)?.subject == "n")
    #expect(try resource("acm", "certificate", #"{"Certificate":{"NotAfter":null}}"#) == nil)
    #expect(try resource("s3", "bucket", server) == nil)
  }
}
