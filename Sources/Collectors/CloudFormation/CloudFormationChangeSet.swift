import JSON
import Model

/// What a change set changes, as `aws cloudformation describe-change-set` prints it.
package struct CloudFormationChangeSet: Sendable {
  /// The values of the template's parameters, less those that are not told.
  package let parameters: [String: String]
  /// Empty where its name does not tell them.
  package let account: String
  package let region: String
  /// What is added or changed, by logical id.
  let changed: Set<String>
  /// The types of what is added, changed or removed.
  let types: Set<String>

  /// Reads a file, `-` for standard input.
  ///
  /// - Throws: ``DocumentError`` or ``FileError`` for what is no whole change set.
  package init(file: String) throws {
    let bytes = try BoundedFile.read(file, limit: CloudFormationCollector.sizeLimit)
    let name = file == "-" ? "standard input" : file
    do {
      try self.init(JSONParser().parse(bytes), file: name)
    } catch let error as JSONError {
      throw DocumentError("\(error)", key: "", at: SourceLocation(file: name))
    }
  }

  init(_ json: JSONValue, file: String) throws(DocumentError) {
    let place = SourceLocation(file: file)
    guard let changes = json["Changes"]?.array, json["ChangeSetId"]?.string != nil else {
      throw DocumentError(
        "no change set as aws cloudformation describe-change-set prints it",
        key: "Changes",
        at: place
      )
    }
    if json["NextToken"]?.string != nil {
      throw DocumentError(
        "the change set goes on; let the command line of AWS read all pages (no --no-paginate)",
        key: "NextToken",
        at: place
      )
    }
    if let status = json["Status"]?.string,
      status == "CREATE_IN_PROGRESS" || status == "CREATE_PENDING"
    {
      throw DocumentError(
        "the change set is not made yet; aws cloudformation wait change-set-create-complete",
        key: "Status",
        at: place
      )
    }
    // arn:aws:cloudformation:REGION:ACCOUNT:changeSet/…
    let parts = (json["ChangeSetId"]?.string ?? "").split(separator: ":").map(String.init)
    (region, account) = parts.count > 5 ? (parts[3], parts[4]) : ("", "")
    var parameters: [String: String] = [:]
    for parameter in json["Parameters"]?.array ?? [] {
      guard let key = parameter["ParameterKey"]?.string,
        let value = parameter["ResolvedValue"]?.string ?? parameter["ParameterValue"]?.string,
        value != "****"
      else { continue }
      parameters[key] = value
    }
    var changed: Set<String> = []
    var types: Set<String> = []
    for change in changes.compactMap({ $0["ResourceChange"] }) {
      guard let id = change["LogicalResourceId"]?.string, let type = change["ResourceType"]?.string
      else {
        throw DocumentError(
          "a change without LogicalResourceId or ResourceType",
          key: "Changes",
          at: place
        )
      }
      types.insert(type)
      if change["Action"]?.string != "Remove" { changed.insert(id) }
    }
    (self.parameters, self.changed, self.types) = (parameters, changed, types)
  }

  /// Whether it tells of each resource whether it changes: not where some type is a part of others.
  func isPlain(_ mapped: Set<String>) -> Bool { types.isSubset(of: mapped) }
}
