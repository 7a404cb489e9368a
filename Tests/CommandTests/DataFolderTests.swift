import Foundation
import TestSupport
import Testing

/// A data folder that several commands begin at once, and one that is damaged.
struct DataFolderTests {
  @Test func `commands that find no database at once make one together`() async throws {
    let folder = try Fixtures.temporaryFolder()
    defer { Fixtures.remove(folder) }
    let data = folder.appendingPathComponent("data").path
    let runs = try await withThrowingTaskGroup(of: CommandRun.self) { group in
      for number in 0..<8 {
        group.addTask {
          // Away from the threads that tasks share, so that all run at the same time.
          try await withCheckedThrowingContinuation { continuation in
            Thread.detachNewThread {
              continuation.resume(
                with: Result {
                  try CommandRun([
                    "scopes", "add", "part-\(number)", "--include", "account=\(number)",
                    "--data", data,
                  ])
                }
              )
            }
          }
        }
      }
      return try await group.reduce(into: []) { $0.append($1) }
    }
    for run in runs { #expect(run.exitCode == 0, "\(run.errors)") }
    let list = try CommandRun(["scopes", "list", "--data", data, "--format", "json"])
    for number in 0..<8 { #expect(list.output.contains("part-\(number)")) }
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
