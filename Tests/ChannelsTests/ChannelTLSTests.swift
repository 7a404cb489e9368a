import Foundation
import HTTP
import JSON
import Model
import TestSupport
import Testing

@testable import Channels

/// Mail and syslog over TLS, against servers with certificates of their own.
struct ChannelTLSTests {
  private static let now = Instant(milliseconds: 1_772_445_600_000)

  private static let message = AlertMessage(
    id: "8d1b6f0a-0000-5000-8000-000000000001",
    occasion: .test,
    at: now,
    items: []
  )

  /// A certificate that vouches for itself, and its key.
  private static func certificate(_ name: String, for host: String, in folder: URL) throws
    -> (certificate: String, key: String)
  {
    let (certificate, key) = (
      folder.appendingPathComponent("\(name).pem").path,
      folder.appendingPathComponent("\(name).key").path
    )
    let made = try CommandRun(
      URL(fileURLWithPath: "/usr/bin/env"),
      [
        "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
        "-nodes", "-days", "2", "-subj", "/CN=\(name)", "-addext", "subjectAltName=\(host)",
        "-keyout", key, "-out", certificate,
      ]
    )
    #expect(made.exitCode == 0, "\(made.errors)")
    return (certificate, key)
  }

  private static func send(
    _ kind: Channel.Kind,
    _ address: String,
    trusting authorities: String?
  ) async throws {
    var channel = Channel(name: "c", kind: kind, address: address)
    (channel.sender, channel.recipients) = ("plumb@example.org", ["soc@example.org"])
    let sender = ChannelSender(
      try CurlClient(authorities: authorities),
      allowsPrivate: true,
      host: "plumb.example.org",
      authorities: authorities
    )
    try await sender.send(message, to: channel, secrets: [:])
  }

  @Test func `what is sent arrives over TLS where the certificate is trusted, and only there`()
    async throws
  {
    let folder = try Fixtures.temporaryFolder()
    defer { Fixtures.remove(folder) }
    let good = try Self.certificate("good", for: "IP:127.0.0.1", in: folder)
    let other = try Self.certificate("other", for: "IP:127.0.0.1", in: folder)
    try await Listeners.with("tls.py", [good.certificate, good.key]) { listeners in
      let places: [(kind: Channel.Kind, address: String)] = [
        (.email, listeners.address("smtps", "smtps")),
        (.email, listeners.address("smtp+starttls", "starttls")),
        (.syslog, listeners.address("syslog+tls", "syslog")),
      ]
      for place in places {
        try await Self.send(place.kind, place.address, trusting: good.certificate)
        let got = try listeners.next()
        if place.kind == .email {
          #expect(got["kind"] == "mail" && got["to"] == ["soc@example.org"])
          if place.address.contains("starttls") { #expect(got["tls"] == true) }
        } else {
          #expect(got["kind"] == "syslog")
          #expect(got["text"]?.string?.contains("Sent to try the channel") == true)
        }
        // Nobody vouches for it: neither the system nor another certificate.
        for authorities in [nil, other.certificate] {
          let refused = await #expect(throws: AlertFailure.self, "\(place.address)") {
            try await Self.send(place.kind, place.address, trusting: authorities)
          }
          #expect(refused?.description.contains("certificate") == true, "\(refused)")
          #expect(refused?.isFinal == false)
        }
      }
      // A server without STARTTLS is told nothing, though the address could be spoken to in the clear.
      let plain = listeners.address("smtp+starttls", "plain")
      let refused = await #expect(throws: AlertFailure.self) {
        try await Self.send(.email, plain, trusting: good.certificate)
      }
      #expect(refused?.description.contains("STARTTLS") == true, "\(refused)")
      // What comes next is no mail that was refused before.
      try await Self.send(.syslog, places[2].address, trusting: good.certificate)
      #expect(try listeners.next()["kind"] == "syslog")
    }
  }

  @Test func `a certificate for another name is refused`() async throws {
    let folder = try Fixtures.temporaryFolder()
    defer { Fixtures.remove(folder) }
    let elsewhere = try Self.certificate("elsewhere", for: "DNS:elsewhere.example", in: folder)
    try await Listeners.with("tls.py", [elsewhere.certificate, elsewhere.key]) { listeners in
      for (kind, scheme, name) in [
        (Channel.Kind.email, "smtps", "smtps"), (.email, "smtp+starttls", "starttls"),
        (.syslog, "syslog+tls", "syslog"),
      ] {
        let refused = await #expect(throws: AlertFailure.self, "\(scheme)") {
          try await Self.send(
            kind,
            listeners.address(scheme, name),
            trusting: elsewhere.certificate
          )
        }
        #expect(refused?.description.contains("127.0.0.1") == true, "\(refused)")
      }
    }
  }
}
