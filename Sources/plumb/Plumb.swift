import ArgumentParser
import Foundation
import Model
import Store

@main
struct Plumb: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "plumb",
    abstract: "Judges how cloud, Kubernetes and on-premises resources are configured.",
    discussion: """
      Examples:
        plumb scan terraform plan.json --profile best-practices
        plumb scan kubernetes manifests/ --format html > report.html
        plumb judge --rules my-rules/ inventory.ndjson --failures-only
        plumb why 4F2A91C0

      Exit codes: 0 nothing at or above the threshold failed, 1 something failed,
      2 something could not be judged.
      """,
    version: "0.1.0",
    subcommands: [
      ScanCommand.self, GateCommand.self, ScansCommand.self, StatusCommand.self,
      ResultsCommand.self,
      DiffCommand.self, HistoryCommand.self, AccessCommand.self, ScoreCommand.self,
      CoverageCommand.self,
      ControlsCommand.self,
      MigrateCommand.self, DoctorCommand.self, RetentionCommand.self,
      JudgeCommand.self, DetectCommand.self, DetectionsCommand.self, FlowsCommand.self,
      FindingsCommand.self, ConversationsCommand.self, CertificatesCommand.self,
      ChannelsCommand.self, AlertsCommand.self,
      WhyCommand.self, RulesCommand.self,
      ProfilesCommand.self, ContentCommand.self, CollectorsCommand.self,
      CredentialsCommand.self, ScopesCommand.self,
      AccountsCommand.self,
      AttachCommand.self, AttachmentsCommand.self, GuardrailsCommand.self,
      TemplatesCommand.self, DecisionsCommand.self, ExceptionsCommand.self, MarksCommand.self,
      AttestCommand.self, AttestationsCommand.self, AuditCommand.self,
      ServeCommand.self, APICommand.self, PeopleCommand.self, KeysCommand.self,
      WorkCommand.self, JobsCommand.self, CollectorCommand.self,
    ]
  )
}

extension Plumb {
  /// Runs the command line; wrong usage ends with 2 like all that cannot be judged.
  static func main() async {
    if let refusal = LocalCommands.refusal(Array(CommandLine.arguments.dropFirst())) {
      complain(refusal)
      exit(withError: Exit.notJudged)
    }
    do {
      var command = try parseAsRoot()
      if var command = command as? any AsyncParsableCommand {
        try await command.run()
      } else {
        try command.run()
      }
    } catch {
      let code = exitCode(for: error)
      guard code == .validationFailure else { exit(withError: error) }
      FileHandle.standardError.write(Data((fullMessage(for: error) + "\n").utf8))
      exit(withError: Exit.notJudged)
    }
  }
}

/// How a command ends.
enum Exit {
  /// Something at or above the threshold failed.
  static let failed = ExitCode(1)
  /// Something could not be judged.
  static let notJudged = ExitCode(2)
}

/// Writes a line to standard error.
func complain(_ message: String) {
  FileHandle.standardError.write(Data("plumb: \(message.withoutControls)\n".utf8))
}

/// Runs a command's body; an error ends it with exit code 2 and one line that says why.
func reporting(_ body: () async throws -> Void) async throws {
  do {
    try await body()
  } catch let code as ExitCode {
    throw code
  } catch {
    complain("\(error)" + wayOut(error))
    throw Exit.notJudged
  }
}

/// The command that lists what there is, after an error about what is not there.
private func wayOut(_ error: any Error) -> String {
  guard case StoreError.notFound(let kind, _) = error else { return "" }
  let command = Plumb.configuration.subcommands.first {
    $0.configuration.commandName == "\(kind)s"
  }
  let lists = command?.configuration.subcommands.contains { $0.configuration.commandName == "list" }
  return lists == true ? "; plumb \(kind)s list shows those there are" : ""
}
