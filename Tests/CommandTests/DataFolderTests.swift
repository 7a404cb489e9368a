import Foundation
import TestSupport
import Testing

/// A data folder that several commands begin at once, and one that is damaged.
struct DataFolderTests {
  @Test func `commands that find no database at once make one together`() throws {
    let folder = try Fixtures.temporaryFolder()
    defer { Fixtures.remove(folder) }
    let data = folder.appendingPathComponent("data").path
    // One program starts them: threads that start processes at the same moment can end this one, and
    // a shell would wait for signals that are blocked here.
    let plumb = try CommandRun.folderOfTests().appendingPathComponent("plumb").path
    let run = try CommandRun(
      URL(fileURLWithPath: "/usr/bin/xargs"),
      [
        "-P", "8", "-I", "{}", plumb, "scopes", "add", "part-{}", "--include", "account={}",
        "--data", data,
      ],
      input: Data("0\n1\n2\n3\n4\n5\n6\n7\n".utf8)
    )
    #expect(run.errors.isEmpty, "\(run.errors)")
    let list = try CommandRun(["scopes", "list", "--data", data, "--format", "json"])
    for number in 0..<8 { #expect(list.output.contains("\"part-\(number)\"")) }
  }

  @Test func `an empty database is told to be damaged`() throws {
    let folder = try Fixtures.temporaryFolder()
    defer { Fixtures.remove(folder) }
    try Data().write(to: folder.appendingPathComponent("plumb.sqlite"))
    let run = try CommandRun(["scopes", "list", "--data", folder.path])
    #expect(run.exitCode == 2)
    #expect(run.errors.contains("is damaged: the file is empty"), "\(run.errors)")
  }
}
