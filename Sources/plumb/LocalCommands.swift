/// The commands that no server does, and what to do instead.
enum LocalCommands {
  /// Why there is no call of the API for a command, by its words.
  static let reasons: [String: String] = [
    "scan aws": uploading, "scan ibm": uploading, "scan terraform": uploading,
    "scan cloudformation": uploading, "scan kubernetes": uploading,
    "scans resume": "run it where the data is, with --data",
    "history":
      "plumb history reads what is kept here; the API has GET /api/v1/resources/ID/history",
    "why": "plumb why reads what is kept here; the API has GET /api/v1/resources/ID/results/GOAL",
    "scopes conflicts": "the API does not tell conflicts; run it where the data is, with --data",
    "keys add":
      "keys are made where the data is, with --data, or by whoever signed in to the server",
    "credentials key show": keeping, "credentials key make": keeping,
    "access": "the API does not tell who reaches what; run it where the data is, with --data",
    "work": "a server does its jobs itself; plumb work shares them where the data is, with --data",
    "migrate": database, "doctor": database, "retention list": database, "retention set": database,
    "retention hold": database, "retention release": database, "retention prune": database,
    "judge": files, "detect": files, "flows": files, "detections": files, "certificates": files,
    "rules new": files, "rules test": files,
    "rules pages": files,
    "profiles coverage": files, "profiles diff": files, "profiles export": files,
    "profiles import": files, "collectors policy": files, "collectors kinds": files,
    "serve": "plumb serve is the server",
  ]

  private static let uploading =
    "resources are read here: write them with --inventory FILE, then plumb scan inventory FILE "
    + "--account ID --server URL hands them in"
  private static let keeping = "the key is where the server is; run it there"
  private static let database =
    "this is about the database itself; run it where that is, with --data"
  private static let files = "this works on files and on what is installed here; leave out --server"

  /// Why a command line that asks for a server cannot be done by one; nil where it can be tried.
  static func refusal(_ arguments: [String]) -> String? {
    let options = arguments.prefix { $0 != "--" }
    let asks = options.contains {
      $0 == "--server" || $0.hasPrefix("--server=") || $0 == "--show-api"
    }
    guard asks, !options.contains("--help"), !options.contains("-h") else { return nil }
    let words = Array(arguments.prefix { !$0.hasPrefix("-") })
    for count in stride(from: min(3, words.count), to: 0, by: -1) {
      let name = words.prefix(count).joined(separator: " ")
      if let reason = reasons[name] { return "plumb \(name) has no call of the API: \(reason)" }
    }
    return nil
  }
}
