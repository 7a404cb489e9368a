import Foundation
import TestSupport
import Testing

/// A data folder that several commands begin at once, and one that is damaged.
struct DataFolderTests {
  @Test func `commands that find no database at once make one together`() throws {
    let folder = try Fixtures.temporaryFolder()
    defer { Fixtures.remove(folder) }
    let data = folder.appendingPathComponent("data").path
    // A shell starts them: threads that start processes at the same moment can end this one.
    let script = """
      for part in 0 1 2 3 4 5 6 7; do
        "$1" scopes add part-$part --include account=$part --data "$2" &
      done
      wait
      """
    let plumb = try CommandRun.folderOfTests().appendingPathComponent("plumb").path
    let run = try CommandRun(
      URL(fileURLWithPath: "/bin/sh"),
      ["-c", script, "-", plumb, data]
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
