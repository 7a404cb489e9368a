import ArgumentParser
struct ScanCommand: AsyncParsableCommand { static let configuration = CommandConfiguration(commandName: "scan") }
struct WhyCommand: AsyncParsableCommand { static let configuration = CommandConfiguration(commandName: "why") }
struct ProfilesCommand: AsyncParsableCommand { static let configuration = CommandConfiguration(commandName: "profiles") }
