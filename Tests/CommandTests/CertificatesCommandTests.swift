import Foundation
import JSON
import TestSupport
import Testing

struct CertificatesCommandTests {
  @Test func `collected certificates whose end was not read are told, and nothing is called good`()
    throws
  {
    let folder = try Fixtures.temporaryFolder()
    defer { Fixtures.remove(folder) }
    func line(_ id: String, _ certificate: String) -> String {
      """
      {"provider":"aws","account":"123456789012","region":"eu-west-1","service_name":"acm",\
      "resource_kind":"certificate","id":"\(id)","configuration":{"DomainName":"\(id).example.org",\
      "Certificate":\(certificate)}}

      """
    }
    func scan(_ text: String) throws {
      let run = try CommandRun(
        [
          "scan", "inventory", "-", "--account", "123456789012", "--complete", "--data",
          folder.path,
        ],
        input: Data(text.utf8)
      )
      #expect(run.exitCode != 2, "\(run.errors)")
    }
    let arguments = [
      "certificates", "--stored", "--data", folder.path, "--now", "2028-01-01T00:00:00Z",
    ]
    let good = line("a", #"{"NotAfter":"2029-07-01T00:00:00Z"}"#)
    try scan(good)
    let lasting = try CommandRun(arguments)
    #expect(lasting.exitCode == 0, "\(lasting.errors)")
    try scan(good + line("b", "{}"))
    let unread = try CommandRun(arguments)
    #expect(unread.exitCode == 2)
    #expect(
      unread.errors.contains("acm/certificate b: when it ends was not read"),
      "\(unread.errors)"
    )
    #expect(unread.output.contains("2029-07-01"))
  }

  @Test func `an estate without a scan of certificates is not called good`() throws {
    let folder = try Fixtures.temporaryFolder()
    defer { Fixtures.remove(folder) }
    let scan = try CommandRun(
      ["scan", "inventory", "-", "--account", "123456789012", "--data", folder.path],
      input: Data(
        """
        {"provider":"aws","account":"123456789012","region":"eu-west-1","service_name":"s3",\
        "resource_kind":"bucket","id":"b","configuration":{}}

        """.utf8
      )
    )
    #expect(scan.exitCode != 2, "\(scan.errors)")
    let run = try CommandRun(["certificates", "--stored", "--data", folder.path])
    #expect(run.exitCode == 2)
    #expect(run.errors.contains("no kept scan has read certificates"), "\(run.errors)")
  }
}
