import ArgumentParser
import Model
import Operations

struct GateRunTask: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "run-task",
    abstract: "Prints what makes HCP Terraform ask a server about each run.",
    discussion: """
      The address and the HMAC key are for a run task at the stage post_plan. Both are derived from
      the API key, which should be one of the role viewer.

      Example:
        plumb gate run-task --server https://plumb.example.com --account 123456789012
      """
  )

  @OptionGroup var server: ServerOptions

  @Option(
    name: .long,
    help: ArgumentHelp(
      "The account of resources that name none: where they will be.",
      valueName: "id"
    )
  )
  var account: String?

  func run() async throws {
    try await reporting {
      let (address, key) = try server.guarded()
      let path = GateKey.runTask.derived(from: key.revealed)
      let query = account.map { "?account=\(APISketch.encoded($0))" } ?? ""
      print("Endpoint URL  \(address)/run-tasks/terraform/\(path)\(query)")
      print("HMAC key      \(GateKey.runTaskSignature.derived(from: key.revealed))")
    }
  }
}
