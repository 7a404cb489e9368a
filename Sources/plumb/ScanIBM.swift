import ArgumentParser
import Collectors
import Engine
import Foundation
import Model

struct ScanIBM: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "ibm",
    abstract: "Judges how the resources of an IBM Cloud account are configured.",
    discussion: """
      Signs in with the API key in IBMCLOUD_API_KEY, or in the file that --api-key-file names, and
      only reads; or with a stored credential (plumb credentials). The key decides which account that is. What may not be read makes verdicts unknown.
      Without --profile every kind of resource is read; with it those that its goals need.

      Examples:
        plumb scan ibm --preflight
        plumb scan ibm --api-key-file ~/.ibm/audit.json --profile cis-ibm --save
        plumb scan ibm --credential audit --save
        plumb scan ibm --region us-south --service container-registry --format json
      """
  )

  @OptionGroup var goals: GoalOptions
  @OptionGroup var ibm: IBMOptions
  @OptionGroup var output: ScanOptions

  func run() async throws {
    output.watch.attend()
    try await reporting {
      let catalog = try IBMCatalog()
      let (choice, isChosen) = try await output.chosen(goals)
      let rules = choice.ruleSet.members.map(\.rule)
      let credential = try await ibm.credential.opened(.ibm, output.saving.store)
      let session = try await withoutSecrets(of: credential) {
        try await IBMSession(
          ibm,
          catalog,
          needs: isChosen ? catalog.needs(of: rules) : nil,
          credential: credential
        )
      }
      try await session.scan(goals, choice.ruleSet, output)
    }
  }
}
